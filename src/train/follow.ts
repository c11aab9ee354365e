/**
 * A run as a stream of its events.
 *
 * @module
 */
import type { ParsedConfig } from "../config/mod.ts";
import type { RunEvent } from "../runs/events.ts";
import type { TrainOptions } from "./options.ts";
import { train } from "./run.ts";

/**
 * Trains and yields what happens, in order; the last event is `end`. Leaving the loop stops the run
 * after the update under way, with a checkpoint.
 *
 * @throws as {@linkcode train}, after the event `fault`.
 *
 * @example
 * ```ts ignore
 * for await (const event of follow(parseConfig({ file: "train.json" }))) {
 *   if (event.kind === "update") console.log(event.metrics.step, event.metrics.loss);
 * }
 * ```
 */
export async function* follow(
  config: ParsedConfig,
  options: TrainOptions = {},
): AsyncGenerator<RunEvent, void> {
  const left = { aborted: false };
  const waiting: RunEvent[] = [];
  let wake = () => {};
  let isOver = false;
  const run = train(config, {
    ...options,
    stop: {
      get aborted() {
        return left.aborted || (options.stop?.aborted ?? false);
      },
    },
    on: (event) => {
      options.on?.(event);
      waiting.push(event);
      wake();
    },
  }).finally(() => {
    isOver = true;
    wake();
  });
  run.catch(() => {}); // thrown below, once its events have been taken
  try {
    while (!isOver || waiting.length > 0) {
      const event = waiting.shift();
      if (event) yield event;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    left.aborted = true;
    await run;
  }
}
