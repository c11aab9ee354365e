/**
 * Populations of documents of a known rise, over shapes of real and of hostile rises.
 *
 * @module
 */
import { BANDS, type Rise, riseOf } from "../../forgetting/rises.ts";
import { normal, random } from "../../random.ts";

/** How documents rise: nats a token at a mean of 1 over all of them, by chance of the document. */
export type Shape = (document: { readonly tokens: number; readonly seed: number }) => {
  /** Of the whole document. */
  readonly rise: number;
  /** Nats that its first two tokens gain. */
  readonly boilerplate?: number;
};

const z = (seed: number, index: number): number => normal(seed, 7, index);

/** Shapes of real and of hostile rises. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  normal: ({ seed }) => ({ rise: 1 + 0.7 * z(seed, 0) }),
  "lognormal, sigma 1": ({ seed }) => ({ rise: Math.exp(z(seed, 0) - 0.5) }),
  "lognormal, sigma 1.5": ({ seed }) => ({ rise: Math.exp(1.5 * z(seed, 0) - 1.125) }),
  "one in a hundred rises by half a nat": ({ seed }) => ({
    rise: random(seed, 3) < 0.01 ? 0.5 / MEAN : 0.75,
  }),
  "grows with length": ({ tokens, seed }) => ({
    rise: 1.5 * tokens / (80 + tokens) + 0.5 * z(seed, 0),
  }),
  "gains at the first two tokens": ({ seed }) => ({
    rise: 1 + 0.5 * z(seed, 0),
    boilerplate: 1.28,
  }),
};

/** The longest document. */
const LONGEST = 512;

/**
 * The worst that can happen to a test of documents that count whole: all that is forgotten is in few of
 * the longest ones, each as far as a document counts, and any number of others may have none.
 */
export const HIDDEN: Shape = ({ tokens, seed }) => ({
  rise: tokens === LONGEST && random(seed, 3) < 0.6 ? 1 / MEAN : 0,
});

/** Nats a token that shapes are scaled to. */
export const MEAN = 0.02;
/** Chance of single tokens, in nats. */
const TOKEN_NOISE = 0.05;

/** One document of a shape, at a mean rise in nats a token. */
function document(shape: Shape, mean: number, seed: number): Rise {
  const tokens = Math.round(Math.min(LONGEST, Math.max(8, Math.exp(4.8 + 0.6 * z(seed, 1)))));
  const { rise, boilerplate = 0 } = shape({ tokens, seed });
  const one = riseOf(new Float32Array(tokens).fill(1)).bands; // how many tokens a band has
  const bands = one.map((count, band) =>
    count * rise * mean + TOKEN_NOISE * Math.sqrt(count) * z(seed, 10 + band) -
    (band < 2 ? boilerplate * mean / MEAN : 0)
  );
  return { tokens, bands };
}

export const documents = (shape: Shape, mean: number, count: number, seed: number): Rise[] =>
  Array.from({ length: count }, (_, i) => document(shape, mean, seed + i));

/** The true rise of a population, where no document counts more than a limit. */
export function truth(population: readonly Rise[], limit = Infinity): number {
  const tokens = population.reduce((sum, rise) => sum + rise.tokens, 0);
  const risen = BANDS.map((_, band) =>
    population.reduce((sum, { bands }) => sum + bands[band]!, 0) > 0
  );
  const nats = ({ bands }: Rise) =>
    bands.reduce((sum, nats, band) => risen[band] ? sum + nats : sum, 0);
  const clipped = (x: number) => Math.max(-limit, Math.min(limit, x));
  return population.reduce((sum, rise) => sum + clipped(nats(rise)), 0) / tokens;
}

/** What a shape is scaled by, so that its documents rise by so many nats a token. */
export const scaleOf = (shape: Shape, rise: number, count: number): number =>
  MEAN * rise / truth(documents(shape, MEAN, count, 1));
