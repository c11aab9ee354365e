/** A run may be stopped wherever it heeds a stop, and goes on to the same end. */
import assert from "node:assert/strict";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { StoppedError } from "../../src/errors.ts";
import { exists } from "../../src/io/files.ts";
import { stoppable } from "../../src/stop.ts";
import { random } from "../../src/random.ts";
import { Toy, type ToySettings } from "./toy.ts";

/** A stop that is wanted from the n-th look on, and how often it was looked at. */
function stopAt(n: number) {
  return {
    looks: 0,
    get aborted() {
      return ++this.looks > n;
    },
  };
}

Deno.test("a run that is stopped at any look ends in the same bytes when it goes on", async () => {
  using toy = new Toy();
  const settings: ToySettings = {
    guard: { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%", task_rows: 3 },
    eval: {
      data: [{ path: toy.rows, format: "tokens" }],
      ...{ samples: 1, sample_tokens: 3, sample_every: 4 },
    },
    train: { steps: 8, eval_every: 2, checkpoint_every: 0 },
  };
  const never = stopAt(Infinity);
  await stoppable(never, () => toy.train("whole", settings));
  const wanted = timeless(toy, "whole");
  // The last looks are those of selection and of the certificate.
  const places = [...Array(4).keys()].map((i) => Math.floor(never.looks * random(7, i)));
  for (const [i, place] of [...places, never.looks - 2].entries()) {
    const out = `stopped ${i}`;
    const stop = stopAt(place);
    const begun = await stoppable(stop, () => toy.train(out, settings))
      .catch((fault) => {
        assert.ok(fault instanceof StoppedError, String(fault));
        return null;
      });
    if (begun) assert.ok(begun.stopped, `at look ${place} of ${never.looks}`);
    await toy.train(out, settings, { resume: begun !== null });
    assert.deepEqual(toy.adapter(out), toy.adapter("whole"), `at look ${place}`);
    assert.deepEqual(timeless(toy, out), wanted, `at look ${place}`);
  }
});

Deno.test("a run that is stopped while it reads or encodes rows leaves nothing", async () => {
  using toy = new Toy();
  const path = toy.path("asked.jsonl");
  const row = JSON.stringify({ instruction: "say it", output: "it is a cat and a dog " });
  Deno.writeTextFileSync(path, `${row}\n`.repeat(4000));
  const settings: ToySettings = { data: [{ path, template: "plain" }], train: { epochs: 1 } };
  const { looks } = await looksBeforeTraining(toy, settings);
  assert.ok(looks > 4, `${looks} looks while rows are read and encoded`);
  for (const place of new Set([0, 1, Math.floor(looks / 2), looks - 1])) {
    const stopped = stoppable(stopAt(place), () => toy.train("out", settings));
    await assert.rejects(stopped, StoppedError, `at look ${place} of ${looks}`);
    assert.throws(() => Deno.statSync(toy.path("out")), Deno.errors.NotFound);
  }
});

/** How often a run looks whether it is stopped before its folder is made. */
async function looksBeforeTraining(toy: Toy, settings: ToySettings) {
  const before = {
    looks: 0,
    get aborted() {
      const isTraining = exists(toy.path("counted", "config.json"));
      if (!isTraining) this.looks++;
      return isTraining;
    },
  };
  await stoppable(before, () => toy.train("counted", settings)).catch(() => {});
  return before;
}

/** The metrics of a run but for its speed. */
const timeless = (toy: Toy, out: string) =>
  toy.metrics(out).map((metrics) => ({ ...metrics, tokens_per_second: 0 }));

Deno.test("a merge that is stopped leaves nothing", async () => {
  using toy = new Toy();
  await toy.train("run", { train: { steps: 1 } });
  for (const looks of [0, 3, 15, 30]) {
    assert.throws(
      () =>
        stoppable(
          stopAt(looks),
          () => mergeAdapter(toy.model, toy.path("run", "adapter"), toy.path("merged")),
        ),
      StoppedError,
    );
    const left = [...Deno.readDirSync(toy.folder)].map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.startsWith("merged")), []);
  }
});
