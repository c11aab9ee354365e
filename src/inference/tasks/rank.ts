/**
 * Log-likelihoods of answers to choose from, over caches: a prompt is read once for all of its
 * choices, and what prompts have in common once for all of them.
 *
 * @module
 */
import { UNSUPERVISED } from "../../data/mod.ts";
import { choiceLikelihoods, longestChoice } from "../../eval/choices.ts";
import type { ChoiceLikelihood } from "../../eval/metrics/mod.ts";
import type { EncodedChoice } from "../../eval/tasks/encode.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { BatchDecoder, type Sequence } from "../decoder.ts";
import { Seats } from "../seats.ts";
import type { Rank } from "./answer.ts";
import type { Answerer } from "./write.ts";

/** Questions that are read beside each other: the scores of the whole vocabulary come back of each. */
const SLOTS = 16;

type Choices = readonly EncodedChoice[];
type Example = EncodedChoice["example"];

/** A prompt, and the answers behind it. */
interface Stem {
  readonly prompt: readonly number[];
  /** The tokens of each answer, none twice. */
  readonly answers: readonly number[][];
  /** Their numbers, by their tokens. */
  readonly numbers: ReadonlyMap<string, number>;
  /** The log-likelihoods of each so far. */
  readonly sums: number[];
  /** Whether what follows the prompt has been scored: once, by whoever reads its last token. */
  isBegun: boolean;
}

/** An answer that is read behind its prompt, but for its last token. */
class Reading implements Sequence {
  cached = 0;
  readonly ids: readonly number[];
  readonly scoredFrom: number;

  constructor(readonly stem: Stem, readonly number: number) {
    const { prompt, answers } = stem;
    this.ids = [...prompt, ...answers[number]!.slice(0, -1)];
    this.scoredFrom = prompt.length - 1;
  }
}

/** What ranks choices, and frees it. */
export interface Ranking extends Disposable {
  readonly rank: Rank;
}

/** Opens a decoder for such questions; where an encoder reads prompts, a loss program. */
export async function openRanking(
  { engine, model, adapt }: Answerer,
  questions: readonly Choices[],
): Promise<Ranking> {
  const longest = Math.ceil(longestChoice(questions) / 8) * 8;
  if (model.hasEncoder) {
    const losses = await LossProgram.open(engine, model, { T: longest, adapt });
    return {
      rank: (of) => choiceLikelihoods(losses, of),
      [Symbol.dispose]: () => losses.compiled.destroy(),
    };
  }
  const context = Math.min(longest, model.config.context);
  const decoder = await BatchDecoder.plan(engine, model, { context, adapt, slots: SLOTS }).open();
  return {
    rank: (of) => cachedLikelihoods(decoder, of),
    [Symbol.dispose]: () => decoder[Symbol.dispose](),
  };
}

/**
 * {@link choiceLikelihoods} over caches: the same numbers but for rounding. Equal choices are computed
 * once, and so are exactly as likely.
 */
export async function cachedLikelihoods(
  decoder: BatchDecoder,
  questions: readonly Choices[],
): Promise<ChoiceLikelihood[][]> {
  const stems = questions.map((choices) => stemOf(choices.map(({ example }) => example)));
  const alone = questions.flat().flatMap(({ alone }) => alone ?? []);
  const aloneStem = alone.length > 0 ? stemOf(alone) : null;
  await read(decoder, aloneStem ? [...stems, aloneStem] : stems);
  return questions.map((choices, q) =>
    choices.map(({ text, example, alone }): ChoiceLikelihood => ({
      sum: sumOf(stems[q]!, example),
      tokens: answerOf(example).length,
      bytes: new TextEncoder().encode(text).length,
      alone: alone && sumOf(aloneStem!, alone),
    }))
  );
}

/** The one prompt of some documents, and their answers. */
function stemOf(examples: readonly Example[]): Stem {
  const [{ ids, labels }] = examples as [Example, ...Example[]];
  const prompt = [...ids.subarray(0, labels.findIndex((label) => label !== UNSUPERVISED))];
  const known = new Map(examples.map((example) => [`${answerOf(example)}`, answerOf(example)]));
  const numbers = new Map([...known.keys()].map((key, i) => [key, i]));
  const answers = [...known.values()];
  return { prompt, answers, numbers, sums: answers.map(() => 0), isBegun: false };
}

const answerOf = ({ labels }: Example): number[] =>
  [...labels].filter((label) => label !== UNSUPERVISED);

const sumOf = ({ numbers, sums }: Stem, example: Example): number =>
  sums[numbers.get(`${answerOf(example)}`)!]!;

async function read(decoder: BatchDecoder, stems: readonly Stem[]): Promise<void> {
  const waiting = stems.flatMap(readingsOf);
  const active = new Map<number, Reading>();
  const seats = new Seats<Reading>(decoder);
  while (waiting.length > 0 || active.size > 0) {
    seats.fill(active, waiting);
    for (const { sequence, position, scores } of await decoder.step(active)) {
      score(sequence, position, scores);
    }
    for (const [slot, { ids, cached }] of active) if (cached === ids.length) active.delete(slot);
  }
}

/** The answers that are to be read: where all are of one token, the prompt alone. */
function readingsOf(stem: Stem): Reading[] {
  const long = [...stem.answers.keys()].filter((i) => stem.answers[i]!.length > 1);
  return (long.length > 0 ? long : [0]).map((number) => new Reading(stem, number));
}

/** Adds the log-likelihood of the token that follows one of a reading. */
function score(
  { stem, number, scoredFrom }: Reading,
  position: number,
  scores: Float32Array, // [vocabulary]
): void {
  const { answers, sums } = stem;
  const normaliser = logSumExp(scores);
  if (position > scoredFrom) {
    sums[number]! += scores[answers[number]![position - scoredFrom]!]! - normaliser;
  } else if (!stem.isBegun) {
    stem.isBegun = true;
    for (const [i, [first]] of answers.entries()) {
      sums[i]! += scores[first!]! - normaliser;
    }
  }
}

function logSumExp(scores: Float32Array): number {
  const largest = scores.reduce((most, score) => Math.max(most, score), -Infinity);
  return largest + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - largest), 0));
}
