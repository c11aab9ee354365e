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
 * ```ts
 * import assert from "node:assert/strict";
 * import { follow, parseConfig } from "@graft/lora";
 *
 * const data = [{ path: "configs/quickstart/instructions.jsonl", template: "plain" }];
 * const sizes = { steps: 1, tokens_per_batch: 256, micro_batch_tokens: 256 };
 * const values = { model: "configs/quickstart/base", data, train: sizes };
 * const losses: number[] = []; // in nats a token
 * const run = follow(parseConfig({ values }), { out: null });
 * for await (const event of run) if (event.kind === "update") losses.push(event.metrics.loss);
 * assert.equal(losses.length, 1);
 * ```
 */
export async function* follow(
  config: ParsedConfig,
  options: TrainOptions & { readonly out?: null } = {},
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
