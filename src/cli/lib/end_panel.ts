/**
 * What a run came to, as lines after its last update: what was learnt, what was kept, where the
 * files are, and what to type next.
 *
 * @module
 */
import { join } from "node:path";
import type { Config } from "../../config/mod.ts";
import {
  type ChatFacts,
  type DataEntry,
  MODEL_TEMPLATE,
  resolveTemplates,
} from "../../data/mod.ts";
import type { ForgettingReport } from "../../forgetting/report/format.ts";
import { screen } from "../../forgetting/report/screen.ts";
import { exists } from "../../io/files.ts";
import { runFiles } from "../../runs/folder.ts";
import { row } from "../../runs/panel.ts";
import type { RunResult } from "../../train/options.ts";
import { shellWord } from "./shell.ts";

/** What its guard says of a run, where it had one. */
export const forgettingOf = ({ reports }: RunResult): ForgettingReport | undefined =>
  reports["forgetting"] as ForgettingReport | undefined;

/** Losses and scores before and after, the guard's verdict, files and three commands. */
export function endPanel(result: RunResult, config: Config, base: ChatFacts): string[] {
  const { first, last, measured: { eval_loss: evalLoss, ...measured } } = result;
  const forgetting = forgettingOf(result);
  return [
    ...(first && last ? [row("loss", `${first.loss.toFixed(4)} -> ${last.loss.toFixed(4)}`)] : []),
    ...(evalLoss === undefined ? [] : [row("eval loss", evalLoss.toFixed(4))]),
    ...scoreLines(measured, first ?? {}),
    ...(forgetting ? screen(forgetting) : []),
    ...fileLines(result, config),
    ...nextLines(result, config, base),
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
function nextLines({ saved }: RunResult, { model, data, out }: Config, base: ChatFacts): string[] {
  const [named, run] = [shellWord(model), shellWord(out)];
  const commands = [
    `deno task ${askCommand(`${named} --adapter ${run}`, data[0], base)}`,
    `deno task serve ${named} --adapter tuned=${run}`,
    `deno task merge ${run} --out ${shellWord(`${out}-merged`)}`,
  ];
  if (!exists(join(saved, "adapter_config.json"))) return [];
  return commands.map((command, i) => row(i === 0 ? "next" : "", command));
}

/** How to ask a model in the words that it was trained with; `chat` wants a template of chats. */
function askCommand(asked: string, entry: DataEntry | undefined, { template }: ChatFacts): string {
  const setting = [entry?.template].flat()[0];
  if (setting === undefined && template !== null || setting === MODEL_TEMPLATE) {
    return `chat ${asked}`;
  }
  const isNamed = setting === undefined || typeof setting === "string" || "file" in setting;
  if (!isNamed || ["text", "tokens"].includes(entry?.format ?? "")) {
    return `generate ${asked} --prompt "..."`; // no template, or one that has no name
  }
  if (setting === undefined) return `generate ${asked} --instruction "..."`;
  const flag = `--template ${shellWord(typeof setting === "string" ? setting : setting.file)}`;
  if (resolveTemplates(setting, "")[0]!.chat !== null) return `chat ${asked} ${flag}`;
  return `generate ${asked} ${flag} --instruction "..."`;
}
