/** Prompts and what answers are taken apart into, beside the published code (make_golden.py). */
import assert from "node:assert/strict";
import {
  branchOf,
  branchPrompt,
  instancesIn,
  instancesPrompt,
} from "../../src/self_instruct/steps/instances.ts";
import {
  drawShown,
  faultOf,
  instructionsIn,
  instructionsPrompt,
  Pool,
} from "../../src/self_instruct/steps/instructions.ts";
import golden from "./golden.json" with { type: "json" };

const pooled = (instructions: readonly string[], name = "seed") =>
  instructions.map((instruction, i) => ({ instruction, name: `${name} ${i}` }));

Deno.test("the prompt for instructions is the published one", () => {
  const { shown, text } = golden.prompt;
  assert.equal(instructionsPrompt(pooled(shown)), text);
});

Deno.test("a prompt shows two made instructions, once there are two, and six of people", () => {
  const seeds = pooled(Array.from({ length: 20 }, (_, i) => `s${i}`));
  const made = pooled(Array.from({ length: 9 }, (_, i) => `m${i}`), "task");
  const count = (many: number, key: [number, number, number]) => {
    const shown = drawShown(seeds, made.slice(0, many), ...key);
    assert.equal(new Set(shown.map(({ name }) => name)).size, 8);
    return shown.filter(({ name }) => name.startsWith("task")).length;
  };
  assert.deepEqual([0, 1, 2, 9].map((many) => count(many, [1, 2, 3])), [0, 1, 2, 2]);
  const names = (...key: [number, number, number]) =>
    drawShown(seeds, made, ...key).map(({ name }) => name);
  assert.deepEqual(names(1, 2, 3), names(1, 2, 3));
  for (const other of [[2, 2, 3], [1, 3, 3], [1, 2, 4]] as [number, number, number][]) {
    assert.notDeepEqual(names(...other), names(1, 2, 3));
  }
  // Not in an order by who made them.
  const places = Array.from(
    { length: 40 },
    (_, i) => names(0, 0, i).findIndex((name) => name.startsWith("task")),
  );
  assert.ok(new Set(places).size > 4);
});

Deno.test("instructions pass that pass the published heuristics, but keep their capitals", () => {
  for (const { text, kept } of golden.instructions) {
    const found = instructionsIn({ text, ended: true })
      .filter(({ reason }) => reason === null).map(({ instruction }) => instruction.toLowerCase());
    assert.deepEqual(found, kept.map((instruction) => instruction.toLowerCase()), text);
  }
  const [paris] = instructionsIn({ text: " write a poem about Paris.", ended: true });
  assert.deepEqual(paris, { instruction: "Write a poem about Paris.", reason: null });
});

Deno.test("every instruction that does not pass has its reason", () => {
  const table: [instruction: string, reason: RegExp | null][] = [
    ["Sort the list below", null],
    ["Sort the list", /^too short: 3 words$/],
    [`Say ${"so ".repeat(149)}`.trim(), null],
    [`Say ${"so ".repeat(150)}`.trim(), /^too long: 151 words$/],
    ["Describe what the Picture shows", /"Picture"/],
    ["Go to the shop and back", /"Go to"/],
    ["Describe your profile in words", null],
    ["Write a Program that adds numbers", /^begins with "Write a program"$/],
    ["(Say) it once more", /punctuation/],
    ["Élève, say it once more", /not English/],
  ];
  for (const [instruction, reason] of table) {
    if (reason === null) assert.equal(faultOf(instruction), null, instruction);
    else assert.match(faultOf(instruction)!, reason);
  }
  const cut = instructionsIn({ text: " Sort the list below.\n10. Count the word", ended: false });
  assert.deepEqual(cut.map(({ reason }) => reason), [null, "cut off: its tokens ran out"]);
  // Of a chat, which may say the number again.
  const [again] = instructionsIn({ text: "9. Sort the list below.", ended: true });
  assert.equal(again!.instruction, "Sort the list below.");
});

