/**
 * The four low bits of the codes of a super-block.
 *
 * @module
 */
import { nibbles, spread } from "../groups/codes.ts";
import type { Place } from "../groups/grouped.ts";

/**
 * Copies four runs of 32 bytes, which begin `from` halves into a group, to the 64 blocks of 8 bytes
 * that a cell begins with: of run j the low halves are 32 numbers from 64 j on, the high ones the 32
 * after.
 */
export function packNibbles({ file, at, device, unit, row }: Place, from: number): void {
  for (let i = 0; i < 32; i++) {
    const [a, b] = [file[at + from + 2 * i]!, file[at + from + 2 * i + 1]!];
    const to = unit + 4 * blockOf(i) + row;
    device[to] = nibbles(a, b);
    device[to + 32] = nibbles(a >>> 4, b >>> 4);
  }
}

/** {@link packNibbles} the other way. */
export function unpackNibbles({ file, at, device, unit, row }: Place, from: number): void {
  for (let i = 0; i < 32; i++) {
    const block = unit + 4 * blockOf(i) + row;
    const [low, high] = [spread(device[block]!), spread(device[block + 32]!)];
    file[at + from + 2 * i] = low[0] | high[0] << 4;
    file[at + from + 2 * i + 1] = low[1] | high[1] << 4;
  }
}

/** The block of the low halves of four bytes, of which a run of 32 has eight. */
const blockOf = (four: number) => (four >> 3) * 16 + four % 8;
