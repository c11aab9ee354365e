import assert from "node:assert/strict";
import { loadExamples, readDocuments } from "../../src/data/mod.ts";
import * as contamination from "../../src/curate/contamination.ts";
import * as duplicates from "../../src/curate/duplicates.ts";
import { readRowTexts } from "../../src/curate/mod.ts";
import * as select from "../../src/curate/select.ts";
import { hash } from "../../src/random.ts";
import { decode, toyEncoder, withFiles } from "../data/toy.ts";
import { counted, rowOf, rowsOf } from "./rows.ts";

/** A function with its result as an array. */
const spread = <A extends unknown[], T>(lazy: (...args: A) => Iterable<T>) => (...args: A) => [
  ...lazy(...args),
];
const contaminated = spread(contamination.contaminated);
const exactDuplicates = spread(duplicates.exactDuplicates);
const nearDuplicateRows = spread(duplicates.nearDuplicateRows);
const notSelected = spread(select.notSelected);
const read = (path: string) => Array.fromAsync(readRowTexts({ path }));

Deno.test("readRowTexts() keeps the line of a JSONL file to the byte, and writes others", () =>
  withFiles({
    "a.jsonl":
      ' {"output": "3.50",\t"instruction":"é\\u00e9", "x": 1.0e2}\n\n{"instruction":"b","output":""}',
    "b.csv": "instruction,output\na,b\n",
    "c.json": '[{"text": "one\\ntwo"}]',
  }, async (folder) => {
    const [first, second] = await read(`${folder}/a.jsonl`);
    assert.equal(first!.line, ' {"output": "3.50",\t"instruction":"é\\u00e9", "x": 1.0e2}');
    assert.deepEqual([first!.instruction, first!.answer, first!.input], ["éé", "3.50", ""]);
    assert.deepEqual([second!.empty, second!.origin], ["an empty output", `${folder}/a.jsonl:3`]);
    assert.equal((await read(`${folder}/b.csv`))[0]!.line, '{"instruction":"a","output":"b"}');
    assert.equal((await read(`${folder}/c.json`))[0]!.answer, "one\ntwo");
  }));

Deno.test("readRowTexts() writes numbers and keys of an array's rows as they are written there", () =>
  withFiles({
    "a.json": `[
      {"text": "a \\" b  c",
       "n": [9007199254740993, 10.0, 1e-07, -0], "o": {"2": 1,  "1": 2}},
      {"text": "plain",  "n": 1}
    ]`,
  }, async (folder) => {
    const [exact, plain] = await read(`${folder}/a.json`);
    const numbers = '"n":[9007199254740993,10.0,1e-07,-0],"o":{"2":1,"1":2}';
    assert.equal(exact!.line, `{"text":"a \\" b  c",${numbers}}`);
    assert.equal(plain!.line, '{"text":"plain","n":1}');
  }));

Deno.test("readRowTexts() takes a chat apart by speaker", () =>
  withFiles({
    "a.jsonl": JSON.stringify({
      messages: [
        { role: "system", content: "s" },
        { role: "user", content: "one" },
        { role: "assistant", content: "two" },
        { role: "user", content: "three" },
        { role: "assistant", content: "four" },
      ],
    }),
  }, async (folder) => {
    const [{ instruction, input, answer } = rowOf({})] = await read(`${folder}/a.jsonl`);
    assert.deepEqual([instruction, input, answer], ["one", "s\nthree", "two\nfour"]);
  }));

Deno.test("readRowTexts() takes calls for what an assistant says", () => {
  const chat = (city: string) => {
    const call = { name: "weather", arguments: { city } };
    return JSON.stringify({
      messages: [
        { role: "user", content: "And there?" },
        { role: "assistant", content: null, tool_calls: [{ function: call }] },
      ],
    });
  };
  return withFiles({ "a.jsonl": [chat("Bern"), chat("Rome")].join("\n") }, async (folder) => {
    const rows = await read(`${folder}/a.jsonl`);
    assert.equal(rows[0]!.answer, '[{"name":"weather","arguments":{"city":"Bern"}}]');
    assert.deepEqual(exactDuplicates(rows), [null, null]);
  });
});

