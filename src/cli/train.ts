/**
 * `deno task train`: trains a LoRA adapter as a config says.
 *
 * @module
 */
import { resolve } from "node:path";
import {
  configLines,
  parseConfig,
  type ParsedConfig,
  presetNamed,
  PRESETS,
  savedConfig,
} from "../config/mod.ts";
import { readChatFacts } from "../data/mod.ts";
import { RANK_COMMAND } from "../distributed/mpi/library.ts";
import { quickstartFile } from "../quickstart/files.ts";
import { resolveModel } from "../train/resolve_model.ts";
import { explainRun } from "../train/open.ts";
import { hasCheckpoint } from "../train/checkpoint.ts";
import { memoryText, row } from "../runs/panel.ts";
import { StoppedError } from "../errors.ts";
import { isStopWanted, orStopped } from "../stop.ts";
import { runFiles } from "../runs/folder.ts";
import { type Arguments, type Command, type Flag, parseArguments } from "./lib/args.ts";
import { NOT_CERTIFIED } from "./lib/certifying.ts";
import { endPanel, forgettingOf } from "./lib/end_panel.ts";
import { hubReports } from "./lib/hub.ts";
import { shellWord } from "./lib/shell.ts";
import { showSamples } from "./lib/samples.ts";
import { STOPPED } from "./lib/signals.ts";
import { trainAsked } from "./lib/ranks.ts";
import { answer, say } from "./lib/term.ts";

/** The flag of commands that train. */
export const RESCUE: Flag = {
  type: "string",
  help: "a new folder to go on in where --out cannot be written any more; without, the run waits",
};

/** Flags of commands that take a config. */
export const CONFIG_FLAGS = {
  preset: {
    type: "string",
    help: `settings beneath those of the config: ${Object.keys(PRESETS).join(", ")}`,
  },
} as const;

const command: Command = {
  usage: "train [CONFIG] [--preset NAME] [--section.key value]...",
  summary:
    "Trains a LoRA adapter on instruction data; the quickstart where neither a config nor a " +
    "model is named.",
  flags: {
    ...CONFIG_FLAGS,
    resume: { type: "boolean", help: "go on with the run in the output folder" },
    rescue: RESCUE,
    "print-config": {
      type: "boolean",
      help: "print every value of the config with where it comes from, and stop",
    },
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
  if (parsed.flags["print-config"]) return printConfig(config, parsed.flags);
  return await resumable("train", args, config, async (lies) => {
    const { parsed: resolved, model } = await resolveModel(config, { resume, ...hubReports() });
    if (parsed.flags["print-plan"]) {
      const { dispatches, plan } = await explainRun(resolved.config);
      answer(`${dispatches}\n${row("memory", memoryText(plan.memory))}`);
      return 0;
    }
    const keeping = { resume, ...patience(parsed) };
    const result = await trainAsked(resolved, { kind: "adapter", ...keeping });
    if (!("out" in result)) return result.stopped ? STOPPED : 0; // of a rank other than 0
    lies(result.out);
    if (result.stopped) throw new StoppedError(`Stopped after ${result.step} updates`);
    if (parsed.flags["json"]) answer(JSON.stringify(result));
    else {
      const shown = { ...resolved.config, out: result.out };
      for (const line of endPanel(result, shown, readChatFacts(model))) answer(line);
    }
    if (!parsed.flags["json"]) await orStopped(() => showSamples(resolved.config, result.saved));
    if (isStopWanted()) return STOPPED; // the run is done and saved
    const forgetting = forgettingOf(result);
    return forgetting && !forgetting.certified ? NOT_CERTIFIED : 0;
  });
}

/** What a run does where its folder cannot be written. */
export function patience({ flags: { rescue } }: Arguments) {
  return { waits: true, ...(rescue !== undefined && { rescue: resolve(rescue) }) };
}

/** The config of a command line. */
export function configOf({ positionals: [named], config, flags }: Arguments): ParsedConfig {
  const file = named ?? (config["model"] === undefined ? quickstartFile("train.json") : undefined);
  const preset = flags["preset"];
  return parseConfig({
    ...(file !== undefined && { file }),
    ...(preset !== undefined && { preset: presetNamed(preset) }),
    flags: config,
  });
}

/** Every value with its origin; as JSON what a run folder would have of it. */
function printConfig(config: ParsedConfig, flags: Arguments["flags"]): number {
  if (flags["json"]) answer(JSON.stringify(savedConfig(config)));
  else for (const line of configLines(config)) answer(line);
  return 0;
}

/**
 * Runs a command that trains, and says how to go on where it was stopped and has something to go on
 * from.
 */
export async function resumable(
  name: string,
  args: readonly string[],
  { config: { out, distributed } }: ParsedConfig,
  work: (lies: (folder: string) => void) => Promise<number>,
): Promise<number> {
  let folder = out;
  try {
    return await work((lies) => folder = lies);
  } catch (fault) {
    if (!(fault instanceof StoppedError)) throw fault;
    const resuming = args.includes("--resume") ? args : [...args, "--resume"];
    const again = folder === out ? resuming : movedTo(folder, resuming);
    const start = distributed === undefined ? "deno task" : `mpirun -n RANKS ${RANK_COMMAND}`;
    const command = [start, name, ...again.map(shellWord)].join(" ");
    const next = hasCheckpoint(runFiles(folder).checkpoints)
      ? `; go on with: ${command}`
      : " before it began to train; it has left nothing";
    say(`${fault.message.toLowerCase()}${next}`);
    return STOPPED;
  }
}

/** Arguments of a run that lies in another folder by now. */
function movedTo(folder: string, args: readonly string[]): string[] {
  const isOf = (flag: string, i: number) => args[i] === flag || args[i - 1] === flag;
  const rest = args.filter((arg, i) =>
    !["--out", "--rescue"].some((flag) => isOf(flag, i) || arg.startsWith(`${flag}=`))
  );
  return [...rest, "--out", folder];
}
