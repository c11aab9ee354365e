/**
 * What a run came to, as lines after its last update: what was learnt, what was kept, where the
 * files are, and what to type next.
 *
 * @module
 */
import { join } from "node:path";
import type { Config } from "../../config/mod.ts";
import type { ForgettingReport } from "../../forgetting/report/format.ts";
import { screen } from "../../forgetting/report/screen.ts";
import { exists } from "../../io/files.ts";
import { runFiles } from "../../runs/folder.ts";
import { row } from "../../runs/panel.ts";
import type { RunResult } from "../../train/run.ts";
import { shellWord } from "./shell.ts";

/** What its guard says of a run, where it had one. */
export const forgettingOf = ({ reports }: RunResult): ForgettingReport | undefined =>
  reports["forgetting"] as ForgettingReport | undefined;

/** Losses and scores before and after, the guard's verdict, files and three commands. */
export function endPanel(result: RunResult, config: Config): string[] {
  const { first, last, measured: { eval_loss: evalLoss, ...measured } } = result;
  const forgetting = forgettingOf(result);
  return [
    ...(first && last ? [row("loss", `${first.loss.toFixed(4)} -> ${last.loss.toFixed(4)}`)] : []),
    ...(evalLoss === undefined ? [] : [row("eval loss", evalLoss.toFixed(4))]),
    ...scoreLines(measured, first ?? {}),
    ...(forgetting ? screen(forgetting) : []),
    ...fileLines(result, config),
    ...nextLines(result, config),
  ];
}

/** Scores of tasks, before and after. */
function scoreLines(
  measured: Readonly<Record<string, number>>,
  first: Readonly<Record<string, number | undefined>>,
): string[] {
  return Object.entries(measured).flatMap(([field, score]) => {
    const [kind, task, metric] = field.split("/");
    if (kind !== "task") return [];
    const before = first[field];
    const from = before === undefined ? "" : `${percent(before)} -> `;
    return [row(task!, `${metric} ${from}${percent(score)}`)];
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function fileLines({ saved }: RunResult, { out }: Config): string[] {
  const { report, metrics } = runFiles(out);
  const others = [report, metrics].filter(exists);
  return [row("saved", saved), ...others.map((path) => row("", path))];
}

/** Commands that go on from here. */
function nextLines({ saved }: RunResult, { model, out }: Config): string[] {
  const [base, run] = [shellWord(model), shellWord(out)];
  const commands = [
    `deno task chat ${base} --adapter ${run}`,
    `deno task serve ${base} --adapter tuned=${run}`,
    `deno task merge ${run} --out ${shellWord(`${out}-merged`)}`,
  ];
  if (!exists(join(saved, "adapter_config.json"))) return [];
  return commands.map((command, i) => row(i === 0 ? "next" : "", command));
}
