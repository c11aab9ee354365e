import assert from "node:assert/strict";
import { join } from "node:path";
import { parseRewards } from "../../src/config/parse_rewards.ts";
import { ALONE } from "../../src/rewards/function/mod.ts";
import { openReward } from "../../src/rewards/mod.ts";
import { withFiles } from "../data/toy.ts";

const ANSWERS = ["a", "bbb", "cc"].map((completion, n) => ({
  prompt: "q",
  completion,
  row: { n },
  origin: `rows.jsonl:${n + 1}`,
}));

/** What the function of a file gives three answers, twice; or what is said of it. */
async function scoresBy(source: string, timeout = 60): Promise<unknown> {
  let found: unknown;
  await withFiles({ "mine.ts": source }, async (folder) => {
    try {
      const entries = [{ kind: "function", path: "mine.ts", timeout }];
      const reward = await openReward(parseRewards(entries, folder));
      try {
        found = [await reward.score(ANSWERS), await reward.score(ANSWERS.slice(1))];
      } finally {
        await reward.close();
      }
    } catch (fault) {
      found = (fault as Error).message.replaceAll(join(folder, "mine.ts"), "mine.ts");
    }
  });
  return found;
}

Deno.test("a function of a file scores answers, one by one or at once", async () => {
  const one = `interface Row { n: number }
    export default (prompt: string, completion: string, row: Row): number =>
      prompt.length + 10 * completion.length + 100 * row.n;`;
  assert.deepEqual(await scoresBy(one), [[11, 131, 221], [131, 221]]);
  const all = `export function batch(answers: { completion: string }[]): number[] {
      const longest = Math.max(...answers.map(({ completion }) => completion.length));
      return answers.map(({ completion }) => completion.length / longest);
    }`;
  assert.deepEqual(await scoresBy(all), [[1 / 3, 1, 2 / 3], [1, 2 / 3]]);
});

Deno.test("a function that gives no number is told of with its row", async (t) => {
  const throwing = `// a comment
export default (prompt, completion) => {
  if (completion === "bbb") throw new Error("no idea\\nat all");
  return 1;
};`;
  const cases: Record<string, [source: string, words: string]> = {
    throws: [
      throwing,
      'rows.jsonl:2: the reward mine.ts threw "Error: no idea" in its line 3, wanted a finite number',
    ],
    "never ends": [
      `export default (p, c) => { while (c === "cc"); return 1; };`,
      "rows.jsonl:3: the reward mine.ts did not end within 0.2 s, wanted a finite number",
    ],
    "gives NaN": [
      `export default (p, c) => c === "bbb" ? NaN : 1;`,
      "rows.jsonl:2: the reward mine.ts gave NaN, wanted a finite number",
    ],
    "gives text": [
      `export default () => "1";`,
      "rows.jsonl:1: the reward mine.ts gave a string, wanted a finite number",
    ],
    "gives a promise": [
      `export default async () => 1;`,
      "rows.jsonl:1: the reward mine.ts gave a promise, wanted a finite number",
    ],
    "gives too few": [
      `export const batch = (answers) => answers.slice(1).map(() => 1);`,
      "rows.jsonl:1: found 2 numbers of the reward mine for 3 answers from there on, wanted one each",
    ],
    "gives no list": [
      `export const batch = () => 1;`,
      "rows.jsonl:1: the reward mine.ts gave 1 in place of a list, wanted a finite number",
    ],
    "gives a list with a hole": [
      `export const batch = () => [1, , 3];`,
      "rows.jsonl:2: the reward mine.ts gave undefined, wanted a finite number",
    ],
  };
  for (const [name, [source, words]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const limit = name === "never ends" ? 0.2 : 60;
      assert.equal(await scoresBy(source, limit), words);
    });
  }
});

Deno.test("a file that is no reward is refused when it is opened", async () => {
  const refused = async (source: string, words: RegExp) =>
    assert.match(String(await scoresBy(source, source.includes("while") ? 0.2 : 60)), words);
  const use = "^Cannot use mine\\.ts as a reward: it";
  await refused(
    "const x = 1;",
    new RegExp(`${use} has neither of the functions default and batch`),
  );
  await refused(
    "export default () => 1; export const batch = () => [];",
    new RegExp(`${use} has both of the functions`),
  );
  await refused("export default () => ;", new RegExp(`${use} is no TypeScript whose types`));
  await refused(
    'import fs from "node:fs"; export default () => 1;',
    new RegExp(`${use} imports node:fs, wanted a file that stands alone$`),
  );
  await refused("while (true);", new RegExp(`${use} did not end within 0\\.2 s$`));
  await refused("null.x; export default () => 1;", new RegExp(`${use} threw "TypeError`));
});

/** Ways to reach what the function is not given. */
const REACHES = [
  "globalThis",
  'new Function("return this")()',
  '(() => { try { (function f() { f(); })(); } catch (e) { return e.constructor.constructor("return globalThis")(); } })()',
  '((e) => e.constructor.constructor("return globalThis")())(await import("npm:left-pad@1.3.0").then(() => 0, (e) => e))',
  "this?.constructor.constructor('return globalThis')()",
];

Deno.test("a function has the objects of the language, and no module", async () => {
  const tried = REACHES.map((reach) => `(${reach} ?? {})`).join(", ");
  const names =
    '["Deno", "process", "fetch", "Worker", "WebSocket", "caches", "navigator", "require"]';
  const source = `
    const found = [${tried}].flatMap((world) => ${names}.filter((name) => name in world));
    let imported = 0;
    for (const name of ["node:fs", "npm:left-pad@1.3.0", "data:text/javascript,", "file:///etc/hostname"]) {
      await import(name).then(() => imported++, () => {});
      await eval("import(name)").then(() => imported++, () => {});
    }
    export default () => { if (found.length + imported > 0) throw found + imported; return 1; };`;
  assert.deepEqual(await scoresBy(source), [[1, 1, 1], [1, 1]]);
});

/** What a thread of rewards may not do, were it to reach Deno. */
const ATTEMPTS = {
  "a file": 'Deno.readTextFileSync("deno.json")',
  "a file of node": '(await import("node:fs")).readFileSync("deno.json")',
  "a file as a module": 'await import(here, { with: { type: "json" } })',
  "a variable": 'Deno.env.get("HOME")',
  "a variable of node": "process.env.HOME",
  "a request": 'await fetch("http://127.0.0.1:8000/")',
  "a connection": 'await Deno.connect({ hostname: "127.0.0.1", port: 9 })',
  "a port": "Deno.listen({ port: 0 })",
  "a process": 'new Deno.Command("true").outputSync()',
  "a library": 'Deno.dlopen("libc.so.6", {})',
  "a written file": 'Deno.writeTextFileSync("/tmp/planted", "")',
  "a thread with more":
    'new Worker("data:,", { type: "module", deno: { permissions: { read: true } } })',
};

Deno.test("the thread of a function may touch nothing", async (t) => {
  const here = new URL("../../deno.json", import.meta.url).href;
  for (const [name, attempt] of Object.entries(ATTEMPTS)) {
    await t.step(name, async () => {
      const source = `const here = ${JSON.stringify(here)};
        try { ${attempt}; postMessage("done"); } catch (fault) { postMessage(String(fault)); }`;
      const worker = new Worker(`data:text/javascript,${encodeURIComponent(source)}`, ALONE);
      const said = await new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
      worker.terminate();
      assert.match(String(said), /NotCapable|Requires read access/);
    });
  }
});
