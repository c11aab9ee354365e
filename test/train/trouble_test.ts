/** Numbers that are NaN or infinite: no update is made with them, and the run goes on or says so. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { GpuError } from "../../src/errors.ts";
import { exists } from "../../src/io/files.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { methodsOf } from "../../src/methods.ts";
import type { SideMethod } from "../../src/objectives/objective.ts";
import type { RunEvent } from "../../src/runs/events.ts";
import type { FreeResult } from "../../src/train/options.ts";
import { train, trainWith } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { methodOf, numbersIn, Toy, type ToySettings } from "./toy.ts";

/** Plants numbers into a param before an update, the first so many times that it comes. */
function plant(param: string, value: number, step: number, times = 1): SideMethod {
  let left = times;
  return methodOf(({ engine: { store } }) => ({
    name: "planted",
    hook: {
      lag: 0,
      rate: 1,
      isReady: () => true,
      before(now: number) {
        if (now === step && left-- > 0) {
          const { length } = new Float32Array(store.param(param).size / 4);
          store.writeParam(param, new Float32Array(length).fill(value));
        }
        return Promise.resolve(null);
      },
      age: (now: number) => now + 1,
    },
    close() {},
  }));
}

async function run(toy: Toy, out: string, settings: ToySettings, beside: SideMethod[]) {
  const parsed = parseConfig({ values: toy.values(out, { guard: false, ...settings }) });
  const events: RunEvent[] = [];
  const { device } = await engine();
  const methods = { ...methodsOf(parsed.config), beside };
  const on = (event: RunEvent) => void events.push(event);
  const ended = await trainWith(methods, parsed, { device, on }).catch((fault: Error) => fault);
  return { ended, back: events.filter((event) => event.kind === "back") };
}

const B = "model.layers.1.self_attn.k_proj.lora_B.weight";
const settings = { train: { steps: 12, checkpoint_every: 4 } };

/** A run on the files of a black box. */
function replay(toy: Toy, blackBox: string) {
  const file = join(blackBox, "train.json");
  const flags = { out: toy.path("again"), history: "false" };
  return train(parseConfig({ file, flags }));
}

Deno.test("NaN planted in a layer and update is named, gone back from, and on with half the rate", async () => {
  using toy = new Toy();
  const { ended, back: [gone] } = await run(toy, "run", settings, [plant(B, NaN, 6)]);
  assert.ok(!(ended instanceof Error), String(ended));
  const { step, to, rate, reason, blackBox } = gone!;
  assert.deepEqual([step, to, rate], [6, 4, 0.5]);
  assert.match(reason, /^The (loss|gradient norm) of step 6 is NaN; /);
  assert.ok(reason.endsWith(`${B} was no finite number before it`), reason);
  const metrics = toy.metrics("run");
  assert.deepEqual(metrics.map(({ step }) => step), [...Array(12).keys()]);
  assert.equal(metrics[4]!.lr / metrics[3]!.lr < 0.51, true);
  const report = JSON.parse(Deno.readTextFileSync(join(blackBox!, "report.json")));
  assert.deepEqual(report.updates.map(({ step }: { step: number }) => step), [0, 1, 2, 3, 4, 5]);
  assert.ok(report.rows.length > 0 && report.rows.every((row: string) => /:\d+$/.test(row)));
  assert.deepEqual(report.first, { param: B });
  const saved = toy.path("run", "adapter", "adapter_model.safetensors");
  assert.ok(numbersIn(saved, `base_model.model.${B}`).every(Number.isFinite));
});

Deno.test("what overflows is found where it does, and the black box shows it again", async () => {
  using toy = new Toy();
  const { ended, back: [gone] } = await run(toy, "run", settings, [plant(B, 3e38, 6)]);
  assert.ok(!(ended instanceof Error), String(ended));
  const { reason, blackBox } = gone!;
  assert.match(
    reason,
    /of step 6 is \S+; the first is in \w+ of model\.layers\.1\.self_attn\.k_proj/,
  );
  await assert.rejects(replay(toy, blackBox!), (fault: Error) => {
    const finding = /the first is in .*k_proj[^;:]*/;
    assert.equal(finding.exec(fault.message)?.[0], finding.exec(reason)?.[0]);
    return /of step 0 is/.test(fault.message);
  });
});

Deno.test("a run without folder goes back too, to its beginning where there is no checkpoint", async () => {
  using toy = new Toy();
  const parsed = parseConfig({ values: toy.values("run", { guard: false, train: { steps: 3 } }) });
  const methods = { ...methodsOf(parsed.config), beside: [plant(B, NaN, 2)] };
  const back: RunEvent[] = [];
  const on = (event: RunEvent) => void (event.kind === "back" && back.push(event));
  const { device } = await engine();
  const { adapter } = await trainWith(methods, parsed, { out: null, device, on }) as FreeResult;
  assert.ok(adapter!.modules.every(({ b }) => b.every(Number.isFinite)));
  assert.equal(back.length, 1);
  assert.equal(exists(parsed.config.out), false);
});

for (const steps of [1, 2, 5]) {
  Deno.test(`a rate that no number survives ends in a sentence, and nothing is saved (${steps})`, async () => {
    using toy = new Toy();
    const train = { steps, lr: 1e30, warmup: 0, checkpoint_every: 1 };
    const { ended, back } = await run(toy, "run", { train }, []);
    assert.ok(ended instanceof GpuError, String(ended));
    assert.match(
      ended.message,
      /^The .* is (NaN|Infinity); .* after 3 times back with half the rate/,
    );
    assert.match(ended.message, /lower train\.lr, which is 1e\+30, or look into .*trouble/);
    assert.equal(back.length, 3);
    assert.ok(!exists(toy.path("run", "adapter")));
    const { ended: resumed } = await run(toy, "run", { train: { ...train, retries: 0 } }, []);
    assert.match(String(resumed), /holds another run/);
  });
}

Deno.test("train.retries: 0 stops at once; times are counted over checkpoints", async () => {
  using toy = new Toy();
  const none = { train: { ...settings.train, retries: 0 } };
  const { ended, back } = await run(toy, "none", none, [plant(B, NaN, 6)]);
  assert.match(String(ended), /NaN; .* before it: lower train\.lr, which is 0\.01, or look into/);
  assert.equal(back.length, 0);
  const often = [plant(B, NaN, 6, 2)];
  const { ended: done, back: times } = await run(toy, "often", settings, often);
  assert.ok(!(done instanceof Error), String(done));
  assert.deepEqual(times.map(({ to, rate }) => [to, rate]), [[4, 0.5], [0, 0.25]]);
});
