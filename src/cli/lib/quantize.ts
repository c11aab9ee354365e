/**
 * `--quantize`, for commands that open a base.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { type FormatName, QUANTIZED } from "../../formats/mod.ts";

/** The flag of a command that opens a base. */
export const QUANTIZE_FLAG = {
  quantize: {
    type: "string",
    help: `what the matrices of the base are rounded to as it is loaded: ${QUANTIZED.join(", ")}`,
  },
} as const;

/** What the flag says; undefined where it is not given. */
export function quantizeOf(flags: Readonly<Record<string, string>>): FormatName | undefined {
  const text = flags["quantize"];
  if (text === undefined) return undefined;
  const found = QUANTIZED.find((name) => name === text);
  if (found !== undefined) return found;
  throw new ConfigError(`Found --quantize ${text}, wanted ${QUANTIZED.join(", ")}`);
}
