import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { RowRng } from "../../../src/rows/row_rng.ts";
import {
  type PromptSourceTemplate,
  readPromptSource,
} from "../../../src/rows/prompts/promptsource.ts";
import { loadExamples } from "../../../src/data/mod.ts";
import { toyEncoder, withFiles } from "../../data/toy.ts";
import golden from "./golden.json" with { type: "json" };

const OWN = fileURLToPath(new URL("templates.yaml", import.meta.url));
const shared = new URL("../../../../shared/data/templates/promptsource/", import.meta.url);
const hasShared = await Deno.stat(shared).then(() => true, () => false);

/** Prompt and targets, `choice` taking the k-th item at its k-th call; [""] where nothing is. */
function parts(template: PromptSourceTemplate, fields: Record<string, unknown>): string[] {
  let calls = 0;
  const applied = template.apply({ fields, origin: "rows.jsonl:1" }, (n) => calls++ % n);
  return applied === null ? [""] : [applied.prompt, ...applied.targets];
}

Deno.test("promptsource: every template gives the parts that Python's Jinja gives", () => {
  const templates = readPromptSource({ promptsource: OWN });
  assert.deepEqual(templates.map(({ name }) => name), golden.templates.map(({ name }) => name));
  templates.forEach((template, i) => {
    golden.rows.forEach((row, j) => {
      assert.deepEqual(parts(template, row), golden.templates[i]!.parts[j], template.name);
    });
  });
});

for (const [name, { rows, digests }] of Object.entries(golden.shared)) {
  Deno.test({
    name: `promptsource: ${name}.yaml as shipped, by digest`,
    ignore: !hasShared,
    fn: () => {
      const path = fileURLToPath(new URL(`${name}.yaml`, shared));
      const found = readPromptSource({ promptsource: path }).map((template) => [
        template.name,
        rows.map((row) =>
          // As json.dumps of Python divides the items of a list.
          createHash("sha256").update(
            `[${parts(template, row).map((part) => JSON.stringify(part)).join(", ")}]`,
          ).digest("hex").slice(0, 16)
        ),
      ]);
      assert.deepEqual(Object.fromEntries(found), digests);
    },
  });
}

Deno.test("promptsource: names, metadata and what the first target is", () => {
  const names = (setting = {}) =>
    readPromptSource({ promptsource: OWN, ...setting }).map(({ name }) => name);
  assert.deepEqual(names({ names: ["filters", "choices"] }), ["choices", "filters"]);
  assert.deepEqual(names({ original_task: true }), ["choices", "white space"]);
  assert.deepEqual(names({ original_task: false }), ["only some rows"]);
  assert.throws(() => names({ names: ["filter"] }), /wanted one of .*did you mean "filters"/);
  assert.throws(() => names({ names: ["filters"], original_task: true }), ConfigError);
  const [choices, some] = readPromptSource({ promptsource: OWN });
  assert.deepEqual(choices!.metadata, {
    originalTask: true,
    choicesInPrompt: true,
    metrics: ["Accuracy"],
    languages: ["en"],
  });
  const [first, second] = golden.rows.map((fields) => ({ fields, origin: "rows.jsonl:1" }));
  const content = choices!.read(first!, new RowRng(0, 0));
  assert.ok(content?.kind === "instruction");
  assert.equal(content.answer, "yes");
  assert.notEqual(some!.read(first!, new RowRng(0, 0)), null);
  assert.equal(some!.read(second!, new RowRng(0, 0)), null);
});

Deno.test("promptsource: rows to tokens and mask, the first target learnt", async () => {
  const rows = golden.rows.map((row) => JSON.stringify(row)).join("\n");
  await withFiles({ "rows.jsonl": rows }, async (folder) => {
    const prompts = { promptsource: OWN, names: ["choices"] };
    const entry = { path: `${folder}/rows.jsonl`, prompts };
    const { examples } = await loadExamples(entry, toyEncoder, { maxTokens: 4096 });
    const { parts } = golden.templates.find(({ name }) => name === "choices")!;
    examples.forEach(({ ids, labels }, i) => {
      const [prompt, target] = parts[i]!.map((part) => toyEncoder.encode(part));
      const before = [toyEncoder.bos, ...prompt!, ...toyEncoder.encode("\n")];
      const learnt = [...target!, toyEncoder.eos];
      assert.deepEqual([...ids], [...before, ...learnt]);
      assert.deepEqual([...labels], [...before.map(() => -100), ...learnt]);
    });
    assert.equal(examples.length, 3);
    const only = { promptsource: OWN, names: ["only some rows"] };
    const some = await loadExamples({ ...entry, prompts: only }, toyEncoder, { maxTokens: 4096 });
    assert.deepEqual([some.examples.length, some.noted.empty], [1, 2]);
    const both = loadExamples({ ...entry, format: "text" }, toyEncoder, { maxTokens: 4096 });
    await assert.rejects(both, /Found format text beside prompts, wanted only one/);
  });
});

const wrong: [yaml: string, message: RegExp][] = [
  ["templates:\n  a: [", /a\.yaml:\d: found malformed YAML \(/],
  ["a: 1\n", /a\.yaml: found no templates/],
  ["templates:\n  a: !Template\n    name: x\n", /a template without name or jinja/],
  [
    "templates:\n  a: !Template\n    name: x\n    jinja: '{% if %}'\n",
    /template "x" that cannot be/,
  ],
];
const failing: [jinja: string, message: RegExp][] = [
  ["{{ text }}", /:1: found that template "x" writes no \|\|\|/],
  ["{{ text | shuffle }} ||| a", /:1: found a row that template "x" cannot render \(.*shuffle/],
  ["{{ [] | choice }} ||| a", /nothing to choose from/],
  ["{% for i in range(999999) %}{% endfor %} ||| a", /more than 100000 numbers/],
];

Deno.test("promptsource: faults give a sentence with the file or the row", async () => {
  const read = async (yaml: string, fields: Record<string, unknown> = {}) => {
    await withFiles({ "a.yaml": yaml }, (folder) => {
      const [template] = readPromptSource({ promptsource: `${folder}/a.yaml` });
      return Promise.resolve(void parts(template!, fields));
    });
  };
  const check = (message: RegExp) => (error: Error) => {
    assert.match(error.message, message);
    assert.ok(error instanceof FileError || error instanceof ConfigError, error.stack);
    return !error.message.includes("\n");
  };
  for (const [yaml, message] of wrong) await assert.rejects(read(yaml), check(message));
  for (const [jinja, message] of failing) {
    const yaml = `templates:\n  a: !Template\n    name: x\n    jinja: '${jinja}'\n`;
    await assert.rejects(read(yaml, { text: "a" }), check(message));
    const taken = read(yaml, { answer_choices: "a" });
    await assert.rejects(taken, check(/found the field answer_choices, wanted another name/));
  }
});
