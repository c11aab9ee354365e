/**
 * Limits of files from elsewhere: how long a row may be, and how much an archive may hold.
 *
 * @module
 */
import { FileError } from "../../errors.ts";

const MIB = 1 << 20;

/** The longest row, in MiB, where `data.max_row_mib` does not say otherwise. */
export const MAX_ROW_MIB = 64;

/** The longest line that rows are cut out of, as of a JSON array, in MiB: what a text can hold. */
export const MAX_LINE_MIB = 511;

/** Bytes that an archive may hold for each of its own, beyond the first so many: text has 3 to 20. */
const MAX_RATIO = 250;
const FREE = 64 * MIB;

/** The length of a row as it is read, piece by piece. */
export class RowLength {
  #length = 0;

  constructor(private readonly maxMib: number) {}

  /** @throws {FileError} with the place of a row that has become too long. */
  add(length: number, origin: () => string): void {
    this.#length += length;
    if (this.#length > this.maxMib * MIB) throw rowTooLong(origin(), this.maxMib);
  }

  /** The next row begins. */
  next(): void {
    this.#length = 0;
  }
}

/** What to say of a row that is too long. */
export function rowTooLong(origin: string, maxMib: number): FileError {
  return new FileError(
    `${origin}: found a row of more than ${maxMib} MiB, wanted a shorter one, or a higher ` +
      "data.max_row_mib",
  );
}

/** @throws {FileError} where an archive holds more than is believable of text. */
export function checkRatio(path: string, unpacked: number, packed: number): void {
  if (unpacked <= FREE || unpacked <= MAX_RATIO * packed) return;
  throw new FileError(
    `${path}: found more than ${MAX_RATIO} bytes in each byte of the archive, wanted text: ` +
      "it is a decompression bomb, or to be unpacked by hand",
  );
}
