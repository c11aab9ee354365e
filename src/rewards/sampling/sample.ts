/**
 * Rejection sampling and best-of-n: several answers to each row are drawn and scored, and the good
 * ones become rows to learn from.
 *
 * Method: best-of-n: Stiennon et al. 2020 (arXiv 2009.01325); fine-tuning on what a threshold keeps:
 * Yuan et al. 2023, RFT (arXiv 2308.01825) and Touvron et al. 2023, Llama 2 (arXiv 2307.09288).
 *
 * @module
 */
import type { FiledRequest } from "../../data/mod.ts";
import { rowOf as answeredRow, textOf } from "../../self_instruct/answers.ts";
import type { RunFolder } from "../../self_instruct/folder.ts";
import type { Ask } from "../../self_instruct/journal.ts";
import type { Answer } from "../../self_instruct/writers/writer.ts";
import type { Answered, RewardSum } from "../mod.ts";
import { type Choice, choose, type Chosen, type ScoredAnswer } from "./choose.ts";
import { type AskedIn, pairRow, promptText } from "./rows.ts";
import type { ScoreJournal } from "./scores.ts";

/** Answers that are drawn beside each other, and then kept; more where a row has more. */
export const TOGETHER = 32;

/** What is sampled, and how. */
export interface SamplingOptions {
  /** All of one kind. */
  readonly requests: readonly FiledRequest[];
  /** Answers to each. */
  readonly answers: number;
  readonly choice: Choice;
  readonly reward: RewardSum;
  readonly askedIn: AskedIn;
  /** The model, as rows name it. */
  readonly model: string;
  readonly sampling: Parameters<Ask>[2];
  readonly ask: Ask;
  readonly scores: ScoreJournal;
  readonly add: RunFolder["add"];
  /** Called with the rows that have been answered. */
  readonly onAnswered: (count: number) => void;
}

/** What came of it. */
export interface SamplingSummary {
  /** Rows that were asked, and answers that were drawn to them. */
  readonly rows: number;
  readonly answers: number;
  /** Answers without an end, without words, and those that the model could not give. */
  readonly cut_off: number;
  readonly empty: number;
  readonly refused: number;
  /** Answers that repeat another to the same row. */
  readonly repeated: number;
  /** Rows whose different answers share the highest reward, and rows without an answer to score. */
  readonly tied: number;
  readonly unanswered: number;
  /** Over all answers that were scored, and over the best of each row; null where there are none. */
  readonly reward_mean: number | null;
  readonly reward_best: number | null;
  /** The mean of each reward. */
  readonly parts: Readonly<Record<string, number>>;
  /** Rows that were written. */
  readonly kept: number;
}

/** Draws, scores and chooses. Throws as what is asked does; what was answered stays. */
export async function sampleRows(options: SamplingOptions): Promise<SamplingSummary> {
  const { requests, answers: count, onAnswered } = options;
  const tally = new Tally();
  const together = Math.max(1, Math.floor(TOGETHER / count));
  for (let done = 0; done < requests.length; done += together) {
    const some = requests.slice(done, done + together);
    await sampleStep(options, `sample/${done / together}`, some, tally);
    onAnswered(done + some.length);
  }
  return tally.summary(requests.length);
}

/** Some rows, whose answers are drawn beside each other. */
async function sampleStep(
  options: SamplingOptions,
  step: string,
  requests: readonly FiledRequest[],
  tally: Tally,
): Promise<void> {
  const { answers: count, ask, sampling, scores, reward, choice } = options;
  const each = requests.flatMap((request) => Array.from({ length: count }, () => request));
  const drawn = await ask(step, each, sampling);
  const usable = [...each.keys()].filter((i) => tally.isUsable(drawn[i]!));
  const { sums, parts } = await scores.score(
    step,
    reward,
    usable.map((i) => answeredBy(each[i]!, drawn[i]!)),
  );
  for (const { name, scores } of parts) tally.part(name, scores);
  for (const [row, request] of requests.entries()) {
    const scored = usable.flatMap((i, k): ScoredAnswer[] =>
      Math.floor(i / count) === row ? [{ text: textOf(drawn[i]!), reward: sums[k]! }] : []
    );
    const chosen = choose(scored, choice);
    tally.row(scored, chosen);
    tally.kept += write(options, request, chosen);
  }
}

const answeredBy = (request: FiledRequest, answer: Answer): Answered => ({
  prompt: promptText(request),
  completion: textOf(answer),
  row: request.columns,
  origin: request.origin,
});

/** Writes what was chosen; how many rows that is. */
function write(options: SamplingOptions, request: FiledRequest, { kept, pair }: Chosen): number {
  const { add, model, askedIn } = options;
  const provenance = { by: "sample", model, of: request.origin };
  for (const { text, reward } of kept) {
    add("rows", { ...answeredRow(request, text), provenance: { ...provenance, reward } });
  }
  if (pair === null) return kept.length;
  const rewards = { chosen: pair.chosen.reward, rejected: pair.rejected.reward };
  add("rows", {
    ...pairRow(request, pair, askedIn),
    provenance: { ...provenance, rewards },
  });
  return 1;
}

/** Counts. */
class Tally {
  readonly #counts = { cut_off: 0, empty: 0, refused: 0, repeated: 0, tied: 0, unanswered: 0 };
  readonly #rewards: number[] = [];
  readonly #best: number[] = [];
  readonly #parts = new Map<string, number>();
  #answers = 0;
  kept = 0;

  /** Whether an answer can be scored: it says something, and has an end. */
  isUsable(answer: Answer): boolean {
    this.#answers++;
    const reason = "refused" in answer
      ? "refused"
      : !answer.ended
      ? "cut_off"
      : textOf(answer) === ""
      ? "empty"
      : null;
    if (reason !== null) this.#counts[reason]++;
    return reason === null;
  }

  part(name: string, scores: readonly number[]): void {
    this.#parts.set(name, scores.reduce((sum, x) => sum + x, this.#parts.get(name) ?? 0));
  }

  row(scored: readonly ScoredAnswer[], { repeated, isTied }: Chosen): void {
    this.#counts.repeated += repeated;
    if (isTied) this.#counts.tied++;
    if (scored.length === 0) this.#counts.unanswered++;
    else this.#best.push(scored.reduce((most, { reward }) => Math.max(most, reward), -Infinity));
    for (const { reward } of scored) this.#rewards.push(reward);
  }

  summary(rows: number): SamplingSummary {
    return {
      ...{ rows, answers: this.#answers, ...this.#counts },
      reward_mean: meanOf(this.#rewards),
      reward_best: meanOf(this.#best),
      parts: this.#rewards.length === 0 ? {} : Object.fromEntries(
        this.#parts.entries().map(([name, sum]) => [name, sum / this.#rewards.length]),
      ),
      kept: this.kept,
    };
  }
}

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
