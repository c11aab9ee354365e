/**
 * Whether the certificate's claims hold: thousands of certificates over documents of a known
 * population, whose true rise is just above the budget, over shapes and sizes.
 *
 * @module
 */
import { BANDS, grossOf, type Rise, riseOf } from "../forgetting/rises.ts";
import { bettingBound, limitOf, planBets, shareBound } from "../forgetting/select/betting.ts";
import { certify, ladder } from "../forgetting/select/certify.ts";
import { normal, random } from "../random.ts";
import { heed } from "../stop.ts";

/** How documents rise: nats a token at a mean of 1 over all of them, by chance of the document. */
type Shape = (document: { readonly tokens: number; readonly seed: number }) => {
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

/** Nats a token that shapes are scaled to. */
const MEAN = 0.02;
/** Chance of single tokens, in nats. */
const TOKEN_NOISE = 0.05;

/** One document of a shape, at a mean rise in nats a token. */
function document(shape: Shape, mean: number, seed: number): Rise {
  const tokens = Math.round(Math.min(512, Math.max(8, Math.exp(4.8 + 0.6 * z(seed, 1)))));
  const { rise, boilerplate = 0 } = shape({ tokens, seed });
  const one = riseOf(new Float32Array(tokens).fill(1)).bands; // how many tokens a band has
  const bands = one.map((count, band) =>
    count * rise * mean + TOKEN_NOISE * Math.sqrt(count) * z(seed, 10 + band) -
    (band < 2 ? boilerplate * mean / MEAN : 0)
  );
  return { tokens, bands };
}

const documents = (shape: Shape, mean: number, count: number, seed: number): Rise[] =>
  Array.from({ length: count }, (_, i) => document(shape, mean, seed + i));

/** The true rise of a population, where no document counts more than a limit. */
function truth(population: readonly Rise[], limit = Infinity): number {
  const tokens = population.reduce((sum, rise) => sum + rise.tokens, 0);
  const risen = BANDS.map((_, band) =>
    population.reduce((sum, { bands }) => sum + bands[band]!, 0) > 0
  );
  const nats = ({ bands }: Rise) =>
    bands.reduce((sum, nats, band) => risen[band] ? sum + nats : sum, 0);
  const clipped = (x: number) => Math.max(-limit, Math.min(limit, x));
  return population.reduce((sum, rise) => sum + clipped(nats(rise)), 0) / tokens;
}

/** One row of the study: shares of the tries. */
export interface CertificateRow {
  readonly shape: string;
  readonly documents: number;
  /** The printed bound was below the true rise, counted as the statement says. */
  readonly missed: number;
  /** It was below the true rise of documents that count whole. */
  readonly missed_whole: number;
  /** The printed share beyond the limit was below the true one. */
  readonly missed_beyond: number;
  /** A strength was chosen whose true rise is above the budget, of a run that is just above it. */
  readonly falsely_certified: number;
  /** At half of the budget, how often full strength passed: power, not a claim. */
  readonly passed_at_half: number;
}

export interface CertificateStudy {
  readonly tries: number;
  readonly delta: number;
  readonly epsilon: number;
  readonly sizes: readonly number[];
  readonly population: number;
  readonly onRow?: (row: CertificateRow) => void;
}

/** Control documents. */
const CONTROL = 64;

/** Runs the study. */
export async function studyCertificate(study: CertificateStudy): Promise<CertificateRow[]> {
  const rows: CertificateRow[] = [];
  for (const [name, shape] of Object.entries(SHAPES)) {
    for (const size of study.sizes) {
      const row = await studyShape(name, shape, size, study);
      study.onRow?.(row);
      rows.push(row);
    }
  }
  return rows;
}

async function studyShape(
  name: string,
  shape: Shape,
  size: number,
  { tries, delta, epsilon, population: count }: CertificateStudy,
): Promise<CertificateRow> {
  // Scaled so that the true rise is the budget, up to a hair above it.
  const unit = truth(documents(shape, MEAN, count, 1));
  const mean = MEAN * 1.001 * epsilon / unit;
  const population = documents(shape, mean, count, 1);
  const whole = truth(population);
  const grosses = population.map(grossOf);
  let [missed, missedWhole, missedBeyond, falsely, half] = [0, 0, 0, 0, 0];
  for (let t = 0; t < tries; t++) {
    heed();
    const draw = (size: number, part: number) =>
      Array.from({ length: size }, (_, i) => population[Math.floor(random(t, part, i) * count)]!);
    const [control, certificate] = [draw(CONTROL, 1), draw(size, 2)];
    const limit = limitOf(control, epsilon);
    const upper = bettingBound(certificate, planBets(control, epsilon, limit), delta);
    missed += Number(upper < truth(population, limit));
    missedWhole += Number(upper < whole);
    const beyond = certificate.filter((rise) => grossOf(rise) > limit).length;
    const trueBeyond = grosses.filter((gross) => gross > limit).length / count;
    missedBeyond += Number(shareBound(beyond, size, delta) < trueBeyond);
    const risesAt = (strength: number) => {
      const weaker = ({ tokens, bands }: Rise) => ({
        tokens,
        bands: bands.map((nats) => nats * strength ** 2),
      });
      return Promise.resolve([{
        control: control.map(weaker),
        certificate: certificate.map(weaker),
      }]);
    };
    const { strength } = await certify(ladder(1), [epsilon], risesAt, { delta, strict: false });
    falsely += Number(strength === 1 && truth(population, limit) > epsilon);
    const [weak] = await risesAt(Math.SQRT1_2);
    const plan = planBets(weak!.control, epsilon, limitOf(weak!.control, epsilon));
    half += Number(bettingBound(weak!.certificate, plan, delta) <= epsilon);
  }
  return {
    shape: name,
    documents: size,
    missed: missed / tries,
    missed_whole: missedWhole / tries,
    missed_beyond: missedBeyond / tries,
    falsely_certified: falsely / tries,
    passed_at_half: half / tries,
  };
}
