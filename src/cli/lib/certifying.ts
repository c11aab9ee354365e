/**
 * Flags of commands that certify, as the config table has them, so that each default is that of a run.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { parseConfig } from "../../config/mod.ts";
import { ConfigError } from "../../errors.ts";
import { isRunFolder } from "../../runs/folder.ts";
import type { Command } from "./args.ts";
import { numberOf } from "./number.ts";

/** How documents are parted and tested. */
export const CERTIFYING_FLAGS = {
  tokens: { type: "string", help: "tokens on the GPU at once, and the longest document (512)" },
  seed: { type: "string", help: "seed of the split (42)" },
  documents: { type: "string", help: "the most documents that certify (256)" },
  strict: {
    type: "boolean",
    help: "a document counts up to one nat a token, not what others suggest",
  },
  history: {
    type: "string",
    help: "false = attempts on the text are not counted in runs.sqlite",
  },
} as const satisfies Command["flags"];

/** The exit code where the budget is not certified. */
export const NOT_CERTIFIED = 3;

/**
 * What the flags of a command come to for a model.
 *
 * @throws {ConfigError} where one is no value of its key.
 */
export function certifyingSettings(model: string, flags: Readonly<Record<string, string>>) {
  const { data, text } = flags;
  const { config } = parseConfig({
    flags: {
      model,
      data: data ?? model, // wanted by the table, read by nobody
      "guard.text": text ?? "[]",
      ...(flags["budget"] !== undefined && { "guard.budget": flags["budget"] }),
      ...(flags["documents"] !== undefined && {
        "guard.documents.certificate": flags["documents"],
      }),
      ...(flags["strict"] !== undefined && { "guard.strict": "true" }),
      ...(flags["history"] !== undefined && { history: flags["history"] }),
      ...(flags["template"] !== undefined && { "data.template": flags["template"] }),
    },
  });
  if (!config.guard) throw new ConfigError("Found no guard, wanted one");
  return {
    guard: config.guard,
    history: config.history,
    data: data === undefined ? [] : config.data,
    tokens: numberOf(flags, "tokens", 512, { least: 8, whole: true }),
    seed: numberOf(flags, "seed", config.train.seed, { least: 0, whole: true }),
  };
}

/** Attempts are counted where the run of the adapter counts them, else beside what is written. */
export function countedWhere(adapter: string | undefined, out: string): string {
  const run = adapter === undefined ? out : dirname(resolve(adapter));
  return isRunFolder(run) ? run : out;
}
