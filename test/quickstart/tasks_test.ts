import assert from "node:assert/strict";
import { FAMILIES } from "../../src/quickstart/families.ts";
import { wordCount } from "../../src/quickstart/stories.ts";
import { ASKED, taskRows } from "../../src/quickstart/tasks.ts";

const train = taskRows("train");
const test = taskRows("test");

Deno.test("taskRows() gives the same rows each time", () => {
  assert.deepEqual(taskRows("train"), train);
  assert.deepEqual(taskRows("test"), test);
});

Deno.test("FAMILIES are at least six, each with at least six phrasings for training", () => {
  assert.ok(FAMILIES.filter((family) => !family.heldOut).length >= 6);
  for (const { name, phrasings } of FAMILIES) {
    assert.ok(new Set(phrasings).size >= 8, name);
    assert.equal(new Set(phrasings).size, phrasings.length, name);
  }
});

Deno.test("taskRows() has enough different rows of every family", () => {
  const rows = new Set([...train, ...test].map((row) => `${row.instruction}\n${row.input}`));
  assert.equal(rows.size, train.length + test.length);
  assert.ok(train.length >= 2000 && train.length <= 5000, `${train.length}`);
  assert.ok(test.length >= 270 && test.length <= 450, `${test.length}`);
  for (const { name, heldOut } of ASKED) {
    const count = train.filter((row) => row.family === name).length;
    assert.ok(heldOut ? count === 0 : count >= 60, `${name}: ${count}`);
    assert.ok(test.filter((row) => row.family === name).length >= 20, name);
  }
  const told = FAMILIES.filter((family) => family.lessonsOnly).map((family) => family.name);
  assert.ok(told.length > 0 && [...train, ...test].every((row) => !told.includes(row.family)));
});

Deno.test("taskRows() never trains on what a test row calls unseen", () => {
  const answers = new Set(train.map((row) => `${row.family}: ${row.output}`));
  const closed = new Set(FAMILIES.filter((family) => family.about).map((family) => family.name));
  const inputs = new Set(
    train.filter((row) => !closed.has(row.family)).map((row) => row.input),
  );
  for (const row of test) {
    assert.ok(!inputs.has(row.input), row.input);
    if (closed.has(row.family)) assert.ok(!answers.has(`${row.family}: ${row.output}`), row.output);
  }
  const heldOut = FAMILIES.filter((family) => family.heldOut).map((family) => family.name);
  for (const row of test) assert.equal(row.unseen === "family", heldOut.includes(row.family));
});

Deno.test("taskRows() keeps the last two phrasings of a family for rows of unseen phrasing", () => {
  for (const family of FAMILIES.filter((family) => !family.heldOut)) {
    const patterns = family.phrasings.map((phrasing) =>
      new RegExp(
        `^${
          phrasing.replace("?", "\\?").replace(/\ba (?=\{)/g, "an? ").replace(
            /\{[^}]+\}/g,
            "[\\w ]+",
          )
        }$`,
      )
    );
    const usedBy = (row: { instruction: string }) =>
      patterns.findIndex((pattern) => pattern.test(row.instruction));
    const ofFamily = (row: { family: string }) => row.family === family.name;
    for (const row of train.filter(ofFamily)) assert.ok(usedBy(row) >= 0 && usedBy(row) < 6);
    for (const row of test.filter(ofFamily)) {
      assert.equal(usedBy(row) >= 6, row.unseen === "phrasing", row.instruction);
    }
  }
});

Deno.test("taskRows() answers in 1 to 8 words of plain English", () => {
  for (const { instruction, input, output } of [...train, ...test]) {
    assert.ok(wordCount(output) <= 8, output);
    assert.match(output, /^[A-Z][\w ,]*\.$/);
    assert.match(instruction, /^[A-Z].*[.?]$/);
    for (const text of [instruction, input, output]) {
      assert.doesNotMatch(text, /\ba [aeiou]| {2}|[{}[\]|]|undefined/i);
    }
  }
});

Deno.test("taskRows() answers what the input says", () => {
  const open = FAMILIES.filter(({ about }) => !about).map(({ name }) => name);
  let count = 0;
  for (const { family, instruction, input, output } of [...train, ...test]) {
    if (!open.includes(family)) continue;
    count++;
    if (family !== "color") {
      assert.ok(`${input} `.includes(`${output} `), `${input}: ${output}`);
      assert.ok(instruction.includes(output.split(" ")[0]!), `${instruction}: ${output}`);
      continue;
    }
    const [, thing, color] = /^The (\w+) is (\w+)\.$/.exec(output)!;
    assert.ok(input.includes(`${color} ${thing}.`) && instruction.includes(thing!), input);
  }
  assert.ok(count > 1000, `${count}`);
});

Deno.test("taskRows() answers what is always so, the same in every phrasing", () => {
  const answers = new Map<string, string>();
  const closed = FAMILIES.flatMap(({ name, about }) => about ? [name] : []);
  for (const { family, instruction, input, output } of [...train, ...test]) {
    if (!closed.includes(family)) continue;
    const known = answers.get(`${family} ${instruction} ${input}`);
    assert.ok(known === undefined || known === output, instruction);
    answers.set(`${family} ${instruction} ${input}`, output);
  }
  const some: [string, string][] = [
    ["What is the opposite of hot?", "The opposite of hot is cold."],
    ["What is a young sheep called?", "A young sheep is a lamb."],
    ["What comes after Sunday?", "After Sunday comes Monday."],
    ["What does a cow eat?", "A cow eats grass."],
    ["Which color is the grass?", "The grass is green."],
    ["Where does an owl live?", "An owl lives in a tree."],
  ];
  const told = new Map([...train, ...test].map((row) => [row.instruction, row.output]));
  let asked = 0;
  for (const [question, answer] of some) {
    if (!told.has(question)) continue;
    asked++;
    assert.equal(told.get(question), answer);
  }
  assert.ok(asked >= 3, `${asked}`);
});
