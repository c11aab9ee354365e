/**
 * `deno task inspect`: shows rows as the model will see them, and what is wrong with them.
 *
 * @module
 */
import { type Example, inspectExamples, type Inspection, runsOf } from "../data/mod.ts";
import type { Tokenizer } from "../io/tokenizer.ts";
import { Model } from "../models/model.ts";
import { encoderOf, loadRows } from "../train/setup.ts";
import { type Command, parseArguments } from "./args.ts";
import { fetchFolder } from "./hub.ts";
import { numberOf } from "./number.ts";
import { answer, say } from "./term.ts";
import { configOf } from "./train.ts";

const COMMAND: Command = {
  usage: "inspect [CONFIG.json] [--section.key value]...",
  summary: "Shows training rows token by token with their mask, and counts what is wrong.",
  flags: {
    rows: { type: "string", help: "how many rows to show, spread over the data; 3 by default" },
    json: { type: "boolean", help: "print the counts as one JSON object" },
  },
  positionals: [0, 1],
  config: true,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const count = numberOf(parsed.flags, "rows", 3, { least: 0, whole: true });
  const { config } = configOf(parsed);
  using model = new Model(await fetchFolder(config.model, "model"));
  const { examples } = await loadRows(model, config.data, config.train, say);
  const inspection = inspectExamples(examples, encoderOf(model));
  if (parsed.flags["json"]) {
    answer(JSON.stringify(inspection));
    return 0;
  }
  for (const example of spread(examples, count)) showExample(example, model.tokenizer);
  for (const line of summary(inspection)) answer(line);
  return 0;
}

/** Some of the examples, at even distances. */
function spread(examples: readonly Example[], count: number): Example[] {
  const shown = Math.min(count, examples.length);
  return Array.from(
    { length: shown },
    (_, i) => examples[Math.floor(i * examples.length / shown)]!,
  );
}

/** One line a run of tokens of one kind, `|` between tokens. */
function showExample(example: Example, tokenizer: Tokenizer): void {
  answer(`${example.origin}: ${example.ids.length} tokens`);
  const texts = tokenTexts([...example.ids], tokenizer);
  for (const { supervised, from, to } of runsOf(example)) {
    const line = texts.slice(from, to).join("|").replaceAll("\n", "\\n");
    answer(
      `  ${supervised ? paint(32, "learn ") : paint(2, "prompt")}  ${
        paint(supervised ? 32 : 2, line)
      }`,
    );
  }
  answer("");
}

/** What each token adds to the text: alone, many tokenizers drop its leading space. */
function tokenTexts(ids: number[], tokenizer: Tokenizer): string[] {
  let shown = "";
  return ids.map((_, i) => {
    const text = tokenizer.decode(ids.slice(0, i + 1), { skipSpecial: false });
    const added = text.startsWith(shown) ? text.slice(shown.length) : text;
    shown = text;
    return added;
  });
}

function paint(code: number, text: string): string {
  return Deno.stdout.isTerminal() && !Deno.noColor ? `\x1b[${code}m${text}\x1b[0m` : text;
}

function summary({ examples, tokens, supervised, lengths, faults }: Inspection): string[] {
  const share = (100 * supervised / tokens).toFixed(1);
  const { p50, p90, p99, longest } = lengths;
  const found = Object.entries({
    "begin with BOS twice": faults.doubleBos,
    "have no end token to learn": faults.neverEnds,
    "have nothing to learn": faults.unsupervised,
    "are there twice": faults.duplicates,
  }).filter(([, count]) => count > 0);
  return [
    `rows      ${examples}`,
    `tokens    ${tokens}, of which ${supervised} (${share} %) are learned`,
    `lengths   ${p50} (half), ${p90} (90 %), ${p99} (99 %), ${longest} (longest)`,
    ...(found.length === 0 ? ["faults    none found"] : []),
    ...found.map(([what, count]) => `fault     ${count} rows ${what}`),
  ];
}
