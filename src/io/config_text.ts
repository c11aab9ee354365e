/**
 * `config.json` as text. JSON.parse forgets that 30.0 was not 30, and Python tells them apart:
 * transformers refuses a whole number where it wants a float.
 *
 * @module
 */
import type { Dtype } from "./safetensors/dtype.ts";
import { readText } from "./files.ts";
import { pathInside } from "./inside.ts";

const NAMES: Partial<Record<Dtype, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** Either spelling of the element type, as transformers 4 and 5 write it. */
const ENTRY = /"(torch_dtype|dtype)"(\s*:\s*)(?:"[^"]*"|null)/g;

/**
 * The text of a checkpoint folder's `config.json`, digit for digit, with another element type where
 * one is given.
 *
 * @throws {FileError} If there is none.
 */
export function configText(folder: string, dtype?: Dtype): string {
  const text = readText(pathInside(folder, "config.json"));
  const name = dtype && NAMES[dtype];
  if (name === undefined) return text;
  if (text.search(ENTRY) < 0) return text.replace("{", `{\n  "torch_dtype": "${name}",`);
  return text.replace(ENTRY, (_, key, colon) => `"${key}"${colon}"${name}"`);
}
