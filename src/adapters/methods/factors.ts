/**
 * The factors of a module between PEFT's shapes and those of the store.
 *
 * @module
 */
import { transpose } from "../../models/stored.ts";
import { blocksOf, fromBlocks } from "../../models/weights.ts";

type Matrix = readonly [rows: number, columns: number];

/** Sizes that say how factors lie. */
export interface FactorSizes {
  readonly isTable: boolean;
  /** 0 where there are no factors. */
  readonly rank: number;
  /** Whether (IA)^3 scales its inputs rather than its outputs. */
  readonly isFeedForward?: boolean;
  readonly outFeatures: number;
  readonly inFeatures: number;
}

/** The next multiple of four, as the kernels want sizes. */
export const pad = (size: number): number => Math.ceil(size / 4) * 4;

/**
 * The shapes in the store, padded with zeros, whose gradients are zero too. Those of a table are
 * in blocks, and its A has a row for each row of the table.
 */
export function storeShapes({ isTable, rank, outFeatures, inFeatures }: FactorSizes) {
  const width = pad(rank);
  return {
    a: isTable ? [inFeatures, width] as const : [width, inFeatures] as const,
    usedA: isTable ? [inFeatures, rank] as const : [rank, inFeatures] as const,
    b: isTable ? [outFeatures, width] as const : [pad(outFeatures), width] as const,
    usedB: [outFeatures, rank] as const,
    layout: isTable ? "blocks" as const : "rows" as const,
  };
}

/** A [rank, in] as the store keeps it. */
export function keepA(a: Float32Array, sizes: FactorSizes): Float32Array {
  const { isTable, rank, inFeatures } = sizes;
  const { a: shape } = storeShapes(sizes);
  if (!isTable) return resize(a, [rank, inFeatures], shape);
  return blocksOf(resize(transpose(a, [rank, inFeatures]), [inFeatures, rank], shape), shape);
}

/** B [out, rank] as the store keeps it. */
export function keepB(b: Float32Array, sizes: FactorSizes): Float32Array {
  const { isTable, rank, outFeatures } = sizes;
  const { b: shape } = storeShapes(sizes);
  const wide = resize(b, [outFeatures, rank], shape);
  return isTable ? blocksOf(wide, shape) : wide;
}

/** {@link keepA} the other way. */
export function peftA(kept: Float32Array, sizes: FactorSizes): Float32Array {
  const { isTable, rank, inFeatures } = sizes;
  const { a: shape } = storeShapes(sizes);
  if (!isTable) return resize(kept, shape, [rank, inFeatures]);
  return transpose(resize(fromBlocks(kept, shape), shape, [inFeatures, rank]), [inFeatures, rank]);
}

/** {@link keepB} the other way. */
export function peftB(kept: Float32Array, sizes: FactorSizes): Float32Array {
  const { isTable, rank, outFeatures } = sizes;
  const { b: shape } = storeShapes(sizes);
  return resize(isTable ? fromBlocks(kept, shape) : kept, shape, [outFeatures, rank]);
}

/** A row-major matrix with rows and columns left out or, as zeros, put in at the end. */
export function resize(from: Float32Array, [rows, columns]: Matrix, [toRows, toColumns]: Matrix) {
  const to = new Float32Array(toRows * toColumns);
  const kept = Math.min(columns, toColumns);
  for (let row = 0; row < Math.min(rows, toRows); row++) {
    to.set(from.subarray(row * columns, row * columns + kept), row * toColumns);
  }
  return to;
}
