/**
 * EVA: an adapter starts at the directions in which what its modules read varies most, and modules
 * share out the ranks by how much of it each explains (Paischer et al., 2024, arXiv 2410.07170;
 * PEFT's `get_eva_state_dict`).
 *
 * @module
 */
import { Matrix } from "../../deps/matrix.ts";
import { nearlySingular } from "./decompose.ts";
import { type Factors, fromMeasured, type Init, type InputMoments } from "./init.ts";

/** A as it was measured and B zero, so that the base is what it was. */
export const EVA: Init = fromMeasured(false);

/** Twice the components are followed, as PEFT does, by as many iterations as there. */
const FOLLOWED = 2;
const ITERATIONS = 4;

/** Directions of an input, the one of the largest variance first. */
export interface Components {
  /** Row-major, unit vectors: [components, in]. */
  readonly directions: Float32Array;
  /** The share of the variance that each explains. */
  readonly shares: readonly number[];
  /** The singular values of the inputs, their mean taken out. */
  readonly singular: readonly number[];
}

/** A module and what its input came to. */
export interface Explained {
  readonly module: string;
  /** Its rank before ranks are shared out. */
  readonly rank: number;
  readonly components: Components;
}

/** The most components of a module that has that rank: rounded as Python does. */
export function mostComponents(rank: number, rho: number): number {
  const most = rank * rho;
  const below = Math.floor(most);
  return most - below === 0.5 ? below + below % 2 : Math.round(most);
}

/**
 * The first principal components of an input, its mean taken out: eigenvectors of
 * x^T x - n mean mean^T, the largest number of each above 0.
 *
 * @param random the i-th normal number.
 */
export function principalComponents(
  { products, sums, samples }: InputMoments,
  most: number,
  random: (i: number) => number,
): Components {
  const width = sums.length;
  const count = Math.min(most, width, samples);
  const scatter = new Matrix(width, width);
  for (let row = 0; row < width; row++) {
    for (let column = 0; column < width; column++) {
      const mean = sums[row]! * sums[column]! / samples;
      scatter.set(row, column, products[row * width + column]! - mean);
    }
  }
  const rank = Math.min(FOLLOWED * count, width);
  const { values, vt } = nearlySingular(scatter, { rank, iterations: ITERATIONS, random });
  const directions = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const vector = vt.getRow(row);
    const peak = vector.reduce((most, x) => Math.abs(x) > Math.abs(most) ? x : most);
    directions.set(peak < 0 ? vector.map((x) => -x) : vector, row * width);
  }
  const all = scatter.trace();
  const kept = values.slice(0, count);
  return {
    directions,
    shares: kept.map((value) => all > 0 ? value / all : 0),
    singular: kept.map((value) => Math.sqrt(Math.max(0, value))),
  };
}

/**
 * Ranks by module, as many in all as before: those of the components that explain the largest shares
 * of their inputs' variances. Of equal shares the first module's counts.
 */
export function sharedRanks(modules: readonly Explained[]): Map<string, number> {
  const budget = modules.reduce((sum, { rank }) => sum + rank, 0);
  const all = modules.flatMap(({ module, components: { shares } }) =>
    shares.map((share) => ({ module, share }))
  );
  const ranks = new Map(modules.map(({ module }) => [module, 0]));
  for (const { module } of all.sort((a, b) => b.share - a.share).slice(0, budget)) {
    ranks.set(module, ranks.get(module)! + 1);
  }
  return ranks;
}

/** Singular values below this share of the largest are rounding, and whiten as if they were this. */
const LEAST = 1e-3;

/**
 * The first `rank` directions as A, and B [out, rank] zero. Where it `whitens`, each is divided by the
 * root of its singular value, as in PEFT.
 */
export function evaFactors(
  { directions, singular }: Components,
  { rank, outFeatures, whitens }: {
    readonly rank: number;
    readonly outFeatures: number;
    readonly whitens: boolean;
  },
): Factors {
  const width = directions.length / singular.length;
  const least = LEAST * singular[0]!;
  const divisor = (row: number) => whitens ? Math.sqrt(Math.max(singular[row]!, least) || 1) : 1;
  return {
    a: directions.slice(0, rank * width).map((x, i) => x / divisor(Math.floor(i / width))),
    b: new Float32Array(outFeatures * rank),
  };
}
