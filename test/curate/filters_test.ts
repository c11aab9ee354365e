import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ascii,
  echo,
  emptyAnswer,
  outlyingLengths as lazyOutlyingLengths,
  type Reason,
  refusal,
  repetition,
  script,
  topShare,
  uniqueShare,
} from "../../src/curate/filters.ts";
import type { RowText } from "../../src/curate/row.ts";
import { counted, rowOf } from "./rows.ts";

const outlyingLengths = (...args: Parameters<typeof lazyOutlyingLengths>) => [
  ...lazyOutlyingLengths(...args),
];
const LIMITS = { topShare: 0.2, uniqueShare: 0.15 };
const reasonsOf = (judge: (row: RowText) => Reason, texts: readonly Partial<RowText>[]) =>
  texts.map((row) => judge(rowOf(row)));

Deno.test("emptyAnswer() passes on what the format found", () => {
  assert.equal(emptyAnswer(rowOf({ empty: "an empty output" })), "found an empty output");
  assert.equal(emptyAnswer(rowOf({ answer: "yes" })), null);
});

Deno.test("echo() drops an answer that is the input or the instruction, and no correction of it", () => {
  const input = "i like tea";
  assert.deepEqual(
    reasonsOf(echo, [
      { input, answer: " i like tea\n" },
      { input, answer: "I like tea." },
      { instruction: "Say hello", answer: "Say hello" },
      { instruction: "Say hello", answer: "hello" },
      { answer: "" },
    ]),
    [
      "the answer repeats the input",
      null,
      "the answer repeats the instruction",
      null,
      null,
    ],
  );
});

Deno.test("refusal() drops answers that decline, and none that merely speak of it", () => {
  for (
    const answer of [
      "I'm sorry, but I can't help with that.",
      "I am really sorry but as an AI language model I do not eat.",
      "As an AI, I have no opinions.",
      "Sorry, I cannot do this.",
      "I cannot provide medical advice.",
      "I’m not able to browse the web.",
      "Unfortunately, I have no access to it.",
      "This request violates OpenAI's content policy.",
      "I can’t assist with this request.",
    ]
  ) assert.match(refusal(rowOf({ answer })) ?? "", /^the answer declines: "/, answer);
  for (
    const answer of [
      "He said that he was sorry.",
      "The pilot cannot land in fog.",
      "Unfortunately for the fox, the grapes were too high.",
      "I can see a cat.",
      "Sorry is a word of five letters.",
      `${counted(0, 100)} as an AI language model`,
      "I'm sorry to hear of your loss, and my thoughts are with you.",
    ]
  ) assert.equal(refusal(rowOf({ answer })), null, answer);
});

Deno.test("repetition() counts 4-grams and different words by hand", () => {
  assert.deepEqual(topShare(["a b", "b a", "a b", "b a", "a b"]), ["a b", 3 / 5]);
  assert.equal(uniqueShare("a b a b".split(" ")), 1 / 2);
  // 100 words of which 100 differ, then 150 of which 3 do.
  const words = [...counted(0, 100).split(" "), ..."x y z ".repeat(50).trim().split(" ")];
  assert.equal(uniqueShare(words), (1 + 3 / 150) / 2);

  const judge = (answer: string) => repetition(rowOf({ answer }), LIMITS);
  assert.equal(judge(counted(0, 300)), null);
  assert.match(judge("no no no no ".repeat(10))!, /^100 % of the 4-grams are "no no no no"$/);
  assert.equal(judge("no ".repeat(19)), null, "too short to say");
  const circling = Array.from({ length: 200 }, (_, i) => `w${(i * i) % 13}`).join(" ");
  assert.match(judge(circling)!, /^only \d+ % of the words are different$/);
});

Deno.test("repetition() finds the commonest 4-gram, whatever it skips (property)", () => {
  const some = fc.array(fc.constantFrom(..."a a a b c d e f".split(" ")), { minLength: 20 });
  const circle = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 20, max: 40 }))
    .map(([round, length]) => Array.from({ length }, (_, i) => `w${i % round}`));
  fc.assert(
    fc.property(fc.oneof(some, circle), fc.nat(9), (words, tenths) => {
      const runs = words.slice(3).map((_, i) => words.slice(i, i + 4).join(" "));
      const [run, share] = topShare(runs);
      const found = repetition(rowOf({ answer: words.join(" ") }), {
        topShare: tenths / 10,
        uniqueShare: 0,
      });
      const percent = (100 * share).toFixed(0);
      assert.equal(found, share > tenths / 10 ? `${percent} % of the 4-grams are "${run}"` : null);
    }),
    { numRuns: 500 },
  );
});

Deno.test("ascii() and script() take shares of characters and of letters", () => {
  const half = rowOf({ answer: "ab, 12!яж ЖЯ -> éЮ" }); // 12 of 18 ASCII; 3 Latin letters of 8
  assert.equal(ascii(half, 12 / 18), null);
  assert.equal(ascii(half, 0.7), "67 % of the characters are ASCII");
  assert.equal(script(half, "Latin", 3 / 8), null);
  assert.equal(script(half, "Cyrillic", 5 / 8), null);
  assert.equal(script(half, "Latin", 0.5), "38 % of the letters are Latin");
  assert.equal(script(rowOf({ answer: "1 + 1 = 2" }), "Latin", 1), null, "no letters");
});

Deno.test("outlyingLengths() goes by the logarithm of the words", () => {
  const rows = [...Array(50).fill(7), 7, 1000].map((n) => rowOf({ answer: counted(0, n) }));
  const reasons = outlyingLengths(rows, 3);
  assert.match(reasons.at(-1)!, /^an answer of 1000 words, z = 7\.\d$/);
  assert.ok(reasons.slice(0, -1).every((reason) => reason === null));
  // ln(1 + n) of 3 and of 15 is 2 ln 2 and 4 ln 2: both one deviation from the mean, 3 ln 2.
  const two = [3, 15].map((n) => rowOf({ answer: counted(0, n) }));
  assert.deepEqual(outlyingLengths(two, 1.001), [null, null]);
  assert.deepEqual(outlyingLengths(two, 0.999), [
    "an answer of 3 words, z = -1.0",
    "an answer of 15 words, z = 1.0",
  ]);
  assert.deepEqual(outlyingLengths([two[0]!, two[0]!], 0), [null, null], "all alike");
});
