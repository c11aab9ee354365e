/**
 * Does what README.md and docs/ say, as a newcomer would: in a fresh clone, with an empty HOME.
 * Compares what the quickstart prints with what README shows of it, and runs the other commands, page
 * by page, on small inputs. What is not run has its reason in `documents/stand_ins.ts`.
 *
 *     deno task readme [--only-small] [README.md docs/chat.md ...]     # without the quickstart itself
 *
 * @module
 */
import { commandsOf, hasWords, isShown, quickstartLines } from "./documents/commands.ts";
import { Newcomer } from "./documents/newcomer.ts";
import { inputsOf, NOT_RUN, PREPARED, SHOWN, standIn } from "./documents/stand_ins.ts";

const QUICKSTART = "./run train";
/** How far numbers of the quickstart may be from those that README shows. */
const SHARE = 0.05;

/** Those that make what others name come first, as README has its pages in the order of their use. */
const makes = (line: string): number => /train .*rows\.jsonl|task merge /.test(line) ? 0 : 1;

/** Where a command writes; a newcomer has nothing there yet. */
function outOf(newcomer: Newcomer, line: string): string | undefined {
  const out = /--out (\S+)/.exec(line)?.[1];
  if (out !== undefined) return out;
  if (line.startsWith("deno task init")) return "train.yaml";
  if (!line.startsWith("deno task train")) return undefined;
  const [, config] = /train ([^-\s]\S*\.\w+)/.exec(line) ?? [];
  const named = config && /\bout"?: *"?([^\s",]+)/.exec(newcomer.read(config))?.[1];
  return named ?? "runs/train";
}

/** Runs the commands of a page; returns what is wrong. */
async function follow(newcomer: Newcomer, page: string): Promise<string[]> {
  const text = newcomer.read(page);
  const wrong: string[] = [];
  const shown = SHOWN.filter((one) => one.page === page);
  const notPrinted = new Set(shown);
  for (const one of shown) if (!text.includes(one.line)) wrong.push(`${page}: no ${one.line}`);
  const lines = commandsOf(text).filter((line) => line !== QUICKSTART)
    .map((line) => standIn(page, line));
  for (const line of page === "README.md" ? lines.toSorted((a, b) => makes(a) - makes(b)) : lines) {
    const reason = NOT_RUN.find(([begin]) => begin.test(line))?.[1];
    if (reason) {
      console.log(`not run (${reason})  ${page}: ${line}`);
      continue;
    }
    const out = outOf(newcomer, line);
    if (out !== undefined) newcomer.remove(out);
    const { printed, code, isFine, seconds } = await newcomer.run(line);
    console.log(`${isFine ? "fine" : "FAILED"}  ${page}: ${line}  ${seconds.toFixed(0)} s`);
    if (!isFine) {
      wrong.push(`${page}: ${line}: exit ${code}`);
      console.log(printed.slice(-600));
    }
    for (const one of shown) {
      if (line.startsWith(one.command) && hasWords(one.line, printed)) notPrinted.delete(one);
    }
  }
  return [...wrong, ...[...notPrinted].map(({ line }) => `${page}: nothing prints: ${line}`)];
}

/** The quickstart itself, against what README shows of it. */
async function quickstart(newcomer: Newcomer): Promise<string[]> {
  const { printed, code, seconds } = await newcomer.run(QUICKSTART);
  console.log(`${QUICKSTART}: exit ${code}, ${Math.round(seconds)} s`);
  if (code !== 0) return [`${QUICKSTART}: ${printed.slice(-2000)}`];
  return quickstartLines(newcomer.read("README.md"))
    .filter((line) => !isShown(line, printed, SHARE))
    .map((line) => `${QUICKSTART} does not print: ${line}`);
}

const named = Deno.args.filter((word) => !word.startsWith("--"));
const docs = [...Deno.readDirSync(new URL("../docs/", import.meta.url))]
  .flatMap(({ name }) => name.endsWith(".md") ? [`docs/${name}`] : []).sort();
const wrong: string[] = [];
{
  using newcomer = new Newcomer();
  if (!Deno.args.includes("--only-small")) wrong.push(...await quickstart(newcomer));
  for (const [name, text] of Object.entries(inputsOf((path) => newcomer.read(path)))) {
    newcomer.write(name, text);
  }
  for (const line of PREPARED) {
    const { printed, code } = await newcomer.run(line);
    if (code !== 0) wrong.push(`${line}: exit ${code}: ${printed.slice(-600)}`);
  }
  for (const page of named.length > 0 ? named : ["README.md", ...docs]) {
    wrong.push(...await follow(newcomer, page));
  }
}
for (const line of wrong) console.error(line);
Deno.exit(wrong.length === 0 ? 0 : 1);
