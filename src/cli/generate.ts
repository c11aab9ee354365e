/**
 * `deno task generate`: lets a model continue or answer prompts.
 *
 * @module
 */
import {
  dayOf,
  type EncodedPrompt,
  hasTemplate,
  type ModelRequest,
  promptOf,
  type PromptSettings,
  readRequests,
  rowTokenizer,
} from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { BatchGenerator } from "../inference/batch.ts";
import { Generator } from "../inference/generator.ts";
import { type OpenModel, openModel } from "../inference/open.ts";
import { Speed, timed } from "../inference/speed.ts";
import { stopIds } from "../inference/stop.ts";
import { stopAt, streamText } from "../inference/text.ts";
import { openTuned } from "../tune/cache.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { QUANTIZE_FLAG, quantizeOf } from "./lib/quantize.ts";
import { numberOf } from "./lib/number.ts";
import { SAMPLING_FLAGS, samplingOf, suggestionOf } from "./lib/sampling.ts";
import { answer, bold, dim, say, show } from "./lib/term.ts";

const COMMAND: Command = {
  usage: 'generate MODEL --prompt "..." | --instruction "..." [--input "..."] | --prompts FILE',
  summary: "Lets a model continue a text, or answer an instruction through its own chat template.",
  flags: {
    prompt: { type: "string", help: "text to continue" },
    instruction: { type: "string", help: "what to do; put into the template" },
    input: { type: "string", help: "what to do it with" },
    system: { type: "string", help: "what the system says before an instruction" },
    prompts: {
      type: "string",
      help: "file of many: .txt, a text to continue a line, or rows with prompt, messages or " +
        "instruction",
    },
    template: {
      type: "string",
      help: "template by name or file; the model's own by default, alpaca where it has none",
    },
    date: { type: "string", help: "day that the template is told (YYYY-MM-DD); today by default" },
    adapter: { type: "string", help: "PEFT folder, folder of a run or name on the hub" },
    ...QUANTIZE_FLAG,
    "max-tokens": { type: "string", help: "most tokens to make; 100 by default" },
    ...SAMPLING_FLAGS,
    json: { type: "boolean", help: "print one JSON object: prompt, text, ids; of many results" },
  },
  positionals: [1, 1],
  config: false,
};

type Sampling = ReturnType<typeof samplingOf> & { readonly maxTokens: number };

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { positionals: [place], flags } = parsed;
  const request = requestOf(flags);
  const maxTokens = numberOf(flags, "max-tokens", 100, { least: 1, whole: true });
  const asked: Sampling = { ...samplingOf(parsed), maxTokens };
  const folder = await fetchFolder(place!, "model");
  const adapter = flags["adapter"] && await fetchFolder(flags["adapter"], "adapter");
  const quantize = quantizeOf(flags);
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize, say });
  const how: Sampling = { ...asked, ...suggestionOf(open.model, parsed) };
  const json = flags["json"] !== undefined;
  if (request === null) {
    const prompts = await promptsOf(open, flags["prompts"]!, settingsOf(flags));
    await answerAll(open, prompts, how, json);
    return 0;
  }
  const tokenizer = rowTokenizer(open.model);
  if (request.kind === "text" && hasTemplate(tokenizer)) {
    say(dim("the text is continued as it is; --instruction asks through the chat template"));
  }
  await answerOne(open, promptOf(request, tokenizer, settingsOf(flags)), how, json);
  return 0;
}

/**
 * What is asked; null for a file of many.
 *
 * @throws {ConfigError} unless there is one of prompt, instruction and file.
 */
function requestOf(flags: Arguments["flags"]): ModelRequest | null {
  const { prompt, instruction, input = "", prompts } = flags;
  const given = [prompt, instruction, prompts].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw new ConfigError(`Wanted one of --prompt, --instruction and --prompts: ${COMMAND.usage}`);
  }
  if (instruction !== undefined) return { kind: "instruction", instruction, input };
  const ofInstructions = prompt === undefined ? ["input"] : ["input", "system", "template", "date"];
  const stray = ofInstructions.find((name) => flags[name] !== undefined);
  if (stray !== undefined) {
    const beside = prompt === undefined ? "prompts" : "prompt";
    throw new ConfigError(`Found --${stray} beside --${beside}, wanted it with --instruction only`);
  }
  return prompt === undefined ? null : { kind: "text", text: prompt };
}

