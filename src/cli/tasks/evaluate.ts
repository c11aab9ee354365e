/**
 * `deno task eval MODEL --tasks SPEC...`: a model answers tasks, and with `--adapter` the tuned one
 * beside it.
 *
 * @module
 */
import { rowTokenizer } from "../../data/mod.ts";
import { encodeTask } from "../../eval/tasks/encode.ts";
import { readTasks } from "../../eval/tasks/read.ts";
import type { TaskScores } from "../../eval/tasks/report.ts";
import { openTuned } from "../../tune/cache.ts";
import { openModel } from "../../inference/open.ts";
import type { Arguments } from "../lib/args.ts";
import { fetchFolder } from "../lib/hub.ts";
import { numberOf } from "../lib/number.ts";
import { quantizeOf } from "../lib/quantize.ts";
import { answer, say } from "../lib/term.ts";
import { ResultFolder } from "./files.ts";
import { entriesOf, seedOf } from "./specs.ts";
import { sayPrompts, scoreSaid } from "./models.ts";
import { tableLines } from "./table.ts";

/** Runs the command; resolves to the exit code. */
export async function evaluateTasks(parsed: Arguments): Promise<number> {
  const { positionals: [place], flags } = parsed;
  const tasks = await readTasks(entriesOf(parsed));
  const seed = seedOf(flags);
  const wanted = numberOf(flags, "context", Infinity, { least: 8, whole: true });
  const folder = await fetchFolder(place!, "model");
  const adapter = flags["adapter"] && await fetchFolder(flags["adapter"], "adapter");
  const quantize = quantizeOf(flags);
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize, say });
  const context = Math.min(open.model.config.context, wanted);
  const tokenizer = rowTokenizer(open.model);
  const encoded = tasks.map((task) => encodeTask(task, tokenizer, { context }));
  for (const task of encoded) sayPrompts(open, task);
  const result = flags["out"] === undefined ? null : new ResultFolder(flags["out"]);
  const scores = await scoreSaid(open, encoded, { seed, result });
  const summary = { model: place, ...(adapter && { adapter: flags["adapter"] }), seed };
  result?.finish({ ...summary, tasks: scores });
  show(scores, { ...summary, tasks: scores }, flags["json"] !== undefined);
  return 0;
}

function show(scores: readonly TaskScores[], summary: object, json: boolean): void {
  if (json) return answer(JSON.stringify(summary));
  for (const line of tableLines(scores)) answer(line);
}
