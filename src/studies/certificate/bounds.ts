/**
 * Whether the certificate's claims hold: thousands of certificates over documents of a known
 * population, whose true rise is just above the budget, over shapes and sizes.
 *
 * @module
 */
import { grossOf, type Rise } from "../../forgetting/rises.ts";
import { bettingBound, limitOf, planBets, shareBound } from "../../forgetting/select/betting.ts";
import { certify, ladder } from "../../forgetting/select/certify.ts";
import { random } from "../../random.ts";
import { heed } from "../../stop.ts";
import { documents, scaleOf, type Shape, SHAPES, truth } from "./populations.ts";

/** One row of the study: shares of the tries. */
export interface CertificateRow {
  readonly shape: string;
  readonly documents: number;
  /** The bound at full strength was below the true rise, counted as the statement says. */
  readonly missed: number;
  /** So was the bound that was printed, of the strength that was certified: it was chosen by the test. */
  readonly missed_chosen: number;
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
  const mean = scaleOf(shape, 1.001 * epsilon, count);
  const population = documents(shape, mean, count, 1);
  const whole = truth(population);
  const grosses = population.map(grossOf);
  let [missed, missedChosen, missedWhole, missedBeyond, falsely, half] = [0, 0, 0, 0, 0, 0];
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
    const risesAt = (strength: number) =>
      Promise.resolve([{
        control: weakened(control, strength),
        certificate: weakened(certificate, strength),
      }]);
    const { strength, trials } = await certify(ladder(1), [epsilon], risesAt, {
      ...{ delta, strict: false },
    });
    const printed = trials.find((trial) => trial.strength === strength)?.bounds[0];
    missedChosen += Number(
      printed !== undefined && printed.upper < truth(weakened(population, strength), printed.limit),
    );
    falsely += Number(strength === 1 && truth(population, limit) > epsilon);
    const [weak] = await risesAt(Math.SQRT1_2);
    const plan = planBets(weak!.control, epsilon, limitOf(weak!.control, epsilon));
    half += Number(bettingBound(weak!.certificate, plan, delta) <= epsilon);
  }
  return {
    shape: name,
    documents: size,
    missed: missed / tries,
    missed_chosen: missedChosen / tries,
    missed_whole: missedWhole / tries,
    missed_beyond: missedBeyond / tries,
    falsely_certified: falsely / tries,
    passed_at_half: half / tries,
  };
}

/** The same documents at a strength: what is forgotten grows about with its square. */
const weakened = (rises: readonly Rise[], strength: number): Rise[] =>
  rises.map(({ tokens, bands }) => ({
    tokens,
    bands: bands.map((nats) => nats * strength ** 2),
  }));