function settingsOf({ template, system, date }: Arguments["flags"]): PromptSettings {
  return {
    ...(template !== undefined && {
      template: template.endsWith(".jinja") ? { file: template } : template,
    }),
    ...(system !== undefined && { system }),
    ...(date !== undefined && { date: dayOf(date) }),
  };
}

async function promptsOf({ model }: OpenModel, file: string, settings: PromptSettings) {
  const tokenizer = rowTokenizer(model);
  const prompts: EncodedPrompt[] = [];
  for await (const { origin, ...request } of readRequests(file)) {
    prompts.push(promptOf(request, tokenizer, { ...settings, origin }));
  }
  if (prompts.length > 0) return prompts;
  throw new ConfigError(`${file}: found no prompt, wanted one at least`);
}

/** Prints an answer as it comes. */
async function answerOne(open: OpenModel, prompt: EncodedPrompt, how: Sampling, json: boolean) {
  const { engine, model, adapt } = open;
  const context = Math.min(model.config.context, prompt.ids.length + how.maxTokens);
  using generator = await Generator.open(engine, model, { context, adapt });
  const ids: number[] = [];
  const kept = async function* () {
    const stop = [...stopIds(model), ...prompt.ends];
    for await (const id of generator.generate(prompt.ids, { ...how, stop })) {
      ids.push(id);
      yield id;
    }
  };
  const speed = new Speed(prompt.ids.length);
  const before = model.hasEncoder ? [] : prompt.ids;
  let text = "";
  for await (
    const piece of streamText(model.tokenizer, before, speed.of(kept()), how.stopStrings)
  ) {
    if (!json) show(piece);
    text += piece;
  }
  if (json) answer(JSON.stringify({ prompt: prompt.text, text, ids }));
  else show("\n");
  say(dim(`${speed}`));
}

/** Prints the answers of many prompts, made beside each other, in their order. */
async function answerAll(
  open: OpenModel,
  prompts: readonly EncodedPrompt[],
  how: Sampling,
  json: boolean,
) {
  const { model } = open;
  const began = performance.now();
  const found = model.hasEncoder
    ? await continueInTurn(open, prompts, how)
    : await continueTogether(open, prompts, how);
  const seconds = (performance.now() - began) / 1000;
  const results = found.map((ids, i) => {
    const whole = model.tokenizer.decode(ids);
    const stop = stopAt(whole, how.stopStrings);
    return { prompt: prompts[i]!.text, text: stop < 0 ? whole : whole.slice(0, stop), ids };
  });
  if (json) answer(JSON.stringify({ results }));
  for (const [i, { prompt, text }] of json ? [] : results.entries()) {
    answer(bold(`--- ${i + 1}: ${prompt.trim().split("\n").at(-1)}`));
    answer(text);
  }
  const read = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
  const made = results.reduce((sum, { ids }) => sum + ids.length, 0);
  say(dim(
    `${prompts.length} prompts of ${read} tokens; answers of ${made} tokens in ` +
      timed(made, seconds),
  ));
}

async function continueTogether(
  { engine, model, adapt }: OpenModel,
  prompts: readonly EncodedPrompt[],
  how: Sampling,
): Promise<(readonly number[])[]> {
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  const context = Math.min(model.config.context, longest + how.maxTokens);
  using batch = await BatchGenerator.open(engine, model, { context, adapt, slots: prompts.length });
  const stop = [...stopIds(model), ...prompts.flatMap(({ ends }) => ends)];
  const found = await batch.generate(prompts.map(({ ids }) => ids), { ...how, stop });
  return found.map(({ ids }) => ids);
}

/** For a model with an encoder, which reads one prompt at a time. */
async function continueInTurn(
  { engine, model, adapt }: OpenModel,
  prompts: readonly EncodedPrompt[],
  how: Sampling,
): Promise<(readonly number[])[]> {
  const longest = Math.max(...prompts.map(({ ids }) => ids.length));
  const context = Math.min(model.config.context, Math.max(longest, how.maxTokens + 1));
  using generator = await Generator.open(engine, model, { context, adapt });
  const found: (readonly number[])[] = [];
  for (const { ids } of prompts) found.push(await Array.fromAsync(generator.generate(ids, how)));
  return found;
}
