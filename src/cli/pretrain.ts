/**
 * `deno task pretrain`: trains every parameter of a model from random weights.
 *
 * @module
 */
import { type Command, parseArguments } from "./lib/args.ts";
import { answer, say } from "./lib/term.ts";
import { configOf, trainWithSignals } from "./train.ts";

const command: Command = {
  usage: "pretrain CONFIG.json [--section.key value]...",
  summary: "Trains a model from nothing: `model` is a folder with config.json and a tokenizer.",
  flags: {
    resume: { type: "boolean", help: "go on with the run in the output folder" },
    json: { type: "boolean", help: "print the result as one JSON object" },
  },
  positionals: [1, 1],
  config: true,
};

/** Runs the command and resolves to its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(command, args);
  const config = configOf(parsed);
  const result = await trainWithSignals(config, {
    kind: "pretrain",
    resume: "resume" in parsed.flags,
  });
  if (result.stopped) {
    say(`stopped after ${result.step} updates; go on with --resume`);
    return 130;
  }
  const { eval_loss: loss } = result.measured;
  if (parsed.flags["json"]) answer(JSON.stringify(result));
  else {
    if (loss !== undefined) {
      answer(`eval loss   ${loss.toFixed(4)} (perplexity ${Math.exp(loss).toFixed(3)})`);
    }
    answer(`saved       ${result.saved}`);
  }
  return 0;
}
