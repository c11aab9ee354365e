/**
 * Command lines: the flags of a command, and any configuration key as `--section.key value`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { ConfigError } from "../../errors.ts";
import { nearest } from "../../io/nearest.ts";
import { configHelp, isConfigKey, nearestKey } from "../../config/mod.ts";

/** A flag of a command. */
export interface Flag {
  /** Whether a value follows the flag. */
  readonly type: "string" | "boolean";
  /** What it does, in one line. */
  readonly help: string;
  /** Whether it may stand several times. */
  readonly many?: boolean;
}

/** What a command takes. */
export interface Command {
  /** How to call it: `train [CONFIG] [--section.key value]...`. */
  readonly usage: string;
  /** What it does, in one line. */
  readonly summary: string;
  /** Its own flags, by name. */
  readonly flags: Readonly<Record<string, Flag>>;
  /** Smallest and largest number of positional arguments. */
  readonly positionals: readonly [least: number, most: number];
  /** Whether it takes configuration keys. */
  readonly config: boolean;
}

/** A command line, taken apart. */
export interface Arguments {
  /** What stands without a flag. */
  readonly positionals: readonly string[];
  /** The command's own flags that were set, by name; a boolean flag is `"true"`. */
  readonly flags: Readonly<Record<string, string>>;
  /** All values of each flag that may stand several times. */
  readonly lists: Readonly<Record<string, readonly string[]>>;
  /** Configuration keys with their values as typed. */
  readonly config: Readonly<Record<string, string>>;
}

/** Thrown for `--help`; the message is the help text. */
export class HelpWanted extends Error {
  /** Name of the class. */
  override name = "HelpWanted";
}

/**
 * Takes `args` apart.
 *
 * @throws {HelpWanted} For `--help` or `-h`.
 * @throws {ConfigError} For a flag that is unknown, set twice or without its value, or a wrong
 * number of positional arguments.
 */
export function parseArguments(command: Command, args: readonly string[]): Arguments {
  if (args.includes("--help") || args.includes("-h")) throw new HelpWanted(helpText(command));
  const { tokens } = parseArgs({
    args: [...args],
    options: optionTypes(command, args),
    strict: false,
    tokens: true,
  });
  const flags: Record<string, string> = {};
  const config: Record<string, string> = {};
  const positionals: string[] = [];
  const lists: Record<string, string[]> = {};
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    if (command.flags[token.name]?.many) {
      (lists[token.name] ??= []).push(valueOf(command, token));
      continue;
    }
    const values = Object.hasOwn(command.flags, token.name) ? flags : config;
    if (Object.hasOwn(values, token.name)) {
      throw new ConfigError(`Found ${token.rawName} twice, wanted it once`);
    }
    values[token.name] = valueOf(command, token);
  }
  checkCount(command, positionals);
  return { positionals, flags, lists, config };
}

/** The help of a command: usage, flags and, where it takes them, all configuration keys. */
export function helpText({ usage, summary, flags, config }: Command): string {
  const rows = Object.entries({ ...flags, help: HELP })
    .map(([name, { type, help }]) => [`--${name}${type === "string" ? " VALUE" : ""}`, help]);
  const width = Math.max(...rows.map(([flag]) => flag!.length));
  const lines = rows.map(([flag, help]) => `  ${flag!.padEnd(width)}  ${help}`);
  const keys = config ? ["", "Configuration keys, with their defaults:", configHelp()] : [];
  return [`Usage: ${usage}`, "", summary, "", ...lines, ...keys].join("\n");
}

const HELP: Flag = { type: "boolean", help: "show this text" };

/** The flags of the command, and every configuration key that occurs, which all take a value. */
function optionTypes({ flags, config }: Command, args: readonly string[]) {
  const options: Record<string, { type: "string" | "boolean" }> = {};
  for (const [name, { type }] of Object.entries(flags)) options[name] = { type };
  if (!config) return options;
  for (
    const [, key] of args.map((arg) => /^--([^=]+)/.exec(arg)).filter((match) => match !== null)
  ) {
    if (!Object.hasOwn(options, key!) && looksLikeKey(key!)) options[key!] = { type: "string" };
  }
  return options;
}

/** A dotted name is left to the configuration to judge, so that all its faults come at once. */
function looksLikeKey(name: string): boolean {
  return name.includes(".") || isConfigKey(name);
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function valueOf(command: Command, { name, rawName, value, inlineValue }: OptionToken): string {
  const flag = command.flags[name];
  if (flag === undefined && !(command.config && looksLikeKey(name))) {
    throw new ConfigError(unknownFlag(command, rawName, name));
  }
  if (flag?.type === "boolean") {
    if (value === undefined) return "true";
    throw new ConfigError(`Found a value for ${rawName}, wanted none`);
  }
  if (value === undefined || (!inlineValue && value.startsWith("--"))) {
    throw new ConfigError(`Found no value for ${rawName}, wanted one`);
  }
  return value;
}

function unknownFlag({ flags, config }: Command, rawName: string, name: string): string {
  const near = nearest(name, Object.keys(flags), 1)[0] ?? (config ? nearestKey(name) : undefined);
  return `Found the unknown flag ${rawName}` +
    (near === undefined ? ", wanted one that --help lists" : `, the nearest is --${near}`);
}

function checkCount({ positionals: [least, most], usage }: Command, found: readonly string[]) {
  if (found.length >= least && found.length <= most) return;
  const listed = found.length === 0 ? "" : ` (${found.join(", ")})`;
  const number = least === most
    ? `${least}`
    : most === Infinity
    ? `${least} at least`
    : `${least} to ${most}`;
  throw new ConfigError(
    `Found ${found.length} arguments${listed}, wanted ${number}: ${usage}`,
  );
}
