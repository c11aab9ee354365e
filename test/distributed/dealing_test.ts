/** What ranks measure and go forward for: each makes its part, and all have the bits of one. */
import assert from "node:assert/strict";
import { Communicator } from "../../src/distributed/communicator.ts";
import { dealtTo, firstDecides, isInAll } from "../../src/distributed/dealing.ts";
import { inProcess } from "../../src/distributed/transport.ts";
import { ConfigError, StoppedError } from "../../src/errors.ts";
import { queueDocuments } from "../../src/eval/documents.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { stoppable } from "../../src/stop.ts";
import { freshEngine, tinyExamples, withTiny } from "../models/tiny.ts";
import { Toy } from "../train/toy.ts";
import { assertSameBits, GUARD, SHARED, untimed } from "./together.ts";

const ranksOf = (size: number) =>
  inProcess(size).map((transport) => new Communicator(transport, 60));

Deno.test("documents are dealt to ranks row by row, and every rank has the bits of all", () =>
  withTiny({}, async (folder, { vocab }) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const program = await LossProgram.open(engine, model, { T: 24 });
    const examples = tinyExamples(vocab, [19, 10, 24, 5, 7, 16, 23]);
    const feed = program.feed.bind(program);
    let fed = 0;
    program.feed = (...packed) => {
      fed++;
      feed(...packed);
    };
    const measure = async () => await (await queueDocuments(program, examples)).result;
    const alone = await measure();
    const rows = fed;
    for (const size of [2, 3, 8]) {
      fed = 0;
      const found = await Promise.all(ranksOf(size).map((ranks) => dealtTo(ranks, measure)));
      for (const losses of found) assert.deepEqual(losses, alone, `${size} ranks`);
      assert.equal(fed, rows, "each row once, whoever made it");
    }
    const different = ranksOf(2).map((ranks) =>
      dealtTo(ranks, () => queueDocuments(program, examples.slice(ranks.rank)))
    );
    for (const { reason } of await Promise.allSettled(different) as PromiseRejectedResult[]) {
      assert.ok(reason instanceof ConfigError);
      assert.match(reason.message, /^Ranks disagree: the number of .* that are measured/);
    }
    const stopped = ranksOf(2).map((ranks) =>
      dealtTo(ranks, measure, { aborted: ranks.rank === 1 })
    );
    for (const { reason } of await Promise.allSettled(stopped) as PromiseRejectedResult[]) {
      assert.ok(reason instanceof StoppedError);
    }
    program.compiled.destroy();
    engine.store.destroy();
  }));

Deno.test("rank 0 decides for all, and what is so in all is so in each", async () => {
  const found = await Promise.all(
    ranksOf(3).map((ranks) =>
      dealtTo(ranks, async () => [
        await firstDecides(() => ({ of: ranks.rank })),
        await firstDecides(() => null),
        await isInAll(ranks.rank < 2),
        await isInAll(true),
      ])
    ),
  );
  assert.deepEqual(found, Array(3).fill([{ of: 0 }, null, false, true]));
  assert.deepEqual(await dealtTo(ranksOf(1)[0]!, () => firstDecides(() => 7)), 7);
});

const NUMBERS = Array.from({ length: 24 }, (_, i) => i);

function writeRows(toy: Toy, rows: readonly object[]): string {
  const path = toy.path("written.jsonl");
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  return path;
}

Deno.test("preferences with a reference are those of one rank", async () => {
  using toy = new Toy();
  const path = writeRows(
    toy,
    NUMBERS.slice(0, 12).map((i) => ({
      prompt: `say ${i}: `,
      chosen: `a long word ${i}`,
      rejected: "no",
    })),
  );
  await assertSameBits(toy, {
    data: [{ path }],
    objective: { kind: "dpo" },
    eval: { data: [{ path }] },
    train: { ...SHARED, steps: undefined, epochs: 2, eval_every: 2 },
  }, [2]);
});

Deno.test("classes are those of one rank", async () => {
  using toy = new Toy();
  const path = writeRows(
    toy,
    NUMBERS.map((i) => ({ text: `${"tom saw ann ".repeat(1 + i % 2)}${i}`, label: "ab"[i % 2] })),
  );
  await assertSameBits(toy, {
    data: [{ path, format: "classified" }],
    objective: { kind: "classify", labels: ["a", "b"] },
    eval: { data: [{ path, format: "classified" }] },
    train: { ...SHARED, eval_every: 2 },
  }, [4]);
});

Deno.test("one rank that is stopped while all certify stops all, and they go on to the same end", async () => {
  using toy = new Toy();
  const settings = { train: SHARED, guard: { ...GUARD, text: [toy.text] } };
  await toy.train("alone", settings);
  let isAsked = false;
  const stop = {
    get aborted() {
      return isAsked;
    },
  };
  const train = (resume: boolean) =>
    Promise.all(
      ranksOf(2).map((ranks) => {
        const say = (line: string) => void (isAsked ||= /selecting and certifying/.test(line));
        const work = () => toy.train("of-2", settings, { ranks, resume, say });
        return ranks.rank === 1 && !resume ? stoppable(stop, work) : work();
      }),
    );
  const stopped = await train(false);
  assert.deepEqual(stopped.map(({ stopped, step }) => [stopped, step]), Array(2).fill([true, 3]));
  const whole = await train(true);
  assert.deepEqual(whole.map(({ stopped }) => stopped), [false, false]);
  assert.deepEqual(toy.adapter("of-2"), toy.adapter("alone"));
  assert.deepEqual(untimed(toy.metrics("of-2")), untimed(toy.metrics("alone")));
});
