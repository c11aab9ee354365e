/**
 * `deno task train`: trains a LoRA adapter as a config says.
 *
 * @module
 */
import { parseConfig } from "../config/mod.ts";
import { screen } from "../forgetting/report/screen.ts";
import { quickstartFile } from "../quickstart/files.ts";
import { resolveModel } from "../train/resolve_model.ts";
import type { ForgettingReport } from "../forgetting/report/format.ts";
import { linesListener } from "../runs/lines.ts";
import { explainPlan } from "../train/open.ts";
import { type RunResult, train, type TrainOptions } from "../train/run.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { ONLY_BASE } from "./guard.ts";
import { hubReports } from "./lib/hub.ts";
import { showSamples } from "./lib/samples.ts";
import { answer, say } from "./lib/term.ts";

const command: Command = {
  usage: "train [CONFIG.json] [--section.key value]...",
  summary:
    "Trains a LoRA adapter on instruction data; the quickstart where neither a config nor a " +
    "model is named.",
  flags: {
    resume: { type: "boolean", help: "go on with the run in the output folder" },
    "print-plan": { type: "boolean", help: "print every dispatch of a step, and stop" },
    json: { type: "boolean", help: "print the result as one JSON object" },
  },
  positionals: [0, 1],
  config: true,
};

/** Runs the command and resolves to its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(command, args);
  const resume = "resume" in parsed.flags;
  const { parsed: config } = await resolveModel(configOf(parsed), { resume, ...hubReports() });
  if (parsed.flags["print-plan"]) {
    answer(await explainPlan(config));
    return 0;
  }
  const result = await trainWithSignals(config, { kind: "adapter", resume });
  if (result.stopped) {
    say(`stopped after ${result.step} updates; go on with --resume`);
    return 130;
  }
  if (parsed.flags["json"]) answer(JSON.stringify(result));
  else for (const line of summary(result)) answer(line);
  if (!parsed.flags["json"]) await showSamples(config.config, result.saved);
  const forgetting = forgettingOf(result);
  return forgetting && !forgetting.certified ? ONLY_BASE : 0;
}

/** The config of a command line. */
export function configOf({ positionals: [named], config }: Arguments) {
  const file = named ?? (config["model"] === undefined ? quickstartFile("train.json") : undefined);
  return parseConfig({ ...(file === undefined ? {} : { file }), flags: config });
}

/** Trains until the end, or until Ctrl-C or a polite kill, which save a checkpoint first. */
export async function trainWithSignals(
  config: ReturnType<typeof parseConfig>,
  options: Pick<TrainOptions, "kind" | "resume">,
): Promise<RunResult> {
  const wanted = new AbortController();
  const stop = () => {
    wanted.abort();
    say("stopping after this update");
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  try {
    return await train(config, { ...options, on: linesListener(say), stop: wanted.signal });
  } finally {
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  }
}

const forgettingOf = ({ reports }: RunResult) =>
  reports["forgetting"] as ForgettingReport | undefined;

function summary(result: RunResult): string[] {
  const { saved, first, last, measured: { eval_loss: evalLoss, ...measured } } = result;
  const scores = Object.entries(measured).flatMap(([field, score]) => {
    const [kind, task, metric] = field.split("/");
    if (kind !== "task") return [];
    const before = first?.[field];
    const from = before === undefined ? "" : `${percent(before)} -> `;
    return [`${task!.padEnd(11)} ${metric} ${from}${percent(score)}`];
  });
  const forgetting = forgettingOf(result);
  return [
    ...(first && last ? [`loss        ${first.loss.toFixed(4)} -> ${last.loss.toFixed(4)}`] : []),
    ...(evalLoss === undefined ? [] : [`eval loss   ${evalLoss.toFixed(4)}`]),
    ...scores,
    ...(forgetting ? screen(forgetting) : []),
    `saved       ${saved}`,
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