Deno.test("a new instruction is compared with all that are kept", () => {
  const pool = new Pool();
  for (const one of pooled(["Sort the list of names.", "Say a word."])) pool.add(one);
  assert.deepEqual(pool.nearest("sort THE names"), { rougeL: 0.75, to: "seed 0" });
  assert.deepEqual(pool.nearest("Nothing alike here"), { rougeL: 0, to: "" });
  pool.add({ instruction: "Nothing is alike here", name: "task 0" });
  assert.equal(pool.nearest("Nothing alike here").to, "task 0");
});

Deno.test("instances are those of the published code", () => {
  for (const branch of ["generation", "classification"] as const) {
    for (const { text, ended, kept } of golden[branch]) {
      const found = instancesIn(branch, { text, ended });
      const passed = "reason" in found ? [] : found.filter(({ reason }) => reason === null)
        .map(({ input, output }) => [input, output]);
      assert.deepEqual(passed.sort(byText), kept.toSorted(byText).slice(0, 5), text);
    }
  }
});

const byText = (a: readonly string[], b: readonly string[]) =>
  JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;

Deno.test("every instance that is dropped has its reason", () => {
  const reasons = (text: string, ended = true) => {
    const found = instancesIn("classification", { text, ended });
    return "reason" in found ? found.reason : found.map(({ reason }) => reason);
  };
  assert.deepEqual(reasons("Class label: a\nx\nClass label: b\ny"), [null, null]);
  assert.deepEqual(reasons("Class label: a\nx\nClass label: b\ny", false), [
    null,
    "cut off: its tokens ran out",
  ]);
  assert.deepEqual(reasons("Class label: a\na"), ["the output is the input"]);
  assert.deepEqual(reasons("Class label:"), ["an empty output"]);
  assert.deepEqual(reasons("Class label: a\nList:"), ["ends with a colon"]);
  const contrary = "one input has several outputs";
  assert.deepEqual(reasons("Class label: a\nx\nClass label: b\nx"), [contrary, contrary]);
  assert.deepEqual(reasons("Class label: a\nx\nClass label: a\nx"), [
    null,
    "the same as an instance before",
  ]);
  const six = Array.from({ length: 7 }, (_, i) => `Class label: a\n${i}`).join("\n");
  assert.deepEqual(reasons(six).slice(4), [null, ...Array(2).fill("more than 5 instances")]);
  assert.equal(reasons("nothing of it"), "found no class label");
  const none = instancesIn("generation", { text: "nothing of it", ended: true });
  assert.deepEqual(none, { reason: "found neither an example nor an output" });
});

Deno.test("prompts show as many examples as fit, and none more than asked", () => {
  const all = { most: Infinity, fits: () => true };
  const count = (text: string) => text.split("\n\nTask: ").length - 2;
  assert.equal(count(branchPrompt("Do it.", all)), 30);
  assert.ok(branchPrompt("Do it.", all).endsWith("\n\nTask: Do it.\nIs it classification?"));
  const text = instancesPrompt("Do it.", "generation", all);
  assert.ok(text.endsWith("\n\nTask: Do it.\n"));
  assert.equal(count(instancesPrompt("Do it.", "generation", { ...all, most: 3 })), 3);
  const short = { most: Infinity, fits: (text: string, most: number) => text.length + most < 2000 };
  const some = count(instancesPrompt("Do it.", "classification", short));
  assert.ok(some > 0 && some < 13);
  assert.equal(count(instancesPrompt("Do it.", "generation", { ...all, fits: () => false })), 0);
  assert.deepEqual([" Yes", "yes.", "YES"].map((text) => branchOf({ text, ended: true })), [
    ...Array(3).fill("classification"),
  ]);
  assert.equal(branchOf({ text: " No", ended: true }), "generation");
  assert.equal(branchOf({ text: " Yesterday", ended: true }), "generation");
});
