import assert from "node:assert/strict";
import { FAMILIES } from "../../src/quickstart/families.ts";
import { wordCount } from "../../src/quickstart/stories.ts";
import { taskRows } from "../../src/quickstart/tasks.ts";

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
  assert.ok(train.length >= 3000 && train.length <= 5000, `${train.length}`);
  assert.ok(test.length >= 350 && test.length <= 450, `${test.length}`);
  for (const { name, heldOut } of FAMILIES) {
    const count = train.filter((row) => row.family === name).length;
    assert.ok(heldOut ? count === 0 : count >= 60, `${name}: ${count}`);
    assert.ok(test.filter((row) => row.family === name).length >= 20, name);
  }
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
  for (const { family, instruction, input, output } of [...train, ...test]) {
    if (family === "color") {
      const [, thing, color] = /^The (\w+) is (\w+)\.$/.exec(output)!;
      assert.ok(input.includes(`${color} ${thing}`) && instruction.includes(thing!));
    } else if (family === "owner") {
      const [, name, thing] = /^(\w+) has the (\w+)\.$/.exec(output)!;
      assert.match(input, new RegExp(`${name} has an? \\w+ ${thing}\\b`));
      assert.ok(instruction.includes(thing!));
    } else if (family === "last word") {
      assert.equal(output, `The last word is ${input.split(" ").at(-1)}`);
    }
  }
});
