/**
 * One instruction in several words, for rows that have only an input and an output.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import { readJsonObject } from "../../io/files.ts";
import { instructionContent } from "../content.ts";
import { text } from "../sources/row.ts";
import type { Prompt } from "./prompt.ts";

/** Where the instructions are. */
export interface ParaphraseSetting {
  /**
   * A JSON file with a list `annotations`, as in data/annotations of orhonovich/instruction-induction.
   */
  readonly instructions: string;
}

/**
 * Reads the instructions of a file, each a prompt over `input` and `output`.
 *
 * @throws {FileError} if the file is missing or no JSON object.
 * @throws {ConfigError} if it has no list of instructions.
 */
export function readParaphrases({ instructions: path }: ParaphraseSetting): Prompt[] {
  const { annotations } = readJsonObject(path);
  const list = Array.isArray(annotations) ? annotations : [];
  if (list.length === 0 || !list.every((item) => typeof item === "string" && item.trim() !== "")) {
    throw new ConfigError(`${path}: found no list of instructions, wanted annotations: [...]`);
  }
  return list.map((instruction: string) => ({
    name: instruction,
    read: (row) =>
      instructionContent(row.origin, {
        instruction,
        input: text(row, "input"),
        answer: text(row, "output"),
        field: "output",
      }),
  }));
}
