/**
 * How much more surprising a text is to the tuned model than to its base, document by document, and
 * what of that counts: where positions have gained, the gain does not pay for what others have lost.
 *
 * @module
 */

/** Positions of predicted tokens in a document, counted from 1; a document's last is a band alone. */
export const BANDS = ["1", "2", "3-4", "5-16", "17-64", "65-", "last"] as const;

const ENDS = [1, 2, 4, 16, 64, Infinity];
const LAST = BANDS.length - 1;

/** A document under both models. */
export interface Rise {
  /** Tokens that are predicted. */
  readonly tokens: number;
  /** Nats that the tuned model needs more than its base, summed by band; or the divergence. */
  readonly bands: readonly number[]; // [BANDS.length]
}

/** Puts the nats of a document's tokens into bands. */
export function riseOf(nats: ArrayLike<number>): Rise {
  const bands = BANDS.map(() => 0);
  for (let i = 0; i < nats.length; i++) {
    const band = i === nats.length - 1 ? LAST : ENDS.findIndex((end) => i < end);
    bands[band]! += nats[i]!;
  }
  return { tokens: nats.length, bands };
}

/** All nats of a document. */
export const netOf = ({ bands }: Rise): number => bands.reduce((sum, nats) => sum + nats, 0);

/** The nats of the bands that have risen: what a document counts at most, whatever is left out. */
export const grossOf = ({ bands }: Rise): number =>
  bands.reduce((sum, nats) => sum + Math.max(0, nats), 0);

/** A rise over documents, in nats a token, weighted by token. */
export interface Counted {
  /** Documents. */
  readonly n: number;
  /** Of the bands that have risen: gains elsewhere do not pay for them. */
  readonly mean: number;
  /** Its standard error, over documents. */
  readonly se: number;
  /** Gains and losses together: log of the ratio of perplexities. */
  readonly net: number;
  /** Of each band, its share in `net`. */
  readonly bands: readonly number[];
}

/**
 * The rise over documents: the ratio of nats to tokens, of the bands that have risen. The standard
 * error is that of a ratio over independent documents (linearised).
 *
 * @throws {RangeError} for no documents or none with a token.
 */
export function counted(rises: readonly Rise[]): Counted {
  const n = rises.length;
  const tokens = rises.reduce((sum, rise) => sum + rise.tokens, 0);
  if (tokens === 0) throw new RangeError("Found no predicted token, wanted at least one");
  const bands = BANDS.map((_, band) =>
    rises.reduce((sum, rise) => sum + rise.bands[band]!, 0) / tokens
  );
  const mean = bands.reduce((sum, rise) => sum + Math.max(0, rise), 0);
  const residuals = rises.map(({ tokens, bands: own }) =>
    own.reduce((sum, nats, band) => bands[band]! > 0 ? sum + nats : sum, -mean * tokens)
  );
  const squares = residuals.reduce((sum, x) => sum + x * x, 0);
  const se = n > 1 ? Math.sqrt(squares / (n - 1) * n) / tokens : 0;
  return { n, mean, se, net: bands.reduce((sum, rise) => sum + rise, 0), bands };
}
