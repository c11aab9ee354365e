import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { type DataEntry, type Document, readDocuments } from "../../../src/data/mod.ts";
import { RowRng } from "../../../src/rows/row_rng.ts";
import { readFlan } from "../../../src/rows/prompts/patterns.ts";
import { readPrompts } from "../../../src/rows/prompts/mod.ts";
import { withFiles } from "../../data/toy.ts";

const shared = new URL("../../../../shared/data/", import.meta.url);
const hasShared = await Deno.stat(shared).then(() => true, () => false);
const sharedPath = (path: string) => fileURLToPath(new URL(path, shared));

/** Prompt and answer of each document. */
function pairsOf(documents: readonly Document[]): string[][] {
  return documents.map((document) => {
    assert.ok(document.kind === "spans");
    return document.spans.map(({ text }) => text);
  });
}

/** The documents of rows in a file of their own. */
async function read(rows: readonly unknown[], entry: Partial<DataEntry>): Promise<string[][]> {
  let found: string[][] = [];
  await withFiles(
    { "a.jsonl": rows.map((row) => JSON.stringify(row)).join("\n") },
    async (folder) => {
      found = pairsOf(
        await Array.fromAsync(readDocuments({ path: `${folder}/a.jsonl`, ...entry })),
      );
    },
  );
  return found;
}

Deno.test("patterns: fields, options, answers by label and lists", async () => {
  const rows: [row: unknown, input: string, wanted: string][] = [
    [{ a: "x {b}", b: "y" }, "{a}, {b}!", "x {b}, y!"],
    [{ n: 3, yes: true }, "{n} {yes}", "3 true"],
    [{ options: ["yes", "no"] }, "Q\n{options_}", "Q\nOPTIONS:\n- yes\n- no"],
    [{ options: ["yes", 2] }, "{options_str}", "OPTIONS:\n- yes\n- 2"],
    [{ options: ["yes", "no"], label: 1 }, "{answer}", "no"],
    [{ options: ["yes"], label: 0, answer: "own" }, "{answer}", "own"],
    [{ concepts: ["dog", "run"] }, "{concepts}: {concepts_newline}", "dog, run: dog\nrun"],
  ];
  for (const [row, input, wanted] of rows) {
    const prompts = [{ input, target: "done" }];
    assert.deepEqual(await read([row], { prompts }), [[`${wanted}\n`, "done"]]);
    assert.deepEqual(await read([row], { prompts, template: "verbatim" }), [[wanted, "done"]]);
  }
});

Deno.test("prompts: one is drawn for each row by seed and number, whatever is read before", async () => {
  const rows = Array.from({ length: 400 }, (_, i) => ({ i }));
  const prompts = ["A", "B", "C", "D"].map((name) => ({ input: `${name} {i}`, target: "t" }));
  const drawn = (await read(rows, { prompts })).map(([prompt]) => prompt!);
  assert.deepEqual((await read(rows, { prompts })).map(([prompt]) => prompt), drawn);
  assert.deepEqual(
    (await read(rows.slice(0, 50), { prompts })).map(([p]) => p),
    drawn.slice(0, 50),
  );
  const other = (await read(rows, { prompts, seed: 1 })).map(([prompt]) => prompt!);
  assert.notDeepEqual(other, drawn);
  for (const name of ["A", "B", "C", "D"]) {
    const count = drawn.filter((prompt) => prompt.startsWith(name)).length;
    assert.ok(count > 70 && count < 130, `${name} is drawn ${count} times of 400`);
  }
  assert.deepEqual(drawn.map((prompt) => prompt.slice(2)), rows.map(({ i }) => `${i}\n`));
});

Deno.test("templates: of several one is drawn for each row, for chats one that is for chats", async () => {
  const rows = Array.from({ length: 90 }, () => ({ instruction: "Add.", output: "3" }));
  const own = { prompt: "Q: {instruction} A:", promptInput: "{instruction}{input}" };
  const drawn = await read(rows, { template: ["plain", "verbatim", own] });
  const count = (text: string) => drawn.filter(([prompt]) => prompt === text).length;
  const counts = [count("Add.\n"), count("Add."), count("Q: Add. A:")];
  assert.equal(counts.reduce((a, b) => a + b), 90);
  assert.ok(Math.min(...counts) > 15, `${counts}`);
  const chat = { messages: [{ role: "user", content: "a" }, { role: "assistant", content: "b" }] };
  await withFiles({ "a.json": JSON.stringify(chat) }, async (folder) => {
    const path = `${folder}/a.json`;
    for (let seed = 0; seed < 8; seed++) {
      const entry = { path, template: ["plain", "chatml", "vicuna"], seed };
      const [document] = await Array.fromAsync(readDocuments(entry));
      assert.match(document?.kind === "chat" ? document.template!.name : "", /chatml|vicuna/);
    }
    await assert.rejects(
      Array.fromAsync(readDocuments({ path, template: ["plain"] })),
      ConfigError,
    );
    await assert.rejects(Array.fromAsync(readDocuments({ path, template: [] })), ConfigError);
  });
});

