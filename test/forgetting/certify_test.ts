import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { parseBudget } from "../../src/forgetting/budget.ts";
import { BANDS, type Rise } from "../../src/forgetting/rises.ts";
import { certify, ladder, requireDocuments } from "../../src/forgetting/select/certify.ts";
import { levelAfter } from "../../src/forgetting/select/spending.ts";
import { random } from "../../src/random.ts";

const OPTIONS = { delta: 0.05, strict: false };
const TOKENS = 100;

/** A document that rises in its middle, in nats a token. */
const document = (rise: number): Rise => ({
  tokens: TOKENS,
  bands: BANDS.map((_, band) => band === 3 ? TOKENS * rise : 0),
});

/** Documents whose mean rise grows with the square of the strength. */
const risesOf = (mean: number, count: number, seed = 1) => (strength: number) => {
  const draw = (count: number, part: number) =>
    Array.from(
      { length: count },
      (_, i) => document(strength ** 2 * (mean + 0.02 * (random(seed, part, i) - 0.5))),
    );
  return Promise.resolve([{ control: draw(64, 0), certificate: draw(count, 1) }]);
};

Deno.test("certify() ships the last strength whose bound keeps the budget", async () => {
  const { trials, strength, more } = await certify(ladder(1), [0.02], risesOf(0.03, 100), OPTIONS);
  assert.deepEqual(trials.map(({ strength, passed }) => [strength, passed]), [
    [0.25, true],
    [0.5, true],
    [0.7, true],
    [0.8, false],
  ]);
  assert.equal(strength, 0.7);
  assert.ok(more !== null && more > 0, "its mean keeps the budget, so more documents would do");
  for (const { bounds: [bound] } of trials) assert.ok(bound!.upper > bound!.mean);
});

Deno.test("certify() asks no further once a strength has failed", async () => {
  const asked: number[] = [];
  await certify(ladder(0.8), [0.001], (strength) => {
    asked.push(strength);
    return risesOf(0.1, 50)(strength);
  }, OPTIONS);
  assert.deepEqual(asked, [0.2]);
});

Deno.test("certify() says when more text would not help, and when it would", async () => {
  const hopeless = await certify([1], [0.01], risesOf(0.1, 50), OPTIONS);
  assert.deepEqual([hopeless.strength, hopeless.more], [0, null]);
  const few = await certify([1], [0.012], risesOf(0.008, 20), OPTIONS);
  assert.equal(few.strength, 0);
  const { more } = few;
  assert.ok(more !== null && more >= 1);
  const enough = await certify([1], [0.012], risesOf(0.008, 20 + 4 * more), OPTIONS);
  assert.deepEqual([enough.strength, enough.more], [1, null]);
  const one = await certify([1], [0.02], risesOf(0.001, 1), OPTIONS);
  assert.equal(one.strength, 0, "one document proves nothing");
});

Deno.test("certify() holds every slice to its own budget, at delta / domains", async () => {
  const both = async (strength: number) => [
    (await risesOf(0.01, 100)(strength))[0]!,
    (await risesOf(0.05, 100)(strength))[0]!,
  ];
  const { trials } = await certify([1], [0.02, 0.02], both, OPTIONS);
  assert.equal(trials[0]!.passed, false);
  const [kept, broken] = trials[0]!.bounds;
  assert.ok(kept!.upper <= 0.02 && broken!.upper > 0.02);
  const alone = await certify([1], [0.02], risesOf(0.01, 100), OPTIONS);
  assert.ok(kept!.upper > alone.trials[0]!.bounds[0]!.upper, "each at half of delta");
});

Deno.test("certify() ships too much forgetting no more often than delta", async () => {
  // The true mean is a little above the budget at strength 1: every certificate at 1 is an error.
  let wrong = 0;
  for (let seed = 0; seed < 100; seed++) {
    const { strength } = await certify([1], [0.02], risesOf(0.0201, 60, seed), OPTIONS);
    if (strength === 1) wrong++;
  }
  assert.ok(wrong <= 5, `${wrong} of 100`);
});

