/**
 * What a run is made of, in numbers, as it says when it begins.
 *
 * @module
 */
import { dataLicence } from "../io/hub/mod.ts";
import type { RunFacts, StartEvent } from "../runs/events.ts";
import { weightsOf } from "./rows.ts";
import type { Session } from "./session.ts";

/** A run begins. */
export function startOf(
  session: Session,
  known: Pick<StartEvent, "origin" | "trains" | "out" | "done">,
): StartEvent {
  const { steps, memory, parts, engine: { device } } = session;
  return {
    kind: "start",
    ...known,
    config: session.config,
    steps,
    facts: factsOf(session),
    memory,
    columns: parts.flatMap(({ columns }) => columns ?? []),
    device: { adapter: device.adapter, software: device.software },
  };
}

/** Counted from the checkpoint, the params and the rows. */
function factsOf(
  { model, config, rows, base, trainedNumbers, epochs }: Session,
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
    epochs,
    hashes: { rows: rows.contents, base },
    sources: rows.sources.map(({ path, count, tokens, supervised }, i) => ({
      path,
      licence: dataLicence(path),
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
