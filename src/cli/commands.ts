/**
 * The commands: `deno task train`, `deno task merge`, ...
 *
 * @module
 */

import { ConfigError, StoppedError } from "../errors.ts";
import { installProvider } from "../gpu/provider.ts";
import { isDenied } from "../io/files.ts";
import { nearest } from "../io/nearest.ts";
import { followed } from "../progress.ts";
import { HelpWanted } from "./lib/args.ts";
import { deniedWords } from "./permissions/denied.ts";
import { STOPPED } from "./lib/signals.ts";
import { progressShown } from "./lib/progress.ts";
import { answer, clearStatus, red, say } from "./lib/term.ts";

/** Each command is the file of its name, with `run(args)` that resolves to the exit code. */
const COMMANDS = {
  init: "write a config after a look at a model and rows",
  train: "train a LoRA adapter on instruction data",
  guard: "scale and certify an adapter that was made elsewhere",
  combine: "make one adapter of several",
  merge: "merge an adapter into its base model",
  export: "write a model or an adapter for another program",
  eval: "measure the perplexity of a model on text",
  generate: "let a model continue or answer prompts",
  chat: "talk with a model",
  serve: "answer over HTTP as OpenAI's API does, with a page to chat in",
  push: "upload an adapter or a merged model to the hub",
  pretrain: "train a small model from nothing",
  plan: "show what a run takes on the device, and whether it fits",
  inspect: "show training rows token by token, and what is wrong with them",
  data: "drop rows that would harm training, and show how different the rest is",
  "self-instruct": "let a model make instruction rows, or answer them",
  sample: "draw and score several answers to each row, and keep the good ones",
  bench: "measure the speed of the kernels and of a training step",
  tune: "find the fastest kernels for a model on this GPU",
  study: "run an experiment of the field on a model, cell by cell",
  watch: "show runs on a page, as they happen",
  runs: "list, compare and rank the runs of a folder",
  doctor: "show what this machine can do",
} satisfies Readonly<Record<string, string>>;

type Name = keyof typeof COMMANDS;

/** Written out, for Deno reads what it can see named without being asked: help needs no permission. */
const LOAD: Readonly<Record<Name, () => Promise<{ run(args: string[]): Promise<number> }>>> = {
  init: () => import("./init.ts"),
  train: () => import("./train.ts"),
  guard: () => import("./guard.ts"),
  combine: () => import("./combine.ts"),
  merge: () => import("./merge.ts"),
  export: () => import("./export.ts"),
  eval: () => import("./eval.ts"),
  generate: () => import("./generate.ts"),
  chat: () => import("./chat.ts"),
  serve: () => import("./serve.ts"),
  push: () => import("./push.ts"),
  pretrain: () => import("./pretrain.ts"),
  plan: () => import("./plan.ts"),
  inspect: () => import("./inspect.ts"),
  data: () => import("./data.ts"),
  "self-instruct": () => import("./self-instruct.ts"),
  sample: () => import("./sample.ts"),
  bench: () => import("./bench.ts"),
  tune: () => import("./tune.ts"),
  study: () => import("./study.ts"),
  watch: () => import("./watch.ts"),
  runs: () => import("./runs.ts"),
  doctor: () => import("./doctor.ts"),
};

/**
 * Runs a command line and resolves to its exit code: 0 done, 1 a fault, 2 bad usage or
 * configuration, or something that the command may not touch, 3 the guard could certify only the base, 130 stopped by the user.
 */
export async function main(args: readonly string[]): Promise<number> {
  const debug = args.includes("--debug");
  try {
    const { name, rest, webgpu } = commandOf(args.filter((arg) => arg !== "--debug"));
    if (name === undefined || name === "--help" || name === "-h") throw new HelpWanted(overview());
    const { run } = await LOAD[knownCommand(name)]();
    if (webgpu !== undefined) await installProvider(webgpu);
    return await followed(progressShown(), () => run(rest));
  } catch (fault) {
    return report(fault, debug);
  } finally {
    clearStatus();
  }
}

/** The command, its arguments, and the value of `--webgpu`, which every command takes. */
function commandOf(args: readonly string[]) {
  const at = args.indexOf("--webgpu");
  const [name, ...rest] = at < 0 ? args : args.toSpliced(at, 2);
  if (at < 0) return { name, rest };
  const webgpu = args[at + 1];
  if (webgpu === undefined || webgpu.startsWith("--") || rest.includes("--webgpu")) {
    throw new ConfigError("Found --webgpu without its value or twice, wanted --webgpu FOLDER once");
  }
  return { name, rest, webgpu };
}

function knownCommand(name: string): Name {
  if (Object.hasOwn(COMMANDS, name)) return name as Name;
  const [near] = nearest(name, Object.keys(COMMANDS), 1);
  const hint = near ?? Object.keys(COMMANDS).join(", ");
  throw new ConfigError(
    `Found the unknown command ${name}, ${near ? "the nearest is" : "wanted one of"} ${hint}`,
  );
}

function overview(): string {
  const commands = Object.entries(COMMANDS)
    .map(([name, summary]) => `  deno task ${name.padEnd(8)}  ${summary}`);
  return [
    "Usage: deno task COMMAND ...",
    "",
    ...commands,
    "",
    "Each has --help. Each takes --debug, which shows where an error came from, and --webgpu FOLDER,",
    "another WebGPU than Deno's: that of npm's package webgpu (Dawn) in node_modules/webgpu.",
  ].join("\n");
}

function report(fault: unknown, debug: boolean): number {
  if (fault instanceof HelpWanted) {
    answer(fault.message);
    return 0;
  }
  if (fault instanceof StoppedError) {
    say(fault.message.toLowerCase());
    return STOPPED;
  }
  const denied = isDenied(fault) ? deniedWords((fault as Error).message) : null;
  const message = denied ?? (fault instanceof Error ? fault.message || fault.name : String(fault));
  say(`${red("error:")} ${debug && fault instanceof Error ? fault.stack : message}`);
  return denied !== null || fault instanceof ConfigError ? 2 : 1;
}
