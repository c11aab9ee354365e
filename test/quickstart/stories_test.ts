import assert from "node:assert/strict";
import { FAMILIES } from "../../src/quickstart/families.ts";
import { Dice, random } from "../../src/quickstart/random.ts";
import { Scene, vocabulary } from "../../src/quickstart/scene.ts";
import {
  EVAL_SEED,
  PRETRAIN_SEED,
  RETENTION_SEED,
  stories,
  story,
  wordCount,
} from "../../src/quickstart/stories.ts";
import { taskRows } from "../../src/quickstart/tasks.ts";
import { plural, withArticles } from "../../src/quickstart/world.ts";

const SAMPLE = [...stories(PRETRAIN_SEED, 20_000)];

/** A lesson has one to four lines, each a question, an answer, and perhaps a text before either. */
const isLesson = (text: string) =>
  text.split("\n").every((line) => /^([^"]+ )?"[^"]+" ([^"]+ )?"[^"]+"$/.test(line));
const LESSONS = SAMPLE.filter(isLesson);
const STORIES = SAMPLE.filter((text) => !isLesson(text));

Deno.test("random() depends on its whole key and fills [0, 1) evenly", () => {
  assert.equal(random(1, 2, 3), random(1, 2, 3));
  assert.notEqual(random(1, 2, 3), random(1, 3, 2));
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) tenths[Math.floor(random(5, i) * 10)]! += 1;
  for (const count of tenths) assert.ok(Math.abs(count - 1000) < 150, `${tenths}`);
});

Deno.test("story() gives the same story for the same seed and index, in any order", () => {
  assert.equal(story(PRETRAIN_SEED, 4999), SAMPLE[4999]);
  assert.equal(story(PRETRAIN_SEED, 0), SAMPLE[0]);
});

Deno.test("stories() of all seeds that are no lessons are different", () => {
  const seeds = [EVAL_SEED, RETENTION_SEED].flatMap((seed) => [...stories(seed, 5000)]);
  const all = [...STORIES, ...seeds.filter((text) => !isLesson(text))];
  assert.equal(new Set(all).size, all.length);
});

Deno.test("stories() that are no lessons have 40 to 160 words", () => {
  const counts = STORIES.map(wordCount);
  assert.ok(Math.min(...counts) >= 40, `${Math.min(...counts)}`);
  assert.ok(Math.max(...counts) <= 160, `${Math.max(...counts)}`);
});

Deno.test("stories() agree: articles, verbs, spaces and the ends of sentences", () => {
  const nouns = vocabulary("noun").filter((noun) => plural(noun) !== noun);
  const faults = [
    /\ba [aeiou]/i,
    /\ban [^aeiou]/i,
    /\b(they|we|you) was\b/i,
    /\b(he|she|it) (were|have|are)\b/i,
    new RegExp(`\\b(two|three|four|five|six|seven|eight|nine|ten) (${nouns.join("|")})\\b`),
    new RegExp(`\\b(one|an?) (${nouns.map(plural).join("|")})\\b`),
    / {2}| \n|\n | [.,?!]/,
    /[^.!?"]$/m,
    /^[^A-Z"]|[.?!] [^A-Z"]|, "[^A-Z]/m,
    /[{}[\]|/]|undefined/,
    /\b(the|a|an|to|in|and|was|had|said) \1\b/i,
  ];
  for (const text of SAMPLE) {
    for (const fault of faults) assert.doesNotMatch(text, fault);
    assert.equal(text.split('"').length % 2, 1, text);
  }
});

Deno.test("stories() keep a girl a girl and a boy a boy", () => {
  for (const text of SAMPLE) {
    const child = /(girl|boy) (named|called) /.exec(text)?.[1];
    if (!child) continue;
    const wrong = child === "girl" ? "his" : "her";
    assert.doesNotMatch(text, new RegExp(`\\b${wrong} (mom|dad|grandma|grandpa)\\b`));
  }
});

Deno.test("stories() are lessons in part, which ask in speech and answer what is so", () => {
  const share = LESSONS.length / SAMPLE.length;
  assert.ok(Math.abs(share - 0.9) < 0.01, `${share}`);
  const rows = taskRows("train").slice(0, 500);
  for (const { instruction } of rows) {
    for (const text of SAMPLE) assert.ok(!text.includes(`${instruction}\n`), text);
  }
  assert.ok(SAMPLE.some((text) => text.includes("The opposite of hot is cold")));
  assert.ok(SAMPLE.every((text) => !/opposite of hot is (?!cold)/.test(text)));
});

Deno.test("stories() have no text that a test row of reading asks about", () => {
  const reading = new Set(["color", "place", "count", "feeling", "object"]);
  const texts = new Set(
    taskRows("test", FAMILIES).filter(({ family }) => reading.has(family)).map(({ input }) =>
      input
    ),
  );
  assert.ok(texts.size > 100, `${texts.size}`);
  let read = 0;
  for (const line of LESSONS.flatMap((text) => text.split("\n"))) {
    const text = line.replace(/"[^"]*"/g, "").trim();
    assert.ok(!texts.has(text), line);
    if (text) read++;
  }
  assert.ok(read > 3000, `${read}`);
});

Deno.test("Scene.fill() keeps what is said, tells roles apart and counts", () => {
  for (let index = 0; index < 200; index++) {
    const scene = new Scene("child", new Dice(9, index));
    const [first, second] = scene.fill("{toy} {toy2}").split(" ");
    assert.notEqual(first, second);
    assert.equal(scene.fill("{Toy}").toLowerCase(), first);
    assert.equal(scene.knows("{toy} {his}"), true);
    assert.equal(scene.knows("{toy} {friend}"), false);
  }
  const scene = new Scene("child", new Dice(9, 0));
  scene.bind("n", "5");
  scene.bind("m", "4");
  assert.equal(scene.fill("{n apple}, {n-m apple}, {N+m}"), "five apples, one apple, Nine");
});

Deno.test("Scene.fill() names a category or form that does not exist", () => {
  const scene = new Scene("child", new Dice(9, 0));
  assert.throws(() => scene.fill("{ghost}"), /Found "ghost", wanted a category of the world/);
  assert.throws(() => scene.fill("{toy.color}"), RangeError);
});

Deno.test("plural() and withArticles() know the world's words", () => {
  const plurals = { berry: "berries", toy: "toys", fox: "foxes", mouse: "mice", peach: "peaches" };
  for (const [noun, many] of Object.entries(plurals)) assert.equal(plural(noun), many);
  assert.equal(
    withArticles("A apple and a pear in a orange hat"),
    "An apple and a pear in an orange hat",
  );
});
