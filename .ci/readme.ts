/**
 * Does what README.md says, as a newcomer would: in a fresh clone, with an empty HOME. Compares what
 * the quickstart prints with what README shows of it, and runs the other commands on small inputs.
 *
 *     deno task readme [--only-small]     # without the quickstart itself
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BASE = "configs/quickstart/base";

/** Names in README, and what stands for them here. */
const STANDS_FOR: readonly (readonly [RegExp, string])[] = [
  [/HuggingFaceTB\/SmolLM2-135M-Instruct|\bMODEL\b/g, BASE],
  [/\bCONFIG\b/g, "configs/quickstart/train.json"],
  [/--out DIR\b/g, "--out runs/study"],
];

/** What makes a command small, by its first words; the last that fits is taken. */
const SMALLER: readonly (readonly [string, string])[] = [
  ["train", "--train.steps 4 --guard false --eval.samples 0"],
  ["chat", "--template chatml --max-tokens 8"],
  ["generate", "--max-tokens 8"],
  ["eval", "--max-tokens 8"],
  ["eval merged", ""],
  [`eval ${BASE} --adapter runs/mine --tasks builtin`, "--max-tokens 8 --template chatml"],
  ["push", "--base-model owner/base"],
  ["study", "--only base"],
  ["sweep", "--only none"],
  ["tune", "--seconds 1"],
  ["doctor", "--brief"],
];

/** Commands that go on until they are stopped. */
const SERVERS = ["serve", "watch"];
const ADDRESS = /http:\/\/(127\.0\.0\.1|localhost)/;
/** How long a server may take until it tells its address, ms. */
const PATIENCE = 120_000;

/** A clone of what is committed, and a home that is empty. */
async function newcomer(): Promise<{ clone: string; env: Record<string, string> }> {
  const place = Deno.makeTempDirSync({ prefix: "graft_readme_" });
  const clone = join(place, "graft");
  const { success } = await new Deno.Command("git", { args: ["clone", "-q", ROOT, clone] })
    .output();
  if (!success) throw new Error(`Cannot clone ${ROOT}`);
  const home = join(place, "home");
  Deno.mkdirSync(home);
  const env = { ...Deno.env.toObject(), HOME: home, XDG_RUNTIME_DIR: place };
  for (const name of Object.keys(env)) {
    if (/^(DENO_DIR|XDG_CACHE_HOME|HF_|GRAFT_)/.test(name)) Reflect.deleteProperty(env, name);
  }
  return { clone, env };
}

/** Rows and texts by the names that README gives them. */
function writeInputs(clone: string): void {
  const lines = (name: string, most: number) =>
    Deno.readTextFileSync(join(clone, "configs/quickstart", name)).split("\n").slice(0, most);
  const rows = lines("instructions.jsonl", 64);
  const parsed = rows.map((row) => JSON.parse(row));
  const pairs = parsed.map(({ instruction, input, output }, i) => ({
    prompt: `${instruction} ${input}`,
    chosen: output,
    rejected: `${parsed[(i + 1) % parsed.length].output} No.`,
  }));
  const stories = lines("retention.jsonl", 8).map((line) => JSON.parse(line).text);
  const files = {
    "rows.jsonl": rows.join("\n"),
    "test.jsonl": lines("instructions_test.jsonl", 4).join("\n"),
    "prefs.jsonl": pairs.map((pair) => JSON.stringify(pair)).join("\n"),
    "held_out.txt": stories.join("\n\n"),
  };
  for (const [name, text] of Object.entries(files)) {
    Deno.writeTextFileSync(join(clone, name), `${text}\n`);
  }
}

/** The tasks of README in an order in which each finds what it names. */
function commandsOf(readme: string): string[] {
  const found = [...readme.matchAll(/^ {4}deno task (.+)$/gm)].map(([, line]) => {
    let command = line!.replace(/\s+#.*$/, "");
    for (const [name, place] of STANDS_FOR) command = command.replace(name, place);
    const small = SMALLER.findLast(([words]) => command.startsWith(words));
    return `${command} ${small?.[1] ?? ""}`.trim();
  });
  const makes = (line: string) => /^(train .*rows\.jsonl|merge )/.test(line) ? 0 : 1;
  return found.toSorted((a, b) => makes(a) - makes(b));
}

/** Runs a task; resolves to what it printed, with its exit code. */
async function run(clone: string, env: Record<string, string>, program: string, line: string) {
  const isServer = SERVERS.includes(line.split(" ")[0]!);
  const words = line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ""));
  const child = new Deno.Command(program, {
    args: program === "deno" ? ["task", "-q", ...words] : words,
    cwd: clone,
    env,
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let printed = "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream() as never)) {
      printed += text;
      if (isServer && ADDRESS.test(printed)) stop();
    }
  };
  const stop = () => {
    try {
      child.kill("SIGTERM");
    } catch {
      // It has ended.
    }
  };
  const timer = isServer ? setTimeout(stop, PATIENCE) : undefined;
  const [status] = await Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  clearTimeout(timer);
  const isFine = status.code === 0 || (isServer && ADDRESS.test(printed));
  return { printed, code: status.code, isFine };
}

const NUMBER = /[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;

/** Whether a line of README is one that was printed: the same words, numbers within 5 %. */
function isShown(shown: string, printed: readonly string[]): boolean {
  const words = (line: string) => line.replace(NUMBER, "0").replace(/\s+/g, " ").trim();
  const numbers = (line: string) => (line.match(NUMBER) ?? []).map(Number);
  const [begin] = shown.split("...");
  return printed.some((line) => {
    if (!words(line).startsWith(words(begin!).replace(/[\s0]+$/, ""))) return false;
    const found = numbers(line);
    return numbers(begin!).every((n, i) => Math.abs(n - found[i]!) <= 0.05 * Math.abs(n) + 1e-9);
  });
}

/** The lines that README shows of the quickstart, sentences over several lines as one. */
function shownLines(readme: string): string[] {
  const block = readme.match(/follow instructions:\n\n((?: {4}.*\n)+)/)?.[1];
  if (!block) throw new Error("README.md shows nothing of the quickstart");
  return block.replace(/\n {4}(?=has touched)/, " ").split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
}

const { clone, env } = await newcomer();
const readme = Deno.readTextFileSync(join(clone, "README.md"));
const wrong: string[] = [];
if (!Deno.args.includes("--only-small")) {
  const began = performance.now();
  const { printed, code } = await run(clone, env, "./run", "train");
  console.log(`./run train: exit ${code}, ${Math.round((performance.now() - began) / 1000)} s`);
  if (code !== 0) wrong.push(`./run train: ${printed.slice(-2000)}`);
  const lines = printed.split(/[\n\r]+/);
  wrong.push(
    ...shownLines(readme).filter((line) => !isShown(line, lines))
      .map((line) => `./run train does not print: ${line}`),
  );
}
writeInputs(clone);
for (const line of commandsOf(readme)) {
  const { printed, code, isFine } = await run(clone, env, "deno", line);
  console.log(`${isFine ? "fine" : "FAILED"}  ${line}`);
  if (!isFine) wrong.push(`${line}: exit ${code}: ${printed.slice(-600)}`);
}
for (const line of wrong) console.error(line);
Deno.removeSync(join(clone, ".."), { recursive: true });
Deno.exit(wrong.length === 0 ? 0 : 1);
