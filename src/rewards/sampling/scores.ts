/**
 * What answers were worth, kept as soon as it is known: a judge need not be asked twice, nor would it
 * say the same.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { appendText, isObject } from "../../io/files.ts";
import { wholeLines } from "../../self_instruct/journal.ts";
import type { Answered, RewardSum } from "../mod.ts";

/** What a step's answers are worth: sums, and the numbers of each reward. */
export type StepScores = Awaited<ReturnType<RewardSum["scoreParts"]>>;

/** A file of scores, a line a step. */
export class ScoreJournal {
  readonly #known = new Map<string, StepScores>();

  /**
   * Reads what is there. A line that was cut off by the end of a process is dropped.
   *
   * @throws {FileError} where it is something else.
   */
  constructor(private readonly path: string) {
    for (const [i, line] of wholeLines(path).entries()) this.#read(line, i + 1);
  }

  /** Scores the answers of a step, or knows them. */
  async score(
    step: string,
    reward: RewardSum,
    answers: readonly Answered[],
  ): Promise<StepScores> {
    const known = this.#known.get(step);
    if (known) return known;
    const scores = await reward.scoreParts(answers);
    appendText(this.path, `${JSON.stringify({ step, ...scores })}\n`);
    this.#known.set(step, scores);
    return scores;
  }

  #read(line: string, number: number): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = null;
    }
    if (
      !isObject(value) || typeof value["step"] !== "string" || !Array.isArray(value["sums"]) ||
      !Array.isArray(value["parts"])
    ) throw new FileError(`${this.path}:${number}: found no scores, wanted those of a run`);
    const { step, ...scores } = value;
    this.#known.set(step, scores as unknown as StepScores);
  }
}
