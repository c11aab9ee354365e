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
  /** `HF_TOKEN`, else the file at `HF_TOKEN_PATH` or in `HF_HOME`. */
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
  env: Readonly<Record<string, string>> = Deno.env.toObject(),
): HubSettings {
  const home = expand(env["HF_HOME"] ?? join(env["XDG_CACHE_HOME"] ?? "~/.cache", "huggingface"));
  const cache = env["HF_HUB_CACHE"] ?? env["HUGGINGFACE_HUB_CACHE"] ?? join(home, "hub");
  return {
    endpoint: endpointOf(env["HF_ENDPOINT"] || "https://huggingface.co"),
    token: tokenOf(env, home),
    offline: isTrue(env["HF_HUB_OFFLINE"] || env["TRANSFORMERS_OFFLINE"]),
    cache: expand(cache),
    patience: 1000 * secondsOf(env["HF_HUB_DOWNLOAD_TIMEOUT"] || String(PATIENCE)),
  };
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

function tokenOf(env: Readonly<Record<string, string>>, home: string): string | undefined {
  if (isTrue(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"])) return undefined;
  const given = (env["HF_TOKEN"] ?? env["HUGGING_FACE_HUB_TOKEN"] ?? "").trim();
  if (given !== "") return given;
  const file = expand(env["HF_TOKEN_PATH"] ?? join(home, "token"));
  return (exists(file) && readText(file).trim()) || undefined;
}

function isTrue(text: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes((text ?? "").toUpperCase());
}

function expand(path: string): string {
  return path.replace(/^~(?=$|[/\\])/, homedir());
}
