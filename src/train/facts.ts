/**
 * What a run is made of, in numbers.
 *
 * @module
 */
import type { RunFacts } from "../runs/events.ts";
import { weightsOf } from "./rows.ts";
import type { Session } from "./session.ts";

/** Counted from the checkpoint, the params and the rows. */
export function factsOf(
  { model, config, rows, trainedNumbers }: Pick<
    Session,
    "model" | "config" | "rows" | "trainedNumbers"
  >,
): RunFacts {
  const { checkpoint, config: { context } } = model;
  const weights = weightsOf(rows.sources, config.mixture);
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? 1;
  return {
    model: {
      family: String(checkpoint.config["model_type"]),
      parameters: numbersOf(checkpoint.tensors.values()),
      context,
    },
    trained: trainedNumbers,
    sources: rows.sources.map(({ path, count, tokens, supervised }, i) => ({
      path,
      rows: count,
      tokens,
      supervised,
      share: weights && weights[i]! / total,
    })),
  };
}

/** How many numbers some tensors have. */
export function numbersOf(tensors: Iterable<{ readonly shape: readonly number[] }>): number {
  let sum = 0;
  for (const { shape } of tensors) sum += shape.reduce((size, length) => size * length, 1);
  return sum;
}
