/**
 * The difficulty of rows for a model, opened once and asked for rows by where they come from.
 *
 * @module
 */
import { encoderOf, type Example, loadExamples } from "../../data/mod.ts";
import type { MeasureDifficulty } from "../../data/quality/mod.ts";
import { ConfigError } from "../../errors.ts";
import { difficulties } from "../../eval/difficulty.ts";
import { openModel } from "../../generate/open.ts";
import { openDevice } from "../../gpu/device.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { refuseEncoder } from "../../models/layers/pairs.ts";
import type { RowSource } from "../data.ts";
import { rowsFor } from "../eval.ts";
import { fetchFolder } from "./hub.ts";
import { dim, say } from "./term.ts";

/** A model that measures. */
export interface DifficultyMeter extends AsyncDisposable {
  readonly measure: MeasureDifficulty;
}

/**
 * Opens the source's model; its rows are encoded as training would, longer ones cut to the context.
 *
 * @throws {ConfigError} where the source has no model.
 */
export async function difficultyMeter(
  { entries, model: folder }: RowSource,
): Promise<DifficultyMeter> {
  if (folder === null) throw new ConfigError("Found the step difficulty without --model");
  const device = await openDevice();
  const open = openModel(device, await fetchFolder(folder, "model"));
  const { engine, model } = open;
  refuseEncoder(model, "to measure an answer without its instruction");
  const { vocabSize, context } = model.config;
  const encoder = encoderOf(model);
  const limits = { maxTokens: context, onTooLong: "truncate", vocabSize } as const;
  const known = new Map<string, number | null>();
  return {
    async measure(rows) {
      const wanted = new Set(rows.map(({ origin }) => origin).filter((o) => !known.has(o)));
      const examples: Example[] = [];
      if (wanted.size > 0) {
        for (const entry of entries) {
          const loaded = await loadExamples({ ...entry, on_empty: "drop" }, encoder, limits);
          examples.push(...loaded.examples.filter(({ origin }) => wanted.has(origin)));
        }
        const left = wanted.size - examples.length;
        const note = left > 0 ? `; ${left} have no answer within the context and stay` : "";
        say(dim(`measuring the difficulty of ${examples.length} rows${note}`));
        const program = await LossProgram.open(engine, model, { T: rowsFor(examples) });
        const found = await difficulties(program, examples, encoder.bos);
        for (const [i, { origin }] of examples.entries()) known.set(origin, found[i]!);
        program.compiled.destroy();
      }
      return rows.map(({ origin }) => known.get(origin) ?? null);
    },
    [Symbol.asyncDispose]() {
      open[Symbol.dispose]();
      device.close();
      return Promise.resolve();
    },
  };
}