Deno.test("readRowTexts() puts all rows into the same words where prompts do it", () =>
  withFiles({
    "a.jsonl": Array.from({ length: 9 }, (_, i) => `{"word": "w${i % 8}",  "anti": "v${i % 8}"}`)
      .join("\n"),
    "b.jsonl": '{"word": "", "anti": "x"}',
    "pairs.json": JSON.stringify({
      metadata: {},
      examples: { 1: { input: "a", output: "b" }, 2: { input: "c", output: "d" } },
    }),
  }, async (folder) => {
    const prompts = [
      { input: "Opposite of {word}?", target: "{anti}" },
      { input: "{word} is not", target: "{anti}" },
      { jinja: "{{ word }}: {{ [1, 2] | choice }} ||| {{ anti }}" },
    ];
    for (const seed of [0, 1, 2, 3]) {
      const entry = { path: `${folder}/a.jsonl`, prompts, seed };
      const rows = await Array.fromAsync(readRowTexts(entry));
      const words = rows.map(({ instruction }, i) => instruction.replace(`w${i % 8}`, "W"));
      assert.equal(new Set(words).size, 1);
      assert.deepEqual(rows.map(({ answer }) => answer), rows.map((_, i) => `v${i % 8}`));
      assert.equal(rows[2]!.line, '{"word": "w2",  "anti": "v2"}');
      assert.deepEqual(exactDuplicates(rows), [
        ...Array(8).fill(null),
        `the same as ${folder}/a.jsonl:1`,
      ]);
      const documents = await Array.fromAsync(readDocuments(entry));
      assert.deepEqual(rows.map(({ origin }) => origin), documents.map(({ origin }) => origin));
    }
    const silent = [{ jinja: "{% if word %}{{ word }}?|||{{ anti }}{% endif %}" }];
    const empty = { path: `${folder}/b.jsonl`, prompts: silent };
    const [row] = await Array.fromAsync(readRowTexts(empty));
    assert.deepEqual([row!.empty, row!.answer], ["nothing that a prompt says of it", ""]);
    const inner = {
      path: `${folder}/pairs.json`,
      prompts: [{ input: "{input}?", target: "{output}" }],
    };
    assert.deepEqual(
      (await Array.fromAsync(readRowTexts(inner))).map(({ instruction, answer, line }) => [
        instruction,
        answer,
        line,
      ]),
      [["a?", "b", '{"input":"a","output":"b"}'], ["c?", "d", '{"input":"c","output":"d"}']],
    );
  }));

Deno.test("rows of a task file train to the same tokens as the task file", () =>
  withFiles({
    "task.json": JSON.stringify({
      "Definition": ["Say the colour"],
      "Positive Examples": [{ input: "sky", output: "blue", explanation: "" }],
      "Instances": [{ input: "grass", output: ["green"] }, { input: "gold", output: "yellow" }],
    }),
    "seeds.jsonl": JSON.stringify({
      instruction: "Add.",
      instances: [{ input: "1, 2", output: "3" }],
    }),
  }, async (folder) => {
    for (const name of ["task.json", "seeds.jsonl"]) {
      const rows = await read(`${folder}/${name}`);
      assert.ok(
        rows.every(({ input }) =>
          name === "seeds.jsonl" || /^(grass|gold)\.\nOutput: $/.test(input)
        ),
      );
      const path = `${folder}/${name}.rows.jsonl`;
      await Deno.writeTextFile(path, rows.map(({ line }) => line).join("\n"));
      const texts = async (path: string) =>
        (await loadExamples({ path }, toyEncoder, { maxTokens: 1e4 })).examples
          .map(({ ids }) => decode(ids));
      assert.deepEqual(await texts(path), await texts(`${folder}/${name}`));
    }
  }));

Deno.test("exactDuplicates() wants all three texts to the letter", () => {
  const rows = rowsOf(["a", "b"], ["a", "B"], ["a", "b"], ["", "a\nb"], ["a", "b"]);
  assert.deepEqual(exactDuplicates(rows), [
    null,
    null,
    "the same as rows.jsonl:1",
    null,
    "the same as rows.jsonl:1",
  ]);
});

Deno.test("nearDuplicateRows() keeps other questions about one text, and other inputs of one task", () => {
  const passage = counted(0, 60);
  const rows = [
    { instruction: "Who came?", input: passage, answer: "Tom came home." },
    { instruction: "When was it that he left?", input: passage, answer: "Tom came home." },
    { instruction: "Who came?", input: passage, answer: "Ann and Sue." },
    { instruction: passage, input: "two cats", answer: "yes" },
    { instruction: passage, input: "a dog", answer: "yes" },
    { instruction: "Who went?", input: passage, answer: "Tom came home." }, // 1 of 3 words
    { instruction: "Who came here?", input: `${passage} w61`, answer: "Tom came home." },
  ].map((texts, i) => rowOf(texts, i + 1));
  assert.deepEqual(nearDuplicateRows(rows, 0.8), [
    ...[null, null, null, null, null, null],
    "nearly the same as rows.jsonl:1",
  ]);
});

