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
import { childrenSeconds, Newcomer, type Ran } from "./documents/newcomer.ts";
import { inputsOf, NOT_RUN, PREPARED, standIn } from "./documents/stand_ins.ts";
import { SHOWN, type Shown } from "./documents/shown.ts";

const QUICKSTART = "./run train";
/** What it leaves. */
const ADAPTER = "runs/quickstart-adapter";
/** How far numbers of the quickstart may be from those that README shows. */
const SHARE = 0.05;

/** What came of all. */
const tally = {
  began: performance.now(),
  fine: 0,
  notRun: new Map<string, number>(),
  lines: 0,
  wrong: [] as string[],
};
/** Lines of documents that nothing has printed yet. */
const awaited = new Set<Shown>(SHOWN);

/** Those that make what others name come first, as README has its pages in the order of their use. */
const makes = (line: string): number => /train .*rows\.jsonl|task merge /.test(line) ? 0 : 1;

/** Where a command writes; a newcomer has nothing there yet. */
function outOf(newcomer: Newcomer, line: string): string | undefined {
  const out = /--out (\S+)/.exec(line)?.[1];
  if (out !== undefined) return out;
  if (line.startsWith("deno task init")) return "train.yaml";
  if (!line.startsWith("deno task train") || line.includes(" --print-")) return undefined;
  const [, config] = /train ([^-\s]\S*\.\w+)/.exec(line) ?? [];
  const named = config && /\bout"?: *"?([^\s",]+)/.exec(newcomer.read(config))?.[1];
  return named ?? "runs/train";
}

/** Why a command is not run, if it is not. */
function reasonAgainst(newcomer: Newcomer, line: string): string | undefined {
  const [, reason, program] = NOT_RUN.find(([begin]) => begin.test(line)) ?? [];
  if (reason && !(program && newcomer.has(program))) return reason;
  return line.includes(ADAPTER) && !newcomer.holds(ADAPTER) ? "quickstart" : undefined;
}

/** The commands of a page as they are run, in order, those who ask a server with its own. */
function linesOf(newcomer: Newcomer, page: string): { line: string; asking: string[] }[] {
  const lines = commandsOf(newcomer.read(page)).filter((line) => line !== QUICKSTART)
    .map((line) => standIn(page, line));
  const ordered = page === "README.md" ? lines.toSorted((a, b) => makes(a) - makes(b)) : lines;
  const taken: { line: string; asking: string[] }[] = [];
  for (const line of ordered) {
    if (line.startsWith("curl ") && newcomer.has("curl")) taken.at(-1)!.asking.push(line);
    else taken.push({ line, asking: [] });
  }
  return taken;
}

/** Says how a command has ended, and looks for the lines that documents show of it. */
function judge(page: string, { line, printed, code, isFine, seconds, cpuSeconds }: Ran): void {
  const took = `${seconds.toFixed(0)} s, ${cpuSeconds.toFixed(1)} CPU s`;
  console.log(`${isFine ? "fine" : "FAILED"}  ${page}: ${line}  ${took}`);
  if (isFine) tally.fine++;
  else {
    tally.wrong.push(`${page}: ${line}: exit ${code}`);
    console.log(printed.slice(-600));
  }
  for (const one of awaited) {
    if (!line.startsWith(one.command)) continue;
    const { share } = one;
    const isThere = share === undefined ? hasWords : (a: string, b: string) => isShown(a, b, share);
    if (isThere(one.line, printed)) awaited.delete(one);
  }
}

/** Runs the commands of a page. */
async function follow(newcomer: Newcomer, page: string): Promise<void> {
  const text = newcomer.read(page);
  for (const { line, asking } of linesOf(newcomer, page)) {
    const reason = reasonAgainst(newcomer, line);
    if (reason) {
      console.log(`not run (${reason})  ${page}: ${line}`);
      tally.notRun.set(reason, (tally.notRun.get(reason) ?? 0) + 1);
      continue;
    }
    const out = outOf(newcomer, line);
    if (out !== undefined) newcomer.remove(out);
    for (const ran of await newcomer.run(line, asking)) judge(page, ran);
  }
  const shown = SHOWN.filter((one) => one.page === page)
    .filter(({ command }) => reasonAgainst(newcomer, command) === undefined);
  tally.lines += shown.length;
  for (const one of shown) {
    if (!text.includes(one.line)) tally.wrong.push(`${page}: no ${one.line}`);
    else if (awaited.has(one)) tally.wrong.push(`${page}: nothing prints: ${one.line}`);
  }
}

/** The quickstart itself, against what README shows of it. */
async function quickstart(newcomer: Newcomer): Promise<void> {
  const [ran] = await newcomer.run(QUICKSTART);
  judge("README.md", ran!);
  const lines = quickstartLines(newcomer.read("README.md"));
  tally.lines += lines.length;
  for (const line of lines) {
    if (!isShown(line, ran!.printed, SHARE)) {
      tally.wrong.push(`${QUICKSTART} does not print: ${line}`);
    }
  }
}

/** Everything in one sentence. */
function summary(): string {
  const { began, fine, notRun, lines, wrong } = tally;
  const reasons = [...notRun].map(([reason, count]) => `${reason} ${count}`).join(", ");
  const skipped = notRun.values().reduce((sum, count) => sum + count, 0);
  const minutes = (performance.now() - began) / 60_000;
  return `${fine} commands ended well, ${skipped} not run (${reasons}), ${lines} lines compared, ` +
    `${wrong.length} faults; ${minutes.toFixed(1)} min, ${childrenSeconds().toFixed(0)} CPU s, ` +
    `load ${Deno.loadavg()[0]!.toFixed(1)}`;
}

const named = Deno.args.filter((word) => !word.startsWith("--"));
const docs = [...Deno.readDirSync(new URL("../docs/", import.meta.url))]
  .flatMap(({ name }) => name.endsWith(".md") ? [`docs/${name}`] : []).sort();
{
  using newcomer = new Newcomer();
  if (!Deno.args.includes("--only-small")) await quickstart(newcomer);
  for (const [name, text] of Object.entries(inputsOf((path) => newcomer.read(path)))) {
    newcomer.write(name, text);
  }
  for (const line of PREPARED) judge("prepared", (await newcomer.run(line))[0]!);
  for (const page of named.length > 0 ? named : ["README.md", ...docs]) {
    await follow(newcomer, page);
  }
}
for (const line of tally.wrong) console.error(line);
console.log(summary());
Deno.exit(tally.wrong.length === 0 ? 0 : 1);
