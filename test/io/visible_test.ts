import assert from "node:assert/strict";
import { visible, visibleLine } from "../../src/io/visible.ts";

Deno.test("visible() leaves nothing that a terminal acts on, and text as it is", () => {
  const escapes = "\x1b[2J\x1b]0;title\x07 \x9b31m \x90 \r \b \x7f \u202e \u2066 \u2028";
  const shown = visible(escapes);
  assert.match(shown, /^\\u001b\[2J\\u001b\]0;title\\u0007 \\u009b31m/);
  assert.doesNotMatch(shown, /\p{Cc}|[\u2028-\u202e\u2066-\u2069]/u);
  const text = "naïve 漢字 עברית 😀\u200d\u200f \u{1f3fb}\n\ttab \\u001b";
  assert.equal(visible(text), text);
  assert.equal(visibleLine("a\n\tb\x1b"), "a\\n\\tb\\u001b");
});
