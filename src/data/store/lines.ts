/**
 * Values as lines of JSON, for the disk and the way between threads.
 *
 * @module
 */
import { encodeUtf8 } from "../../io/files.ts";

/** Ends a line; JSON writes it in no text. */
const LINE_END = 10;

/** The line of a value, its end counted. */
export const lineOf = (value: unknown): Uint8Array => encodeUtf8(`${JSON.stringify(value)}\n`);

/** The value of a line. */
export const valueOf = <T>(line: Uint8Array): T => JSON.parse(new TextDecoder().decode(line));

/** Lines that stand one after the other. */
export function* linesIn(bytes: Uint8Array): Generator<Uint8Array> {
  for (let begin = 0; begin < bytes.length;) {
    const end = bytes.indexOf(LINE_END, begin) + 1;
    yield bytes.subarray(begin, end);
    begin = end;
  }
}
