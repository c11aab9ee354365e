/**
 * The low-rank update of one module, made of those of several adapters.
 *
 * @module
 */
import { Matrix } from "../../deps/matrix.ts";
import { ConfigError } from "../../errors.ts";
import type { LoraWeights } from "../peft/adapter.ts";
import { type Factors, nearestTo, nearestToProduct, type Truncated } from "./low_rank.ts";
import { mix, type MixOptions } from "./mix.ts";

/** A module of an adapter. */
export interface Part {
  /** The adapter's folder, for messages. */
  readonly folder: string;
  readonly module: LoraWeights;
  /** What the adapter's update is multiplied by. */
  readonly weight: number;
  /** The adapter's number among those that are combined. */
  readonly number: number;
}

/** The update of a part is this times B A. */
const scaleOf = ({ weight, module }: Part): number => weight * module.scale;

/** The factors of all parts side by side, whose product is the sum of the updates. */
export function stacked(parts: readonly Part[]): Factors {
  const [{ module: { inFeatures, outFeatures } }] = parts as [Part];
  const rank = parts.reduce((sum, { module }) => sum + module.rank, 0);
  const [a, b] = [new Float32Array(rank * inFeatures), new Float32Array(outFeatures * rank)];
  let begin = 0;
  for (const part of parts) {
    const { module } = part;
    a.set(module.a.map((x) => x * scaleOf(part)), begin * inFeatures);
    for (let row = 0; row < outFeatures; row++) {
      b.set(module.b.subarray(row * module.rank, (row + 1) * module.rank), row * rank + begin);
    }
    begin += module.rank;
  }
  return { a, b };
}

/**
 * A and B each summed by itself, with the root of a part's scale, its sign on A alone.
 *
 * @throws {ConfigError} where ranks differ.
 */
export function summedFactors(
  parts: readonly Part[],
  mixing: (tensor: number) => MixOptions,
  method: string,
): Factors {
  const [first] = parts as [Part];
  const odd = parts.find(({ module }) => module.rank !== first.module.rank);
  if (odd) {
    throw new ConfigError(
      `Cannot combine by ${method}: ${odd.module.module} has rank ${first.module.rank} in ` +
        `${first.folder} and ${odd.module.rank} in ${odd.folder}, wanted one rank, or cat or a ` +
        "method that ends in svd",
    );
  }
  const sum = (key: "a" | "b", tensor: number) => {
    const tensors = parts.map((part) => {
      const root = Math.sqrt(Math.abs(scaleOf(part)));
      const sign = key === "a" && scaleOf(part) < 0 ? -1 : 1;
      return { numbers: part.module[key], weight: sign * root };
    });
    return Float32Array.from(mix(tensors, mixing(tensor)));
  };
  return { a: sum("a", 0), b: sum("b", 1) };
}

/** The sum of the updates, brought to a rank, or to what it has where that is less. */
export function summedUpdates(
  parts: readonly Part[],
  mixing: MixOptions,
  wanted: number,
): Truncated {
  const [{ module: { inFeatures, outFeatures } }] = parts as [Part];
  const rank = Math.min(wanted, inFeatures, outFeatures);
  const inner = parts.reduce((sum, { module }) => sum + module.rank, 0);
  if (mixing.prunes === undefined && inner <= Math.min(inFeatures, outFeatures)) {
    const { a, b } = stacked(parts);
    const [left, right] = [matrixOf(b, outFeatures), matrixOf(a, inner)];
    return nearestToProduct(left, right, Math.min(rank, inner));
  }
  const updates = parts.map(({ module, weight }) => ({
    numbers: productOf(module).mul(module.scale).to1DArray(),
    weight,
  }));
  return nearestTo(mix(updates, mixing), { out: outFeatures, rank });
}

const matrixOf = (numbers: Float32Array, rows: number): Matrix =>
  Matrix.from1DArray(rows, numbers.length / rows, numbers as unknown as number[]);

const productOf = ({ a, b, rank, outFeatures }: LoraWeights): Matrix =>
  matrixOf(b, outFeatures).mmul(matrixOf(a, rank));
