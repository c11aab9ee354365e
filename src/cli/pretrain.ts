/**
 * `deno task pretrain`: trains every parameter of a model from random weights.
 *
 * @module
 */
import { type Command, parseArguments } from "./lib/args.ts";
import { trainAsked } from "./lib/ranks.ts";
import { STOPPED } from "./lib/signals.ts";
import { answer } from "./lib/term.ts";
import { StoppedError } from "../errors.ts";
import { configOf, patience, RESCUE, resumable } from "./train.ts";

const command: Command = {
  usage: "pretrain CONFIG [--section.key value]...",
  summary: "Trains a model from nothing: `model` is a folder with config.json and a tokenizer.",
  flags: {
    resume: { type: "boolean", help: "go on with the run in the output folder" },
    rescue: RESCUE,
    json: { type: "boolean", help: "print the result as one JSON object" },
  },
  positionals: [1, 1],
  config: true,
};

/** Runs the command and resolves to its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(command, args);
  const config = configOf(parsed);
  const resume = "resume" in parsed.flags;
  return await resumable("pretrain", args, config, async (lies) => {
    const keeping = { resume, ...patience(parsed) };
    const result = await trainAsked(config, { kind: "pretrain", ...keeping });
    if (!("out" in result)) return result.stopped ? STOPPED : 0; // of a rank other than 0
    lies(result.out);
    if (result.stopped) throw new StoppedError(`Stopped after ${result.step} updates`);
    const { eval_loss: loss } = result.measured;
    if (parsed.flags["json"]) answer(JSON.stringify(result));
    else {
      if (loss !== undefined) {
        answer(`eval loss   ${loss.toFixed(4)} (perplexity ${Math.exp(loss).toFixed(3)})`);
      }
      answer(`saved       ${result.saved}`);
    }
    return 0;
  });
}
