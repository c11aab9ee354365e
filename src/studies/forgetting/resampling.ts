/**
 * Certificates of a run by many draws of documents that nothing else has used: each is judged by the
 * documents that its own draw has left.
 *
 * @module
 */
import { nearDuplicates } from "../../curate/near_duplicates.ts";
import { type Document, documentText } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import type { Shift } from "../../forgetting/measure.ts";
import { counted, type Rise } from "../../forgetting/rises.ts";
import { claimedRise, keepsBudget, limitOf, planBets } from "../../forgetting/select/betting.ts";
import { certify, ladder } from "../../forgetting/select/certify.ts";
import { type Measures, select, worthOf } from "../../forgetting/select/select.ts";
import { levelAfter } from "../../forgetting/select/spending.ts";
import { permutation, random } from "../../random.ts";
import { heed } from "../../stop.ts";

/** How documents of the test are drawn: the rest of them judges. */
export interface Resampling {
  readonly count: number;
  readonly control: number;
  readonly certificate: number;
  readonly deltas: readonly number[];
}

/** A certificate by one draw. Rises in nats a token. */
export type Resampled = {
  readonly draw: number;
  readonly delta: number;
  /** What was chosen and certified; strength 0 is the base. */
  readonly step: number;
  readonly strength: number;
  /** The bound that was printed and the most nats that a document counts; null of the base. */
  readonly upper: number | null;
  readonly limit: number | null;
  /** On the documents that the draw has left: as the certificate counts, and counted whole. */
  readonly claimed: number | null;
  readonly whole: number | null;
  readonly se: number | null;
  /** These documents, by their numbers in the text of the test. */
  readonly unused: readonly number[];
};

/** What is drawn from and how a run is measured by it. */
export interface ResampledFrom {
  /** Documents of the test that repeat no other, by their numbers. */
  readonly pool: readonly number[];
  /** Of all documents of the test, at a moment and a strength. */
  readonly rises: (step: number, strength: number) => Promise<Shift>;
  /** Of the run: what choices are compared by. */
  readonly measures: Measures;
  readonly steps: readonly number[];
  /** Strengths that each of them has. */
  readonly strengths: readonly number[];
  readonly seed: number;
}

/**
 * The documents of a text that repeat no other of it.
 *
 * @throws {ConfigError} where they are too few for a draw and some that judge.
 */
export function distinctOf(documents: readonly Document[], draws: Resampling): number[] {
  const firsts = nearDuplicates(documents.map(documentText));
  const pool = [...firsts.keys()].filter((i) => firsts[i] === i);
  const { control, certificate } = draws;
  if (pool.length >= 2 * (control + certificate)) return pool;
  throw new ConfigError(
    `test.draws: found ${pool.length} documents that repeat no other in test.text, wanted at least ` +
      `twice the ${control} to control and the ${certificate} to certify by`,
  );
}

/** Chooses and certifies a run at one budget by each draw. */
export async function certifyResamples(
  epsilon: number,
  { count, control, certificate, deltas }: Resampling,
  from: ResampledFrom,
): Promise<Resampled[]> {
  const found: Resampled[] = [];
  for (let draw = 0; draw < count; draw++) {
    const order = Array.from(permutation(from.pool.length, from.seed, draw), (i) => from.pool[i]!);
    const parts = {
      control: order.slice(0, control),
      certificate: order.slice(control, control + certificate),
      unused: order.slice(control + certificate).sort((a, b) => a - b),
    };
    const chosen = await chooseBy(parts.control, epsilon, from);
    for (const delta of deltas) {
      found.push({ draw, delta, ...await certifyBy(parts, { epsilon, delta, chosen, from }) });
    }
  }
  return found;
}

interface Point {
  readonly step: number;
  readonly strength: number;
}

/** The moment and strength that control documents allow; null where only the base keeps the budget. */
async function chooseBy(
  control: readonly number[],
  epsilon: number,
  { rises, measures, steps, strengths }: ResampledFrom,
): Promise<Point | null> {
  const shiftAt = async (step: number, strength: number) => {
    const { documents, nll } = await rises(step, strength);
    return { ...counted(of(documents, control)), nll };
  };
  const own = {
    ...measures,
    shifts: async (step: number, strength: number) => [await shiftAt(step, strength)],
  };
  const candidates = [];
  for (const step of steps) {
    candidates.push({ step, spent: (await shiftAt(step, 1)).mean / epsilon });
  }
  const base = await worthOf(own, steps.at(-1)!, 0);
  return (await select(candidates, [epsilon], own, base, strengths)).chosen;
}

