/**
 * `deno task self-instruct`: a model makes instruction rows, or answers those that are there.
 *
 * @module
 */
import { type FiledRequest, readRequests } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import type { OpenModel } from "../inference/open.ts";
import { answerRequests, checkRequests } from "../self_instruct/answers.ts";
import { bootstrap, type Progress } from "../self_instruct/bootstrap.ts";

import { within } from "../progress.ts";
import { RunFolder } from "../self_instruct/folder.ts";
import type { Ask } from "../self_instruct/journal.ts";
import { readSeeds } from "../self_instruct/seeds.ts";
import type { Writer } from "../self_instruct/writers/writer.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { numberOf } from "./lib/number.ts";
import { SAMPLING_FLAGS, samplingOf, suggestionOf } from "./lib/sampling.ts";
import { answer, dim, say } from "./lib/term.ts";
import { dayOfRun, hashOf, KEY, nameOf, withWriter, WRITER_FLAGS } from "./lib/writers.ts";

const { seed: _, ...SEEDLESS_FLAGS } = SAMPLING_FLAGS;

const COMMAND: Command = {
  usage: "self-instruct MODEL --seeds FILE | --answer-only FILE --out DIR [--endpoint URL]",
  summary: [
    "Lets a model make instruction rows from seed tasks (Self-Instruct, arXiv 2212.10560), or answer",
    "given instructions in its own words. DIR gets rows.jsonl, rejected.jsonl with reasons, and all",
    "answers; the same command goes on where it was stopped. With --endpoint, MODEL is the name that",
    `it knows the model by, and its key is taken from ${KEY} in the environment.`,
  ].join("\n"),
  flags: {
    seeds: { type: "string", help: "tasks of people: rows with an instruction, 8 at least" },
    "answer-only": { type: "string", help: "rows with instruction, messages or prompt to answer" },
    out: { type: "string", help: "folder of the run" },
    ...WRITER_FLAGS,
    rows: { type: "string", help: "rows to make; 100" },
    prompts: { type: "string", help: "prompts of a round; 8" },
    examples: {
      type: "string",
      help: "most examples in prompts for branch and instances; all by default",
    },
    chat: {
      type: "boolean",
      help: "ask for new tasks as turns of a chat, not as text to go on with",
    },
    seed: { type: "string", help: "same seed, same rows; 0" },
    "max-tokens": { type: "string", help: "most tokens of an answer of --answer-only; 256" },
    ...SEEDLESS_FLAGS,
  },
  positionals: [1, 1],
  config: false,
};

/** Flags that only one way of running heeds. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  "--seeds": ["rows", "prompts", "examples", "chat"],
  "--answer-only": ["max-tokens", "template", "system", "date", ...Object.keys(SEEDLESS_FLAGS)],
  "--endpoint": ["timeout", "parallel"],
  "a model at hand": ["adapter", "quantize", "context"],
};

/** Requests of --answer-only that are answered beside each other, and then kept. */
const TOGETHER = 32;

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { positionals: [model], flags } = parsed;
  check(parsed);
  const file = (flags["seeds"] ?? flags["answer-only"])!;
  const seed = numberOf(flags, "seed", 0, { least: 0, most: 2 ** 32 - 1, whole: true });
  const work = flags["seeds"] === undefined
    ? await answering(parsed, file)
    : await making(parsed, file, seed);
  const settings = {
    model,
    [flags["seeds"] === undefined ? "answer-only" : "seeds"]: hashOf(file),
    seed,
    date: dayOfRun(flags),
    ...Object.fromEntries(
      ["endpoint", "adapter", "quantize", "context"].filter((name) => flags[name] !== undefined)
        .map((name) => [name, flags[name]]),
    ),
    ...work.settings,
  };
  using folder = new RunFolder(flags["out"]!, settings);
  const use = async (writer: Writer, open: OpenModel | null) => {
    const ask: Ask = (step, ...asked) =>
      within(stepWords(step), () => folder.journal.ask(writer, seed, step, ...asked));
    try {
      return await work.run({ folder, ask, writer, open });
    } finally {
      folder.flush();
    }
  };
  const line = await withWriter(parsed, work.slots, use);
  folder.finish();
  answer(`${line} in ${flags["out"]}`);
  return 0;
}