Deno.test("gains at some positions do not pay for what others lose", async () => {
  const mixed = (rise: Rise): Rise => ({
    ...rise,
    bands: rise.bands.map((nats, band) => band < 2 ? -1.28 : nats),
  });
  const risesAt = async (strength: number) =>
    (await risesOf(0.03, 200)(strength)).map(({ control, certificate }) => ({
      control: control.map(mixed),
      certificate: certificate.map(mixed),
    }));
  const { trials: [trial], strength } = await certify([1], [0.02], risesAt, OPTIONS);
  const { net, mean, upper } = trial!.bounds[0]!;
  assert.ok(net < 0.01, `net ${net}: the text as a whole is within the budget`);
  assert.ok(mean > 0.025 && upper > mean && strength === 0, `counted ${mean}, at most ${upper}`);
});

Deno.test("a document beyond the limit counts no more than that, and the claim says how many may be", async () => {
  const [{ control, certificate }] = (await risesOf(0.005, 200)(1)) as [
    Awaited<ReturnType<ReturnType<typeof risesOf>>>[number],
  ];
  const wild = certificate.map((rise, i) => i < 2 ? document(3) : rise);
  const domains = () => Promise.resolve([{ control, certificate: wild }]);
  const { trials: [trial], strength } = await certify([1], [0.02], domains, OPTIONS);
  const { mean, upper, beyond, limit } = trial!.bounds[0]!;
  assert.equal(strength, 1);
  assert.ok(mean > 0.03 && upper < 0.02, "the mean counts them whole, the bound up to the limit");
  assert.ok(limit < 10 && beyond > 2 / 200 && beyond < 0.04, `limit ${limit}, beyond ${beyond}`);
});

/** Slices of documents of one length. */
function domainsOf(count: number) {
  const ids = new Uint32Array(TOKENS + 1);
  const example = { ids, labels: Int32Array.from(ids, (_, i) => i === 0 ? -100 : 1), origin: "x" };
  const [budget] = parseBudget("ppl:2%");
  const blocks = (count: number) => Array.from({ length: count }, () => [example]);
  return [{ name: "all", budget: budget!, control: blocks(64), certificate: blocks(count) }];
}

Deno.test("what no result could pass is refused before a run, with the number that could", async () => {
  for (const [strict, least] of [[false, 13], [true, 188]] as const) {
    const options = { delta: 0.05, strict };
    const tested = { ...options, delta: levelAfter(0, options.delta) };
    requireDocuments(domainsOf(least), options);
    const few = new RegExp(
      `^FileError: Retention text all: found ${
        least - 1
      } documents to .* wanted at least ${least},`,
    );
    assert.throws(() => requireDocuments(domainsOf(least - 1), options), (fault) => {
      return fault instanceof FileError && few.test(String(fault));
    });
    const nothing = (count: number) => Array.from({ length: count }, () => document(0));
    const at = (count: number) => () =>
      Promise.resolve([{ control: nothing(64), certificate: nothing(count) }]);
    const epsilon = Math.log(1.02);
    assert.equal((await certify([1], [epsilon], at(least), tested)).strength, 1);
    assert.equal((await certify([1], [epsilon], at(least - 1), tested)).strength, 0);
  }
});

Deno.test("the number that could pass is that of documents as long as those at hand", async () => {
  const lengths = [10, 250, 40, 100]; // few long ones carry most of the tokens
  const documents = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const ids = new Uint32Array(lengths[i % 4]! + 1);
      return [{ ids, labels: Int32Array.from(ids, (_, i) => i === 0 ? -100 : 1), origin: "x" }];
    });
  const [budget] = parseBudget("ppl:2%");
  const options = { delta: 0.05, strict: true };
  const domain = { name: "all", budget: budget!, control: documents(64) };
  let wanted = 0;
  assert.throws(
    () => requireDocuments([{ ...domain, certificate: documents(100) }], options),
    (fault) => (wanted = Number(/at least (\d+),/.exec(String(fault))?.[1])) > 100,
  );
  const none = (count: number) =>
    documents(count).map(([block]): Rise => ({
      tokens: block!.ids.length - 1,
      bands: BANDS.map(() => 0),
    }));
  const at = (count: number) => () =>
    Promise.resolve([{ control: none(64), certificate: none(count) }]);
  const whole = Math.ceil(wanted / 4) * 4; // the same mixture of lengths
  const tested = { ...options, delta: levelAfter(0, options.delta) };
  assert.equal((await certify([1], [budget!.epsilon], at(whole), tested)).strength, 1);
  assert.equal((await certify([1], [budget!.epsilon], at(whole - 8), tested)).strength, 0);
});
