/**
 * `deno task train`: trains a LoRA adapter as a config says.
 *
 * @module
 */
import { parseConfig, type ParsedConfig } from "../config/mod.ts";
import { quickstartFile } from "../quickstart/files.ts";
import { resolveModel } from "../train/resolve_model.ts";
import { explainPlan } from "../train/open.ts";
import { hasCheckpoint } from "../train/checkpoint.ts";
import { train } from "../train/run.ts";
import { StoppedError } from "../errors.ts";
import { isStopWanted, orStopped } from "../stop.ts";
import { runFiles } from "../runs/folder.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { ONLY_BASE } from "./guard.ts";
import { endPanel, forgettingOf } from "./lib/end_panel.ts";
import { hubReports } from "./lib/hub.ts";
import { shellWord } from "./lib/shell.ts";
import { showSamples } from "./lib/samples.ts";
import { STOPPED } from "./lib/signals.ts";
import { runShown } from "./lib/progress.ts";
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
  const config = configOf(parsed);
  return await resumable("train", args, config, async () => {
    const { parsed: resolved } = await resolveModel(config, { resume, ...hubReports() });
    if (parsed.flags["print-plan"]) {
      answer(await explainPlan(resolved));
      return 0;
    }
    const result = await train(resolved, { kind: "adapter", resume, on: runShown() });
    if (result.stopped) throw new StoppedError(`Stopped after ${result.step} updates`);
    if (parsed.flags["json"]) answer(JSON.stringify(result));
    else for (const line of endPanel(result, resolved.config)) answer(line);
    if (!parsed.flags["json"]) await orStopped(() => showSamples(resolved.config, result.saved));
    if (isStopWanted()) return STOPPED; // the run is done and saved
    const forgetting = forgettingOf(result);
    return forgetting && !forgetting.certified ? ONLY_BASE : 0;
  });
}

/** The config of a command line. */
export function configOf({ positionals: [named], config }: Arguments) {
  const file = named ?? (config["model"] === undefined ? quickstartFile("train.json") : undefined);
  return parseConfig({ ...(file === undefined ? {} : { file }), flags: config });
}

/**
 * Runs a command that trains, and says how to go on where it was stopped and has something to go on
 * from.
 */
export async function resumable(
  name: string,
  args: readonly string[],
  { config: { out } }: ParsedConfig,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (fault) {
    if (!(fault instanceof StoppedError)) throw fault;
    const again = args.includes("--resume") ? args : [...args, "--resume"];
    const command = ["deno", "task", name, ...again.map(shellWord)].join(" ");
    const next = hasCheckpoint(runFiles(out).checkpoints)
      ? `; go on with: ${command}`
      : " before it began to train; it has left nothing";
    say(`${fault.message.toLowerCase()}${next}`);
    return STOPPED;
  }
}
