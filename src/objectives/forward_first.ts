/**
 * Objectives that go forward before an update, since what a token counts depends on it.
 *
 * @module
 */
import type { Example } from "../data/mod.ts";
import type { Queued } from "../eval/documents.ts";
import type {
  Column,
  Fields,
  MainPart,
  Meter,
  Metric,
  Objective,
  RunContext,
} from "./objective.ts";
import { taskSample } from "./task_rows.ts";

/** Such an objective. */
export interface ForwardFirst extends Objective {
  /** Submits rows; what is said of them follows: `loss`, and numbers by the names of the metrics. */
  queue(rows: readonly Example[]): Promise<Queued<object>>;
  close(): void;
}

/** How it is told. */
export interface Telling extends Pick<MainPart, "name"> {
  /** What the loss counts. */
  readonly unit: string;
  readonly columns: readonly Column[];
  /** Fields of `eval.data` by which moments can be compared, beside the loss. */
  readonly metrics: readonly Metric[];
  /** Fields of `eval.data` that are told; all by default. */
  readonly fields?: readonly string[];
}

/** The part of a run that trains by it. */
export function forwardFirst(
  context: RunContext,
  objective: ForwardFirst,
  telling: Telling,
): MainPart {
  const { measured, train: { eval_every: every } } = context;
  const { name, unit, columns } = telling;
  return {
    ...{ name, objective, columns },
    meters: measured.length > 0 ? [evalMeter(objective, measured, every, telling)] : [],
    async task(count) {
      return await taskSample(context, count, unit, async (rows) => {
        const { result } = await objective.queue(rows);
        return { result: result.then((said) => numbersOf(said)["loss"]!) };
      });
    },
    close: () => objective.close(),
  };
}

/** What is said of `eval.data`, each field after `eval_`. */
function evalMeter(
  objective: ForwardFirst,
  rows: readonly Example[],
  every: number,
  { metrics, fields }: Telling,
): Meter {
  return {
    known: {},
    metrics: [{ field: "loss", better: "lower" } as const, ...metrics]
      .map(({ field, better }) => ({ field: `eval_${field}`, better })),
    isDue: (step) => every > 0 && step % every === 0,
    async measure() {
      const { result } = await objective.queue(rows);
      const told = (said: object) =>
        Object.entries(numbersOf(said)).filter(([field]) => fields?.includes(field) ?? true)
          .map(([field, value]) => [`eval_${field}`, value]);
      return { result: result.then((said) => Object.fromEntries(told(said))) };
    },
  };
}

const numbersOf = (said: object): Fields =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => typeof value === "number"));
