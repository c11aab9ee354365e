/**
 * `deno task sample`: draws several answers to each row, scores them and keeps the good ones as rows.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { parseRewards } from "../config/parse_rewards.ts";
import { readConfigFile } from "../config/mod.ts";
import { type FiledRequest, hasTemplate, readRequests, rowTokenizer } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import type { OpenModel } from "../inference/open.ts";
import { writeJson } from "../io/files.ts";
import { didYouMean } from "../io/nearest.ts";
import { within } from "../progress.ts";
import { openReward, type RewardConfig } from "../rewards/mod.ts";
import { type Choice, type Keep, KEEPS } from "../rewards/sampling/choose.ts";
import { sampleRows, type SamplingSummary, TOGETHER } from "../rewards/sampling/sample.ts";
import { ScoreJournal } from "../rewards/sampling/scores.ts";
import { checkRequests } from "../self_instruct/answers.ts";
import { RunFolder } from "../self_instruct/folder.ts";
import type { Writer } from "../self_instruct/writers/writer.ts";
import { openTuned } from "../tune/cache.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { numberOf } from "./lib/number.ts";
import { SAMPLING_FLAGS, samplingOf, suggestionOf } from "./lib/sampling.ts";
import { answer, dim, say } from "./lib/term.ts";
import {
  dayOfRun,
  hashOf,
  KEY,
  nameOf,
  templateOf,
  withWriter,
  WRITER_FLAGS,
} from "./lib/writers.ts";

const COMMAND: Command = {
  usage: "sample MODEL --data FILE --rewards REWARD... --out DIR [--keep best|all|pairs]",
  summary: [
    "Draws several answers to each row, scores them by rewards (docs/rewards.md) and keeps the good",
    "ones as rows to train on: the best of each, all from --above on, or the best beside the worst as",
    "chosen and rejected. DIR gets rows.jsonl, summary.json, all answers and their scores; the same",
    "command goes on where it was stopped. With --endpoint, MODEL is the name that it knows the model",
    `by, and its key is taken from ${KEY} in the environment.`,
  ].join("\n"),
  flags: {
    data: {
      type: "string",
      help: "rows with prompt, messages, instruction or question, and the columns of rewards",
    },
    rewards: {
      type: "string",
      many: true,
      help: "names of metrics with commas, TypeScript with a function, a config with rewards, or " +
        "JSON; may be given again",
    },
    out: { type: "string", help: "folder of the run" },
    answers: { type: "string", help: "answers to each row; 4" },
    keep: { type: "string", help: "best, all (from --above on) or pairs; best" },
    above: { type: "string", help: "least reward of what is kept or chosen; any by default" },
    margin: { type: "string", help: "least difference of rewards of a pair; more than 0 always" },
    ...WRITER_FLAGS,
    "max-tokens": { type: "string", help: "most tokens of an answer; 256" },
    ...SAMPLING_FLAGS,
    temperature: {
      type: "string",
      help: "as generation_config.json has it by default, else 1",
    },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** Flags that are heeded by one of the two that answer. */
const ONLY = {
  endpoint: ["timeout", "parallel"],
  model: ["adapter", "quantize", "context", "template", "date"],
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { flags, lists } = parsed;
  check(parsed);
  const rewards = (lists["rewards"] ?? []).flatMap(rewardsOf);
  const data = flags["data"]!;
  const requests: FiledRequest[] = await Array.fromAsync(readRequests(data));
  checkRequests(requests, data);
  const plan = planOf(parsed);
  using folder = new RunFolder(flags["out"]!, settingsOf(parsed, rewards, plan), ["rows"]);
  const slots = Math.max(TOGETHER, plan.answers);
  const summary = await withWriter(parsed, slots, (writer, open) => {
    const given = { parsed, plan, rewards, requests, folder, writer, open };
    return sampleInto(given);
  });
  folder.finish();
  writeJson(join(folder.path, "summary.json"), summary);
  if (flags["json"]) answer(JSON.stringify(summary));
  else for (const line of linesOf(summary)) answer(line);
  say(dim(`${summary.kept} rows in ${join(folder.path, "rows.jsonl")}`));
  return 0;
}

/** What is drawn and kept. */
interface Plan {
  readonly answers: number;
  readonly choice: Choice;
  readonly maxTokens: number;
  readonly sampling: ReturnType<typeof samplingOf>;
}

/** A run that is ready to begin. */
interface Given {
  readonly parsed: Arguments;
  readonly plan: Plan;
  readonly rewards: readonly RewardConfig[];
  readonly requests: readonly FiledRequest[];
  readonly folder: RunFolder;
  readonly writer: Writer;
  readonly open: OpenModel | null;
}

