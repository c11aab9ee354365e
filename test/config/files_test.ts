/** Configs in files of three kinds, presets beneath them, and the schema that editors read. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { keysOf, table } from "../../src/config/keys.ts";
import { configHelp, configLines, parseConfig, PRESETS } from "../../src/config/mod.ts";
import { SCHEMA_FILE, schemaText } from "../../src/config/schema_file.ts";
import { sourcedKeys, sourceOf } from "../../src/config/sources.ts";
import { ConfigError } from "../../src/errors.ts";

function withFiles(files: Record<string, string>, use: (at: (name: string) => string) => void) {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(join(folder, name), text);
    }
    use((name) => join(folder, name));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("JSON, JSON with comments and YAML say the same", () =>
  withFiles({
    "a.json": '{"model": "base", "data": [{"path": "rows.jsonl"}], "train": {"lr": 1e-4}}',
    "a.jsonc": '{ // a model\n "model": "base", "data": [{"path": "rows.jsonl"}],\n /* x */ ' +
      '"train": {"lr": 1e-4,}, }',
    "a.yaml": "# a model\nmodel: base\ndata:\n  - path: rows.jsonl\ntrain:\n  lr: 1.0e-4\n",
    "a.yml": "{model: base, data: [{path: rows.jsonl}], train: {lr: 1.0e-4}}",
  }, (at) => {
    const [first, ...others] = ["a.json", "a.jsonc", "a.yaml", "a.yml"]
      .map((name) => parseConfig({ file: at(name) }));
    assert.equal(first!.config.train.lr, 1e-4);
    assert.equal(first!.config.data[0]!.path, at("rows.jsonl"));
    for (const other of others) assert.deepEqual(other, first);
  }));

Deno.test("a file that is none of them is refused in a sentence with its line", () =>
  withFiles({
    "a.json": '{"model": ',
    "a.jsonc": '{\n "model" "base" }',
    "list.jsonc": "[1]",
    "a.yaml": "model: base\n\tdata: x\n",
    "twice.yaml": "model: a\nmodel: b\n",
    "bomb.yaml": "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" +
      "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n",
    "a.toml": "model = 1",
  }, (at) => {
    const refused = (name: string, wanted: RegExp) =>
      assert.throws(() => parseConfig({ file: at(name) }), (fault: Error) => {
        assert.ok(fault instanceof ConfigError, `${name}: ${fault}`);
        assert.match(fault.message, wanted);
        assert.ok(!fault.message.includes("\n"));
        return true;
      });
    refused("a.json", /a\.json: not valid JSON/);
    refused("a.jsonc", /a\.jsonc:2: not valid JSON \(ColonExpected\)/);
    refused("list.jsonc", /found no object, wanted the keys of a config/);
    refused("a.yaml", /a\.yaml:\d: found malformed YAML/);
    refused("twice.yaml", /twice\.yaml:2: found malformed YAML \(Map keys must be unique/);
    refused("bomb.yaml", /bomb\.yaml: found malformed YAML \(Excessive alias count/);
    refused("a.toml", /found no config by its name, wanted one that ends in \.json, \.jsonc/);
    refused("none.yaml", /Cannot read .*none\.yaml/);
  }));

Deno.test("a preset lies beneath a file and flags, key by key, and says so", () =>
  withFiles(
    { "a.json": '{"model": "base", "adapter": {"rank": 5}, "train": {"steps": 9}}' },
    (at) => {
      const file = at("a.json");
      const flags = { data: "rows.jsonl", "guard.budget": "ppl:3%" };
      const { config, origin } = parseConfig({ preset: "thorough", file, flags });
      assert.equal(config.adapter.rank, 5);
      assert.equal(config.train.lr, 2e-4);
      assert.deepEqual([config.train.steps, config.train.epochs], [9, undefined], "rivals");
      assert.equal(config.guard && config.guard.budget, "ppl:3%");
      assert.deepEqual(
        ["adapter.rank", "train.lr", "guard.budget", "train.clip"].map((key) => origin[key]),
        ["file", "preset", "flag", "default"],
      );
      const bare = { model: "base", data: "rows.jsonl" };
      for (const preset of ["gentle", "standard", "thorough"] as const) {
        const { config } = parseConfig({ preset, flags: bare });
        assert.equal(config.adapter.rank, (PRESETS[preset].adapter as { rank: number }).rank);
      }
      const off = parseConfig({ preset: "gentle", flags: { ...bare, guard: "false" } });
      assert.equal(off.config.guard, false);
      assert.deepEqual(
        parseConfig({ preset: "thorough", flags: { ...bare, "train.steps": "2" } })
          .config.train.epochs,
        undefined,
      );
    },
  ));

Deno.test("configs/schema.json is that of the table", () => {
  const found = Deno.readTextFileSync(SCHEMA_FILE);
  assert.ok(found === schemaText(), "write it with: deno task schema");
  assert.match(found, /"description": "peak learning rate[^"]* \[QLoRA/);
});

Deno.test("every default says where it comes from, and --print-config where every value does", () => {
  const sections = new Set(["objective"]); // a default made of others
  const keys = [...keysOf(table)].filter(([key, { default: value }]) =>
    value !== undefined && !sections.has(key) &&
    !(typeof value === "object" && !Array.isArray(value) && sourceOf(key) === undefined &&
      [...keysOf(table)].some(([inner]) => inner.startsWith(`${key}.`)))
  ).map(([key]) => key);
  assert.deepEqual(keys.filter((key) => sourceOf(key) === undefined), []);
  const known = new Set([...keysOf(table)].map(([key]) => key));
  assert.deepEqual(sourcedKeys.filter((key) => !known.has(key)), [], "sources of no key");
  assert.match(configHelp(), /--train\.clip .* 0 = off \[transformers' TrainingArguments\]/);
  const parsed = parseConfig({ flags: { model: "base", data: "rows.jsonl", "train.lr": "1e-3" } });
  const lines = configLines(parsed);
  assert.ok(lines.some((line) => /^train\.lr +0\.001 +flag$/.test(line)));
  assert.ok(lines.some((line) => /^train\.beta1 +0\.9 +default: Adam/.test(line)));
});
