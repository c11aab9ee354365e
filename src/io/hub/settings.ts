/**
 * What the environment says of the hub, by the variables and rules of Python's huggingface_hub
 * (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables), so that
 * both tools share one cache, one token and one endpoint.
 *
 * @module
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { exists, readText } from "../files.ts";

/** Where the hub is, who asks, and where files are kept. */
export interface HubSettings {
  /** `HF_ENDPOINT`, without a slash at its end. */
  readonly endpoint: string;
  /** `HF_TOKEN`, else the file at `HF_TOKEN_PATH` or in `HF_HOME`; none is read where nothing is asked. */
  readonly token: string | undefined;
  /** `HF_HUB_OFFLINE` or `TRANSFORMERS_OFFLINE`: nothing is asked of the network. */
  readonly offline: boolean;
  /** The shared cache: `HF_HUB_CACHE`, else `hub` in `HF_HOME`. */
  readonly cache: string;
  /** How long the hub may be silent, in milliseconds: `HF_HUB_DOWNLOAD_TIMEOUT`, which is in s. */
  readonly patience: number;
}

/** Seconds that Python's huggingface_hub waits. */
const PATIENCE = 10;

/**
 * The settings in `env`, which is the process's own by default.
 *
 * @throws {ConfigError} where a variable does not make sense.
 * @throws {FileError} where the token's file cannot be read.
 */
export function hubSettings(
  env: Readonly<Record<string, string>> = environment(),
): HubSettings {
  const { endpoint, tokenFile, offline, cache } = hubPlaces(env);
  return {
    endpoint,
    token: offline ? undefined : tokenOf(env, tokenFile),
    offline,
    cache,
    patience: 1000 * secondsOf(env["HF_HUB_DOWNLOAD_TIMEOUT"] || String(PATIENCE)),
  };
}

/** Where the hub and what it leaves here are, of which nothing is read. */
export interface HubPlaces extends Pick<HubSettings, "endpoint" | "offline" | "cache"> {
  /** The file that may hold the token. */
  readonly tokenFile: string;
}

/**
 * The places that `env` names.
 *
 * @throws {ConfigError} where the endpoint is no address.
 */
export function hubPlaces(env: Readonly<Record<string, string>> = environment()): HubPlaces {
  const home = expand(env["HF_HOME"] ?? join(env["XDG_CACHE_HOME"] ?? "~/.cache", "huggingface"));
  const cache = env["HF_HUB_CACHE"] ?? env["HUGGINGFACE_HUB_CACHE"] ?? join(home, "hub");
  return {
    endpoint: endpointOf(env["HF_ENDPOINT"] || "https://huggingface.co"),
    tokenFile: expand(env["HF_TOKEN_PATH"] ?? join(home, "token")),
    offline: isTrue(env["HF_HUB_OFFLINE"] || env["TRANSFORMERS_OFFLINE"]),
    cache: expand(cache),
  };
}

/** The variables that are read here. */
export const HUB_VARIABLES = [
  "HF_ENDPOINT",
  "HF_HOME",
  "HF_HUB_CACHE",
  "HF_HUB_DISABLE_IMPLICIT_TOKEN",
  "HF_HUB_DOWNLOAD_TIMEOUT",
  "HF_HUB_OFFLINE",
  "HF_TOKEN",
  "HF_TOKEN_PATH",
  "HUGGINGFACE_HUB_CACHE",
  "HUGGING_FACE_HUB_TOKEN",
  "TRANSFORMERS_OFFLINE",
  "XDG_CACHE_HOME",
] as const;

/** Those of them that the process has: a program may be allowed no others. */
function environment(): Record<string, string> {
  return Object.fromEntries(
    HUB_VARIABLES.map((name) => [name, Deno.env.get(name)]).filter(([, value]) =>
      value !== undefined
    ),
  );
}

function endpointOf(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text.replace(/\/+$/, "");
  throw new ConfigError(`HF_ENDPOINT is "${text}", wanted an address that begins with https://`);
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new ConfigError(`HF_HUB_DOWNLOAD_TIMEOUT is "${text}", wanted seconds above 0`);
}

function tokenOf(env: Readonly<Record<string, string>>, file: string): string | undefined {
  if (isTrue(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return undefined;
  const given = (env["HF_TOKEN"] ?? env["HUGGING_FACE_HUB_TOKEN"] ?? "").trim();
  if (given !== "") return given;
  return (exists(file) && readText(file).trim()) || undefined;
}

function isTrue(text: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes((text ?? "").toUpperCase());
}

function expand(path: string): string {
  return path.replace(/^~(?=$|[/\\])/, homedir());
}
