/**
 * Flags that hold a number.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";

/** Which numbers a flag may have. */
export interface NumberRange {
  readonly least: number;
  readonly most?: number;
  readonly whole?: boolean;
}

/**
 * The number of a flag, or the fallback where it was not set.
 *
 * @throws {ConfigError} where it is no number, or one out of range.
 */
export function numberOf(
  flags: Readonly<Record<string, string>>,
  name: string,
  fallback: number,
  { least, most = Infinity, whole = false }: NumberRange,
): number {
  const text = flags[name];
  if (text === undefined) return fallback;
  const number = text.trim() === "" ? NaN : Number(text);
  if (number >= least && number <= most && (!whole || Number.isSafeInteger(number))) return number;
  const kind = whole ? "a whole number" : "a number";
  const range = most === Infinity ? `from ${least} on` : `from ${least} to ${most}`;
  throw new ConfigError(`Found --${name} ${text}, wanted ${kind} ${range}`);
}