async function sampleInto(given: Given): Promise<SamplingSummary> {
  const { parsed, plan, rewards, requests, folder, writer, open } = given;
  const { positionals: [place], flags } = parsed;
  const { seed, stopStrings: stop, ...asked } = plan.sampling;
  const needsDevice = rewards.some(({ kind }) => kind === "model");
  using own = needsDevice && !open ? await openTuned({}, say) : null;
  const device = open?.engine.device ?? own;
  const reward = await openReward(rewards, {
    ...(device && { device }),
    say: (line) => say(dim(line)),
  });
  const template = templateOf(flags);
  const { system } = flags;
  try {
    return await sampleRows({
      ...{ requests, reward, answers: plan.answers, choice: plan.choice },
      askedIn: {
        hasChats: open === null || hasTemplate(rowTokenizer(open.model)),
        ...(template !== undefined && { template }),
        ...(system !== undefined && { system }),
      },
      model: nameOf(place!, flags),
      sampling: {
        ...{ ...asked, ...(open && suggestionOf(open.model, parsed)) },
        ...{ maxTokens: plan.maxTokens, stop },
      },
      ask: (step, ...asked) =>
        within("rows answered", () => folder.journal.ask(writer, seed, step, ...asked)),
      scores: new ScoreJournal(join(folder.path, "scores.jsonl")),
      add: folder.add.bind(folder),
      onAnswered: (count) => {
        folder.flush();
        if (!folder.journal.isReplaying) say(dim(`${count} of ${requests.length} rows answered`));
      },
    });
  } finally {
    await reward.close();
  }
}

/** The rewards that a word of the command line stands for. */
function rewardsOf(word: string): readonly RewardConfig[] {
  if (/^\s*[[{]/.test(word)) return parseRewards([jsonOf(word)].flat(), ".");
  if (/\.[mc]?[jt]s$/.test(word)) return parseRewards([{ kind: "function", path: word }], ".");
  if (/\.(jsonc?|ya?ml)$/.test(word)) {
    return parseRewards(readConfigFile(word)["rewards"], dirname(word));
  }
  return parseRewards(word.split(","), ".");
}

function jsonOf(word: string): unknown {
  try {
    return JSON.parse(word);
  } catch (fault) {
    throw new ConfigError(`Found --rewards ${word}, wanted JSON (${(fault as Error).message})`);
  }
}

function planOf(parsed: Arguments): Plan {
  const { flags } = parsed;
  const keep = flags["keep"] ?? KEEPS[0];
  if (!KEEPS.includes(keep as Keep)) {
    throw new ConfigError(
      `Found --keep ${keep}, wanted one of ${KEEPS.join(", ")}${didYouMean(keep, KEEPS)}`,
    );
  }
  if (keep === "all" && flags["above"] === undefined) {
    throw new ConfigError("Found --keep all without --above, wanted the least reward that is kept");
  }
  if (keep !== "pairs" && flags["margin"] !== undefined) {
    throw new ConfigError(`Found --margin beside --keep ${keep}, wanted it with --keep pairs only`);
  }
  const sampling = samplingOf(parsed);
  return {
    answers: numberOf(flags, "answers", 4, { least: keep === "pairs" ? 2 : 1, whole: true }),
    choice: {
      keep: keep as Keep,
      margin: numberOf(flags, "margin", 0, { least: 0 }),
      ...(flags["above"] !== undefined &&
        { above: numberOf(flags, "above", 0, { least: -Infinity }) }),
    },
    maxTokens: numberOf(flags, "max-tokens", 256, { least: 1, whole: true }),
    sampling: flags["temperature"] === undefined ? { ...sampling, temperature: 1 } : sampling,
  };
}

/** All that decides what comes of a run. */
function settingsOf(
  { positionals: [model], flags }: Arguments,
  rewards: readonly RewardConfig[],
  { answers, choice, maxTokens, sampling }: Plan,
): Readonly<Record<string, unknown>> {
  const files = rewards.flatMap((reward) =>
    reward.kind === "function"
      ? [hashOf(reward.path)]
      : reward.kind === "json_schema"
      ? [hashOf(reward.schema)]
      : []
  );
  const named = ["endpoint", "adapter", "quantize", "context", "template", "system"];
  return {
    ...{ model, data: hashOf(flags["data"]!), date: dayOfRun(flags) },
    ...{ rewards, files, answers, ...choice, maxTokens, ...sampling },
    drawn: ["temperature", "top-k", "top-p", "min-p"].filter((name) => flags[name] !== undefined),
    ...Object.fromEntries(
      named.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]),
    ),
  };
}

/** @throws {ConfigError} where flags are missing, or have no effect beside others. */
function check({ flags, lists }: Arguments): void {
  const { data, out, endpoint } = flags;
  if (data === undefined || out === undefined || lists["rewards"] === undefined) {
    throw new ConfigError(`Wanted --data, --rewards and --out: ${COMMAND.usage}`);
  }
  const [absent, needed] = endpoint === undefined
    ? [ONLY.endpoint, "--endpoint"]
    : [ONLY.model, "a model at hand"];
  const stray = absent.find((name) => flags[name] !== undefined);
  if (stray) throw new ConfigError(`Found --${stray}, wanted it with ${needed} only`);
}

function linesOf(summary: SamplingSummary): string[] {
  const { rows, answers, kept, reward_mean: mean, reward_best: best, parts } = summary;
  const number = (value: number | null) => value === null ? "none" : value.toFixed(4);
  const left = (["cut_off", "empty", "refused", "repeated", "tied", "unanswered"] as const)
    .flatMap((name) => summary[name] === 0 ? [] : [`${summary[name]} ${name.replace("_", " ")}`]);
  const each = Object.entries(parts).map(([name, value]) => `${name} ${number(value)}`);
  return [
    `${rows} rows, ${answers} answers${left.length > 0 ? `, of them ${left.join(", ")}` : ""}`,
    `reward ${number(mean)} on average, ${number(best)} of the best` +
    (each.length > 1 ? ` (${each.join(", ")})` : ""),
    `${kept} rows kept`,
  ];
}