/** What a way of running is given. */
interface Given {
  readonly folder: RunFolder;
  readonly ask: Ask;
  readonly writer: Writer;
  readonly open: OpenModel | null;
}

/** A way of running: what decides it, and what it says at the end. */
interface Work {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly slots: number;
  run(given: Given): Promise<string>;
}

/** Makes rows out of seeds. */
async function making({ positionals: [place], flags }: Arguments, file: string, seed: number) {
  const seeds = await readSeeds(file);
  const whole = { least: 1, whole: true };
  const [rows, prompts] = [
    numberOf(flags, "rows", 100, whole),
    numberOf(flags, "prompts", 8, whole),
  ];
  const most = numberOf(flags, "examples", Infinity, { least: 0, whole: true });
  const chat = flags["chat"] !== undefined;
  const model = nameOf(place!, flags);
  const settings = { prompts, chat, ...(Number.isFinite(most) && { examples: most }) };
  const work: Work = {
    settings,
    slots: prompts,
    async run({ folder, ask, writer }) {
      const onRound = (state: Progress) => {
        folder.flush();
        if (!folder.journal.isReplaying) say(dim(roundLine(state, rows)));
      };
      const showing = { most, fits: writer.fits.bind(writer) };
      const add = folder.add.bind(folder);
      const options = { seeds, rows, prompts, seed, model, chat, showing, ask, add, onRound };
      const { rows: kept, tasks, rejected } = await bootstrap(options);
      return `${kept} rows of ${tasks} tasks kept, ${rejected} rejected,`;
    },
  };
  return work;
}

const roundLine = ({ round, tasks, rows, rejected }: Progress, wanted: number): string =>
  `round ${round + 1}: ${rows} of ${wanted} rows, ${tasks} tasks, ${rejected} rejected`;

/** Answers rows that are there. */
async function answering(parsed: Arguments, file: string): Promise<Work> {
  const { positionals: [place], flags } = parsed;
  const requests: FiledRequest[] = await Array.fromAsync(readRequests(file));
  checkRequests(requests, file);
  const maxTokens = numberOf(flags, "max-tokens", 256, { least: 1, whole: true });
  const { seed: _, stopStrings: stop, ...asked } = samplingOf(parsed);
  const given = Object.fromEntries(
    ONLY["--answer-only"]!.filter((name) => flags[name] !== undefined && name !== "date")
      .map((name) => [name, flags[name]]),
  );
  return {
    settings: { ...given, stop },
    slots: TOGETHER,
    async run({ folder, ask, open }) {
      const how = { ...asked, ...(open && suggestionOf(open.model, parsed)) };
      const { rows, rejected } = await answerRequests({
        requests,
        together: TOGETHER,
        model: nameOf(place!, flags),
        sampling: { ...how, maxTokens, stop },
        ask,
        add: folder.add.bind(folder),
        onAnswered: (count) => {
          folder.flush();
          if (!folder.journal.isReplaying) say(dim(`${count} of ${requests.length} answered`));
        },
      });
      return `${rows} rows kept, ${rejected} rejected,`;
    },
  };
}

/** @throws {ConfigError} where flags are missing, or have no effect beside others. */
function check({ flags, lists }: Arguments): void {
  const { seeds, out, endpoint } = flags;
  if ((seeds === undefined) === (flags["answer-only"] === undefined) || out === undefined) {
    throw new ConfigError(`Wanted --out and one of --seeds and --answer-only: ${COMMAND.usage}`);
  }
  const given = { ...flags, ...lists };
  const absent = [
    seeds === undefined ? "--seeds" : "--answer-only",
    endpoint === undefined ? "--endpoint" : "a model at hand",
  ];
  for (const needed of absent) {
    const stray = ONLY[needed]!.find((name) => Object.hasOwn(given, name));
    if (stray) throw new ConfigError(`Found --${stray}, wanted it with ${needed} only`);
  }
  const [template] = ["template", "date"].filter((name) => endpoint && flags[name] !== undefined);
  if (template) throw new ConfigError(`Found --${template} beside --endpoint, which has its own`);
}

/** A step of a run as who waits reads it. */
const stepWords = (step: string): string => {
  const [round, what] = step.split("/");
  return round === "answer"
    ? `rows from ${TOGETHER * Number(what) + 1} on`
    : `round ${Number(round) + 1}, ${what}`;
};
