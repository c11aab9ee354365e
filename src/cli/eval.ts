/**
 * `deno task eval`: measures the perplexity of a model on text, or lets it answer tasks.
 *
 * @module
 */
import { type DataEntry, faultNames, loadExamples, rowTokenizer } from "../data/mod.ts";
import { ConfigError, GpuError } from "../errors.ts";
import { rowsFor } from "../eval/documents.ts";
import { perplexity } from "../eval/perplexity.ts";
import { readPeft } from "../adapters/peft/folder.ts";
import { adapterFolder } from "../adapters/saved.ts";
import { openModel, scoresOf } from "../inference/open.ts";
import { evaluateScores } from "./lib/scores.ts";
import { openTuned } from "../tune/cache.ts";
import { LossProgram } from "../models/loss_program.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { QUANTIZE_FLAG, quantizeOf } from "./lib/quantize.ts";
import { numberOf } from "./lib/number.ts";
import { answer, dim, say } from "./lib/term.ts";
import { evaluateTasks } from "./tasks/evaluate.ts";
import { ONLY_TASKS, TASK_FLAGS } from "./tasks/specs.ts";

const COMMAND: Command = {
  usage: "eval MODEL --text FILE | --data FILE [--format NAME] | --tasks SPEC...",
  summary:
    "Measures a model on text, or on the answers of instruction rows: each document stands " +
    "alone, BOS where the model wants it, its tokens, cut at the context's length. With --tasks " +
    "the model answers rows and is scored, and the tuned one beside it where there is an adapter. " +
    "An adapter that tells classes or gives rewards is measured on rows of its own.",
  flags: {
    ...TASK_FLAGS,
    text: { type: "string", help: ".txt divided by <|endoftext|>, or .jsonl with a text field" },
    data: { type: "string", help: "rows of which only the answers count" },
    format: { type: "string", help: "format of the rows; recognised by default" },
    template: {
      type: "string",
      help: "template of the rows by name or file; by default the model's own, or alpaca",
    },
    adapter: { type: "string", help: "PEFT folder, folder of a run or name on the hub" },
    ...QUANTIZE_FLAG,
    labels: {
      type: "string",
      many: true,
      help: "names of the classes that an adapter tells, in their order; numbers by default",
    },
    context: { type: "string", help: "most tokens of a document; the model's own by default" },
    json: { type: "boolean", help: "print one JSON object: nll, perplexity, tokens; or scores" },
  },
  positionals: [1, Infinity],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { positionals: [place, ...others], flags, lists } = parsed;
  if (lists["tasks"]) {
    refuse(["text", "data", "format"], flags, " beside --tasks, wanted one of the two");
    return await evaluateTasks(parsed);
  }
  refuse(ONLY_TASKS, { ...flags, ...lists }, ", wanted it with --tasks only");
  if (others.length > 0) throw new ConfigError(`Found ${others[0]}, wanted one model`);
  const entry = entryOf(flags);
  const wanted = numberOf(flags, "context", Infinity, { least: 2, whole: true });
  const folder = await fetchFolder(place!, "model");
  const adapter = flags["adapter"] && await fetchFolder(flags["adapter"], "adapter");
  const quantize = quantizeOf(flags);
  const limits = { context: wanted, quantize, json: flags["json"] !== undefined };
  if (adapter && scoresOf(readPeft(adapterFolder(adapter))) > 0) {
    return await evaluateScores({ ...limits, folder, adapter, entry, labels: lists["labels"] });
  }
  refuse(["labels"], lists, ", wanted it for an adapter that tells classes");
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize, say });
  const { engine, model, adapt } = open;
  const { vocabSize, context } = model.config;
  const { examples, skipped, noted } = await loadExamples(entry, rowTokenizer(model), {
    maxTokens: Math.min(wanted, context),
    onTooLong: "truncate",
    vocabSize,
    allow: faultNames, // what was trained on is measured as it is
  });
  const left = skipped + noted.unsupervised;
  if (left > 0) say(dim(`${left} documents left out: nothing to predict within the context`));
  const program = await LossProgram.open(engine, model, { T: rowsFor(examples), adapt });
  const { nll, perplexity: ppl, tokens } = await perplexity(program, examples);
  if (!Number.isFinite(nll)) throw new GpuError(`The loss of ${place} is ${nll}: it is broken`);
  if (Math.abs(ppl - vocabSize) < 1e-5 * vocabSize) {
    say(`warning: the perplexity is the size of the vocabulary: weights overflow, or are zero`);
  }
  if (flags["json"]) answer(JSON.stringify({ nll, perplexity: ppl, tokens }));
  else answer(`${nll.toFixed(5)} nats a token, perplexity ${ppl.toFixed(4)}, ${tokens} tokens`);
  return 0;
}

/** @throws {ConfigError} where one of some flags is given. */
function refuse(names: readonly string[], given: object, why: string): void {
  const stray = names.find((name) => Object.hasOwn(given, name));
  if (stray !== undefined) throw new ConfigError(`Found --${stray}${why}`);
}

/** @throws {ConfigError} unless there is either text or data. */
function entryOf(flags: Arguments["flags"]): DataEntry {
  const { text, data, format, template } = flags;
  if ((text === undefined) === (data === undefined)) {
    throw new ConfigError(`Wanted one of --text, --data and --tasks: ${COMMAND.usage}`);
  }
  if (data !== undefined) {
    return { path: data, ...(format ? { format } : {}), ...(template ? { template } : {}) };
  }
  const stray = ["format", "template"].find((name) => flags[name] !== undefined);
  if (stray === undefined) return { path: text!, format: "text" };
  throw new ConfigError(`Found --${stray} beside --text, wanted it with --data only`);
}