Deno.test("nearDuplicateRows() finds what is near in a crowd of rows of one long instruction", () => {
  const instruction = counted(0, 80);
  const rowAt = (i: number, other = "") => {
    const words = Array.from({ length: 15 }, (_, k) => `w${hash(i, [k]) % 8000}`);
    if (other) words[i % 15] = other;
    return rowOf({ instruction, input: words.join(" "), answer: `a${i} b${i}` }, i);
  };
  const rows = Array.from({ length: 800 }, (_, i) => rowAt(i)); // a bucket keeps 256
  const near = rows.flatMap((_, i) => i % 20 === 0 ? [rowAt(i, "edited")] : []);
  const found = nearDuplicateRows([...rows, ...near], 0.8);
  assert.deepEqual(found, [
    ...rows.map(() => null),
    ...near.map(({ origin }) => `nearly the same as ${origin}`),
  ]);
});

Deno.test("contaminated() finds 13 words in a row, and 70 % of the 8-grams of a question", () => {
  const long = rowOf({ instruction: "solve", input: counted(0, 40), answer: counted(50, 90) }, 7);
  const short = rowOf({ instruction: counted(100, 117), answer: "yes" }, 8); // 10 8-grams
  const tiny = rowOf({ instruction: "Name a city.", answer: "Rome" }, 9);
  const rows = [
    { answer: `x ${counted(20, 33)} y` },
    { answer: `x ${counted(20, 32)} y` },
    { answer: `x ${counted(60, 73)} y` },
    { instruction: `Please: ${counted(100, 114)} else` }, // 7 of 10, though 14 in a row
    { instruction: `${counted(100, 112)} x ${counted(113, 117)}` }, // 12 in a row, 5 of 10
    { instruction: "name a city", answer: "Paris" },
    { instruction: "Name a city on a river", answer: "Rome" },
  ].map((texts, i) => rowOf(texts, i + 1));
  assert.deepEqual(contaminated(rows, [long, short, tiny]), [
    `shares "${counted(20, 33)}" with rows.jsonl:7`,
    null,
    `shares "${counted(60, 73)}" with rows.jsonl:7`,
    `shares "${counted(100, 113)}" with rows.jsonl:8`,
    null,
    "holds 100 % of what rows.jsonl:9 asks",
    null,
  ]);
  const twelve = rowOf({ instruction: counted(0, 17).replace("w4 ", "") }); // 16 words, 9 8-grams
  const held = [rowOf({ instruction: counted(5, 17) }), rowOf({ instruction: counted(6, 17) })];
  assert.deepEqual(contaminated(held, [twelve]), [null, null], "5 and 4 of 9");
  const gap = counted(0, 12).replace("w9 ", ""); // 11 words, of which the test has 4 8-grams
  assert.deepEqual(contaminated([rowOf({ instruction: gap })], [rowOf({ instruction: gap })]), [
    "holds 100 % of what rows.jsonl:1 asks",
  ]);
  const most = rowOf({ instruction: gap.slice(0, -4) }); // 3 of 4
  assert.match(contaminated([most], [rowOf({ instruction: gap })])[0]!, /holds 75 %/);
});

Deno.test("contaminated() does not count what more than 10 rows or tests have in common", () => {
  const rule = counted(0, 20);
  const rows = Array.from({ length: 11 }, (_, i) => rowOf({ instruction: rule, input: `a${i}` }));
  const test = rowOf({ instruction: rule, input: "b" });
  assert.ok(contaminated(rows, [test]).every((reason) => reason === null));
  assert.ok(contaminated(rows.slice(1), [test]).every((reason) => reason !== null));
  assert.ok(contaminated([test], rows).every((reason) => reason === null));
  assert.ok(contaminated([test], rows.slice(1)).every((reason) => reason !== null));
});

Deno.test("notSelected() takes the best first, and nothing that asks nearly the same", () => {
  const rows = rowsOf(
    ["Name a red fruit", ""],
    ["Write a story about an old bear", ""],
    ["Name a red flower", ""], // 3 of 4 words as the first: ROUGE-L 0.75
    ["Count to ten", ""],
  );
  assert.deepEqual(notSelected(rows, [3, 1, 4, 2], 2), [
    "asks nearly what a better row asks",
    "not among the best 2",
    null,
    null,
  ]);
  assert.equal(notSelected(rows, [3, 1, 4, 2], 9).filter((reason) => reason === null).length, 3);
  assert.deepEqual(notSelected(rowsOf(["a", ""], ["b", ""]), [1, 1], 1)[0], null, "ties in order");
});
