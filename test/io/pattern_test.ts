/** Patterns from files: whatever they say, they end. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findAll, matches, refuseEndless } from "../../src/io/pattern.ts";

const MODULE = fileURLToPath(new URL("../../src/io/pattern.ts", import.meta.url));

Deno.test("matches() says what a regular expression says, of those that repeat groups too", () => {
  const name = "model.layers.12.self_attn.q_proj";
  for (const source of ["q_proj$", "^(?:.*\\.)?(?:q|v)_proj$", "^(?!.*visual).*q_proj$"]) {
    assert.equal(matches(source, name), true, source);
  }
  for (const source of ["^(?:[a-z_]+\\.|\\d+\\.)+q_proj$", "(\\w)\\w*\\1", "(?:\\.\\w+){2,}$"]) {
    assert.equal(matches(source, name), new RegExp(source).test(name), source);
    assert.equal(matches(source, "-"), false, source);
  }
  assert.throws(() => matches("(", name), SyntaxError);
});

Deno.test("findAll() finds what matchAll() finds, by whichever way", () => {
  const text = "The answer is 12. No: #### -1,300.5, or 7 apples; aaab";
  const sources = [
    "#### (\\-?[0-9\\.\\,]+)",
    "(-?[$0-9.,]{2,})|(-?[0-9]+)",
    "x",
    "",
    "(a)*(?:(b)|(c))+",
  ];
  for (const source of sources) {
    const wanted = [...text.matchAll(new RegExp(source, "g"))];
    const found = findAll(source, text);
    assert.deepEqual(found.map((match) => [...match]), wanted.map((match) => [...match]), source);
    assert.deepEqual(found.map(({ index }) => index), wanted.map(({ index }) => index), source);
  }
  assert.throws(() => findAll("(", text), SyntaxError);
});

Deno.test("patterns of known tokenizers are taken", () => {
  for (
    const source of [
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+" +
      "[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
      " ?[^(\\s|[.,!?…。，、।۔،])]+",
      "(?:\\r?\\n)+",
    ]
  ) refuseEndless(source, "tokenizer.json");
});

// In a process of its own: a thread that is at a pattern for ever ends with it alone.
Deno.test("what backtracks for ever is refused in a sentence", async () => {
  const script = `
    const { findAll, matches, refuseEndless } = await import(${JSON.stringify(`file://${MODULE}`)});
    const say = (action) => { try { action(); } catch (fault) { console.log(fault.message); } };
    say(() => matches("^(?:.*\\\\.)?(?:((([a-z_.0-9])+)+)+X)$", "model.layers.0.self_attn.q_proj"));
    say(() => refuseEndless("(a+)+$", "tokenizer.json"));
    say(() => findAll("(a|a)*$", "a".repeat(60) + "b"));
    say(() => findAll(".*.*.*.*=.*", "a".repeat(3000)));
    Deno.exit(7);`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    env: { NO_COLOR: "1" },
  }).output();
  assert.equal(code, 7);
  const [first, second, ...others] = new TextDecoder().decode(stdout).trim().split("\n");
  assert.match(first!, /^Cannot use the pattern ".*": it takes more than 1000 ms on "model\./);
  assert.match(second!, /^Cannot use tokenizer\.json: its pattern "\(a\+\)\+\$" takes more than/);
  assert.equal(others.length, 2);
  for (const line of others) {
    assert.match(line, /^Cannot use the pattern ".*": it takes more than 1000 ms on a text of \d+/);
  }
});
