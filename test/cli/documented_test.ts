/** What README.md and docs/ tell a reader to type is there to be typed. */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { main } from "../../src/cli/commands.ts";
import { commandsOf } from "../../.ci/documents/commands.ts";
import { SHOWN } from "../../.ci/documents/shown.ts";
import { NOT_RUN, standIn } from "../../.ci/documents/stand_ins.ts";
import tasks from "../../deno.json" with { type: "json" };
import { capture } from "./capture.ts";

const ROOT = new URL("../../", import.meta.url);
/** Flags that every command takes. */
const COMMON = ["help", "debug", "webgpu"];

/** The tasks that a document runs, with their arguments. */
const commandLines = (text: string): string[] =>
  commandsOf(text).flatMap((line) => /^(?:deno task|\.\/run) (.+)$/.exec(line)?.[1] ?? []);

const helps = new Map<string, string>();

/** The command that a task runs. */
function commandOf(task: string): string {
  const run = tasks.tasks[task as keyof typeof tasks.tasks];
  return typeof run === "string" ? run.match(/main\.ts (\S+)/)?.[1] ?? task : task;
}

/** The help of a command, or of a command of `runs`. */
async function helpOf(words: readonly string[]): Promise<string> {
  const [name, second] = [commandOf(words[0]!), words[1]];
  const called = name === "runs" && /^[a-z]+$/.test(second ?? "") ? [name, second!] : [name!];
  const key = called.join(" ");
  if (!helps.has(key)) helps.set(key, (await capture(main, ...called, "--help")).stdout);
  return helps.get(key)!;
}

/** What of a command line does not exist. */
async function unknownIn(line: string): Promise<string[]> {
  const words = line.match(/"[^"]*"|\S+/g)!;
  if (!Object.hasOwn(tasks.tasks, words[0]!)) return [`${line}: no task ${words[0]}`];
  const { tokens } = parseArgs({ args: words.slice(1), strict: false, tokens: true });
  const flags = tokens.flatMap((token) => token.kind === "option" ? [token.name] : []);
  if (flags.length === 0) return [];
  const help = await helpOf(words);
  return flags.filter((flag) => !COMMON.includes(flag))
    .filter((flag) => !new RegExp(`--${flag.replaceAll(".", "\\.")}(?![\\w.])`).test(help))
    .map((flag) => `${line}: no --${flag}`);
}

const documents = [
  "README.md",
  ...[...Deno.readDirSync(new URL("docs/", ROOT))]
    .filter(({ name }) => name.endsWith(".md")).map(({ name }) => `docs/${name}`),
];

for (const path of documents) {
  const lines = commandLines(Deno.readTextFileSync(new URL(path, ROOT)));
  if (lines.length === 0) continue;
  Deno.test(`${path}: tasks and flags of its commands are there`, async () => {
    const unknown = [];
    for (const line of lines) unknown.push(...await unknownIn(line));
    assert.deepEqual(unknown, []);
  });
}

Deno.test("a task, a command and a flag that are not there are found", async () => {
  const text = "    deno task trian x\n    deno task runs best --buy loss   # --by\n" +
    "    deno task train c.json \\\n        --train.lrr 1 --train.lr 1\n";
  const found = [];
  for (const line of commandLines(text)) found.push(...await unknownIn(line));
  assert.deepEqual(found, [
    "trian x: no task trian",
    "runs best --buy loss: no --buy",
    "train c.json --train.lrr 1 --train.lr 1: no --train.lrr",
  ]);
});

Deno.test("what deno task readme does not run, and what it looks for, is in the documents", () => {
  const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));
  const lines = documents.flatMap((path) =>
    commandsOf(read(path)).map((line) => standIn(path, line))
  );
  const stale = NOT_RUN.filter(([begin]) => !lines.some((line) => begin.test(line)));
  assert.deepEqual(stale, []);
  assert.deepEqual(SHOWN.filter(({ page, line }) => !read(page).includes(line)), []);
});