Deno.test("prompts: Jinja written out; what says nothing of a row leaves it to the others", async () => {
  const prompts = [
    { jinja: "{% if ok %}Is {{ a }}? ||| {{ ['yes', 'no'] | choice }}{% endif %}" },
    { input: "{a}", target: "{b}" },
  ];
  const found = await read([{ a: "x", b: "" }, { a: "x", ok: 1, b: " " }, { a: "x", b: "y" }], {
    prompts,
  });
  assert.equal(found.length, 2);
  assert.match(found[0]!.join("|"), /^Is x\?\n\|(yes|no)$/);
  assert.deepEqual(found[1], ["x\n", "y"]);
});

const wrong: [row: unknown, message: RegExp][] = [
  [{ b: 1 }, /a\.jsonl:1: found the fields b, wanted the field a, which a pattern names/],
  [{ a: { x: 1 } }, /a\.jsonl:1: found an object in a, wanted a string/],
  [{ a: ["\ud800"] }, /a\.jsonl:1: found a lone surrogate in a/],
];

Deno.test("prompts: rows and files that do not fit give a sentence", async () => {
  for (const [row, message] of wrong) {
    const found = read([row], { prompts: [{ input: "{a}", target: "b" }] });
    await assert.rejects(found, (error: Error) => {
      assert.match(error.message, message);
      return error instanceof FileError;
    });
  }
  const files = { "f.json": '{"rte": [["{a}", "b"]], "odd": [3], "none": []}', "i.json": "{}" };
  await withFiles(files, async (folder) => {
    const flan = `${folder}/f.json`;
    const prompts = { flan, task: "rte" };
    assert.deepEqual(await read([{ a: "x" }], { prompts }), [["x\n", "b"]]);
    assert.equal(readFlan({ flan, task: "rte" }).length, 1);
    assert.throws(() => readFlan({ flan, task: "rt" }), /found task "rt", .*did you mean "rte"/);
    assert.throws(() => readFlan({ flan, task: "odd" }), /a number as odd\[0\], wanted input/);
    assert.throws(() => readFlan({ flan, task: "none" }), ConfigError);
    assert.throws(() => readPrompts({ instructions: `${folder}/i.json` }), /no list of instruct/);
  });
});

Deno.test({
  name: "shared: all 610 patterns of FLAN fill, the shipped typo of nine as shipped",
  ignore: !hasShared,
  fn: () => {
    const flan = sharedPath("templates/flan_templates.json");
    const tasks = Object.entries(JSON.parse(Deno.readTextFileSync(flan)));
    const fields = new Proxy({} as Record<string, unknown>, {
      has: () => true,
      get: (_, field) => `<${String(field)}>`,
      getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: "" }),
    });
    const contents = tasks.flatMap(([task, list]) => {
      const prompts = readFlan({ flan, task });
      assert.equal(prompts.length, (list as unknown[]).length);
      return prompts.map((prompt) => prompt.read({ fields, origin: task }, new RowRng(0))!);
    });
    assert.deepEqual([tasks.length, contents.length], [61, 610]);
    const texts = contents.map((content) => content.kind === "instruction" && content.instruction);
    assert.ok(texts.every((text) => text && !/[{}]/.test(text)));
    assert.equal(texts.filter((text) => text && text.includes("<hypothesis>n\n")).length, 9);
  },
});

Deno.test({
  name: "shared: instruction induction's pairs under its own annotations",
  ignore: !hasShared,
  fn: async () => {
    const tasks = sharedPath("tasks/instruction_induction/");
    let documents = 0;
    for (const { name } of Deno.readDirSync(`${tasks}annotations`)) {
      const { annotations } = JSON.parse(Deno.readTextFileSync(`${tasks}annotations/${name}`));
      for (const part of ["induce", "execute"]) {
        const prompts = { instructions: `${tasks}annotations/${name}` };
        const entry = { path: `${tasks}raw/${part}/${name}`, prompts, template: "plain" };
        const pairs = pairsOf(await Array.fromAsync(readDocuments(entry)));
        const used = new Set(pairs.map(([prompt]) => prompt!.split("\n")[0]));
        assert.deepEqual([...used].sort(), annotations.map((text: string) => text).sort(), name);
        documents += pairs.length;
      }
    }
    assert.equal(documents, 12 * 500);
  },
});