interface Certifying {
  readonly epsilon: number;
  readonly delta: number;
  readonly chosen: Point | null;
  readonly from: ResampledFrom;
}

/** Certifies what was chosen at the level of a first attempt, and measures it on what is left. */
async function certifyBy(
  parts: Readonly<Record<"control" | "certificate" | "unused", readonly number[]>>,
  { epsilon, delta, chosen, from }: Certifying,
): Promise<Omit<Resampled, "draw" | "delta">> {
  const { unused } = parts;
  const none = {
    ...{ step: chosen?.step ?? from.steps.at(-1)!, strength: 0, upper: null, limit: null },
    ...{ claimed: null, whole: null, se: null, unused },
  };
  if (!chosen) return none;
  const risesAt = async (strength: number) => {
    const { documents } = await from.rises(chosen.step, strength);
    return [{
      control: of(documents, parts.control),
      certificate: of(documents, parts.certificate),
    }];
  };
  const level = levelAfter(0, delta);
  const options = { delta: level, strict: false };
  const { strength, trials } = await certify(
    ladder(chosen.strength, from.strengths),
    [epsilon],
    risesAt,
    options,
  );
  if (strength === 0) return none;
  const [bound] = trials.find((trial) => trial.strength === strength)!.bounds;
  const rest = of((await from.rises(chosen.step, strength)).documents, unused);
  return {
    step: chosen.step,
    strength,
    upper: bound!.upper,
    limit: bound!.limit,
    claimed: claimedRise(rest, bound!.limit),
    whole: claimedRise(rest, Infinity),
    se: counted(rest).se,
    unused,
  };
}

/** How often tests passed that should not: draws from a run's own documents as if they were all there are. */
export type Planted = {
  readonly tries: number;
  readonly delta: number;
  /** The bound was below the true rise, as the certificate counts and with documents counted whole. */
  readonly missed: number;
  readonly missed_whole: number;
  /** A rise that is above the budget as the certificate counts was certified. */
  readonly certified: number;
};

/** How far above the budget what is planted lies. */
const ABOVE = 1.001;

/**
 * Plants a violation of the shape that a run's rises have: its documents are the population, scaled
 * so that their rise is a thousandth above the budget, and certificates are drawn from them with
 * replacement. Null where nothing has risen.
 */
export function plantAs(
  shape: readonly Rise[],
  epsilon: number,
  { control, certificate, tries, delta, seed }:
    & Pick<Resampling, "control" | "certificate">
    & Pick<Planted, "tries" | "delta">
    & { readonly seed: number },
): Planted | null {
  const own = claimedRise(shape, Infinity);
  if (own === 0) return null;
  const factor = ABOVE * epsilon / own;
  const population = shape.map(({ tokens, bands }): Rise => ({
    tokens,
    bands: bands.map((nats) => nats * factor),
  }));
  const level = levelAfter(0, delta);
  const [found, truths] = [{ missed: 0, missed_whole: 0, certified: 0 }, new Map<number, number>()];
  for (let t = 0; t < tries; t++) {
    heed();
    const draw = (size: number, part: number) =>
      Array.from({ length: size }, (_, i) => {
        return population[Math.floor(random(seed, t, part, i) * population.length)]!;
      });
    const others = draw(control, 1);
    const limit = limitOf(others, epsilon);
    const truth = truths.getOrInsertComputed(limit, () => claimedRise(population, limit));
    const [tested, plan] = [draw(certificate, 2), planBets(others, epsilon, limit)];
    const passes = (rise: number) => keepsBudget(tested, plan, rise, level);
    found.missed += Number(passes(truth));
    found.missed_whole += Number(passes(ABOVE * epsilon));
    found.certified += Number(truth > epsilon && passes(epsilon));
  }
  return { tries, delta, ...found };
}

/** Some of a list, by their numbers. */
export const of = <T>(all: readonly T[], numbers: readonly number[]): T[] =>
  numbers.map((i) => all[i]!);
