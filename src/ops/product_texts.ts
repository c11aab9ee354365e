/**
 * Every text that a product of matrices may be joined from.
 *
 * @module
 */
import { FORMATS } from "../formats/mod.ts";
import type { Text } from "../gpu/kernel.ts";
import { READS } from "../gpu/reads.ts";
import { LINEAR_KERNELS } from "./linear.ts";
import { MATMUL_KERNELS } from "./matmul.ts";
import { NO_TAIL, STORES, TILES } from "./tile.ts";

/** The texts with their names and, of tiles, their constants: what a measured time depends on. */
export function productTexts(): string[] {
  const texts = (pieces: Readonly<Record<string, Text>>) =>
    Object.values(pieces).map(({ name, text }) => `${name}\n${text}`);
  const tiles = Object.values(TILES).flatMap((set) => [...set.values()]);
  return [
    ...texts(LINEAR_KERNELS),
    ...texts(MATMUL_KERNELS),
    ...tiles.flatMap((tile) => [tile.name, ...texts({ tile: tile.text, ...tile.imports })]),
    ...texts(STORES),
    ...texts({ NO_TAIL }),
    ...Object.values(READS).flatMap(texts),
    ...Object.values(FORMATS).flatMap(({ loader, pieces }) => texts({ loader, ...pieces })),
  ];
}
