/**
 * `deno task generate`: lets a model continue a prompt.
 *
 * @module
 */
import {
  DEFAULT_TEMPLATE,
  encoderOf,
  promptIds,
  renderPrompt,
  resolveTemplate,
} from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { Generator } from "../inference/generator.ts";
import { openModel } from "../inference/open.ts";
import { streamText } from "../inference/text.ts";
import { openDevice } from "../gpu/device.ts";
import { encodeUtf8 } from "../io/files.ts";
import { type Arguments, type Command, parseArguments } from "./parts/args.ts";
import { fetchFolder } from "./parts/hub.ts";
import { numberOf } from "./parts/number.ts";
import { answer, dim, say } from "./parts/term.ts";

const COMMAND: Command = {
  usage: 'generate MODEL --prompt "..." | --instruction "..." [--input "..."]',
  summary: "Lets a model continue a prompt or answer an instruction.",
  flags: {
    prompt: { type: "string", help: "text to continue" },
    instruction: { type: "string", help: "what to do; put into the template" },
    input: { type: "string", help: "what to do it with" },
    template: { type: "string", help: `template by name; ${DEFAULT_TEMPLATE} by default` },
    adapter: { type: "string", help: "PEFT folder, folder of a run or name on the hub" },
    "max-tokens": { type: "string", help: "most tokens to make; 100 by default" },
    temperature: { type: "string", help: "0, the default, takes the likeliest token" },
    "top-k": { type: "string", help: "draw from so many tokens; 0, the default, for all" },
    "top-p": { type: "string", help: "draw from this share of probability; 1 by default" },
    seed: { type: "string", help: "same seed, same text; 0 by default" },
    json: { type: "boolean", help: "print one JSON object: prompt, text, ids" },
  },
  positionals: [1, 1],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [place], flags } = parseArguments(COMMAND, args);
  const prompt = promptOf(flags);
  const how = optionsOf(flags);
  const folder = await fetchFolder(place!, "model");
  const adapter = flags["adapter"] && await fetchFolder(flags["adapter"], "adapter");
  using device = await openDevice();
  using open = openModel(device, folder, adapter);
  const { engine, model, adapt } = open;
  const ids = promptIds(prompt, encoderOf(model));
  const context = Math.min(model.config.context, ids.length + how.maxTokens);
  using generator = await Generator.open(engine, model, { context, adapt });

  const made: number[] = [];
  const recorded = async function* () {
    for await (const id of generator.generate(ids, how)) {
      made.push(id);
      yield id;
    }
  };
  const started = performance.now();
  let text = "";
  const before = model.hasEncoder ? [] : ids;
  for await (const piece of streamText(model.tokenizer, before, recorded())) {
    if (!flags["json"]) show(piece);
    text += piece;
  }
  if (flags["json"]) answer(JSON.stringify({ prompt, text, ids: made }));
  else show("\n");
  const seconds = (performance.now() - started) / 1000;
  say(dim(`${made.length} tokens, ${(made.length / seconds).toFixed(0)} tokens/s`));
  return 0;
}

/** @throws {ConfigError} unless there is either a prompt or an instruction. */
function promptOf(flags: Arguments["flags"]): string {
  const { prompt, instruction, input = "", template = DEFAULT_TEMPLATE } = flags;
  if ((prompt === undefined) === (instruction === undefined)) {
    throw new ConfigError(`Wanted one of --prompt and --instruction: ${COMMAND.usage}`);
  }
  if (prompt === undefined) {
    return renderPrompt(resolveTemplate(template), { instruction: instruction!, input });
  }
  const stray = ["input", "template"].find((name) => flags[name] !== undefined);
  if (stray === undefined) return prompt;
  throw new ConfigError(`Found --${stray} beside --prompt, wanted it with --instruction only`);
}

function optionsOf(flags: Arguments["flags"]) {
  return {
    maxTokens: numberOf(flags, "max-tokens", 100, { least: 1, whole: true }),
    temperature: numberOf(flags, "temperature", 0, { least: 0 }),
    topK: numberOf(flags, "top-k", 0, { least: 0, whole: true }),
    topP: numberOf(flags, "top-p", 1, { least: Number.MIN_VALUE, most: 1 }),
    seed: numberOf(flags, "seed", 0, { least: 0, whole: true }),
  };
}

/** Text without a line end, at once. */
function show(text: string): void {
  const bytes = encodeUtf8(text);
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}
