/**
 * An adapter that tells classes or gives rewards, measured on rows.
 *
 * @module
 */
import { type DataEntry, faultNames, loadExamples, rowTokenizer } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import type { FormatName } from "../../formats/mod.ts";
import { openModel } from "../../inference/open.ts";
import { ScoreProgram } from "../../models/score_program.ts";
import { lossOf } from "../../objectives/scores/mod.ts";
import { queueExamples } from "../../objectives/scores/scorer.ts";
import { openTuned } from "../../tune/cache.ts";
import { rowsFor } from "../../eval/documents.ts";
import { answer, say } from "./term.ts";

/** What is measured, and on what. */
export interface ScoreTask {
  readonly folder: string;
  readonly adapter: string;
  readonly entry: DataEntry;
  /** Names of the classes. */
  readonly labels: readonly string[] | undefined;
  readonly context: number;
  readonly quantize: FormatName | undefined;
  readonly json: boolean;
}

/** Measures and prints; resolves to the exit code. */
export async function evaluateScores(task: ScoreTask): Promise<number> {
  const { folder, adapter, entry, quantize, context, json } = task;
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize, say, scores: true });
  const { engine, model, adapt } = open;
  const loss = lossOf(settingsFor(model.scores, task.labels));
  const { examples, skipped } = await loadExamples(
    loss.labels && entry.format === undefined ? { ...entry, format: "classified" } : entry,
    rowTokenizer(model),
    {
      ...{ answers: loss.answers, labels: loss.labels, bothTokens: Infinity },
      maxTokens: Math.min(context, model.config.context),
      onTooLong: "truncate",
      vocabSize: model.config.vocabSize,
      allow: faultNames, // what was trained on is measured as it is
    },
  );
  if (skipped > 0) say(`${skipped} rows left out: too long for the context`);
  const T = rowsFor(examples);
  const program = await ScoreProgram.open(engine, model, { T, adapt });
  const rows = await (await queueExamples(program, examples)).result;
  const found = { loss: loss.gradient(rows).loss, ...loss.statistics(rows), rows: rows.length };
  const words = Object.entries(found).map(([name, value]) =>
    `${name.replaceAll("_", " ")} ${Number.isInteger(value) ? value : value.toFixed(5)}`
  );
  answer(json ? JSON.stringify(found) : words.join(", "));
  return 0;
}

/** @throws {ConfigError} where there are not as many names as classes. */
function settingsFor(scores: number, labels: readonly string[] | undefined) {
  if (labels && (scores === 1 || labels.length !== scores)) {
    const found = scores === 1
      ? "labels for an adapter that gives rewards"
      : `${labels.length} labels`;
    const wanted = scores === 1 ? "none" : `${scores}, one for each class`;
    throw new ConfigError(`Found ${found}, wanted ${wanted}`);
  }
  if (scores === 1) return { kind: "reward", centring: 0 } as const;
  const names = labels ?? Array.from({ length: scores }, (_, i) => String(i));
  return { kind: "classify", labels: names } as const;
}
