/** A family is one short file by the name of its model type, and a line in the registry. */
import assert from "node:assert/strict";
import { familyOf } from "../../src/models/mod.ts";

const FOLDER = new URL("../../src/models/families/", import.meta.url);
const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
const linesOf = (name: string) =>
  Deno.readTextFileSync(new URL(name, FOLDER)).trimEnd().split("\n").length;

Deno.test("every file of src/models/families is the family of its name", () => {
  for (const name of files) {
    const type = name.replace(/\.ts$/, "");
    assert.ok(familyOf(type, "config.json").modelTypes.includes(type), name);
  }
});

Deno.test("a family takes at most 150 lines, the smallest fewer than 60", () => {
  const lengths = files.map(linesOf);
  assert.ok(lengths.length >= 13);
  assert.ok(Math.max(...lengths) <= 150);
  assert.ok(Math.min(...lengths) < 60);
});
