/** Devices that are lost or full in the middle of a run. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";
import { DeviceLost, OutOfMemory } from "../../src/errors.ts";
import { createBuffer, read, whole } from "../../src/gpu/buffer.ts";
import { type Device, openDevice } from "../../src/gpu/device.ts";
import type { RunEvent } from "../../src/runs/events.ts";
import { train } from "../../src/train/run.ts";
import { sized } from "../../src/train/sizes/choice.ts";
import { type Attempt, onWorkingDevice } from "../../src/train/trouble/device.ts";
import { engine } from "../harness.ts";
import { Toy, type ToySettings } from "./toy.ts";

const { device: shared } = await engine();
const settings = { guard: false as const, train: { steps: 9, checkpoint_every: 4 } };

/** A run whose device, one of its own, meets something when an update is told; and what it says. */
async function run(
  toy: Toy,
  out: string,
  at: number,
  meet: (device: Device) => void,
  { train: more = {}, ...rest }: ToySettings = {},
) {
  const { kernelSet, matrixReads } = shared;
  using device = await openDevice({ kernelSet, matrixReads });
  const events: RunEvent[] = [];
  const on = (event: RunEvent) => {
    events.push(event);
    if (event.kind === "update" && event.metrics.step === at) meet(device);
  };
  const all = { ...settings, ...rest, train: { ...settings.train, ...more } };
  await train(parseConfig({ values: toy.values(out, all) }), { device, on });
  return events;
}

/** As WebGPU says that there is no room. */
function full({ gpu }: Device): void {
  const error = new GPUOutOfMemoryError("no room");
  gpu.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
}

const backs = (events: readonly RunEvent[]) => events.filter((event) => event.kind === "back");

Deno.test("a run whose device is lost goes on with a new one, and ends in the same bits", async () => {
  using toy = new Toy();
  await toy.train("whole", settings);
  const events = await run(toy, "lost", 6, (device) => device.gpu.destroy());
  const [back, ...more] = backs(events);
  assert.equal(more.length, 0);
  assert.ok(back!.to === 4 && back!.rate === 1, JSON.stringify(back));
  assert.match(back!.reason, /^The GPU was lost.*: on with a new device$/);
  assert.deepEqual(toy.adapter("lost"), toy.adapter("whole"));
  assert.deepEqual(toy.metrics("lost").map(({ step }) => step), [...Array(9).keys()]);
  assert.equal(events.filter(({ kind }) => kind === "start").length, 1);
});

Deno.test("a run whose device is full goes on in less memory, from its last checkpoint", async () => {
  using toy = new Toy();
  await toy.train("whole", settings);
  const events = await run(toy, "full", 6, full);
  const [back] = backs(events);
  assert.equal(back!.to, 4);
  assert.equal(back!.reason, "The GPU has no memory left (no room): on with train.recompute true");
  assert.deepEqual(toy.adapter("full"), toy.adapter("whole"));
});

Deno.test("a run that recomputes already goes on with smaller micro-batches, and ends", async () => {
  using toy = new Toy();
  const rows = Array.from({ length: 12 }, (_, i) => ({ length: 9 + i }));
  const data = [{ path: toy.writeRows("short.jsonl", rows), format: "tokens" }];
  const events = await run(toy, "full", 6, full, { data, train: { recompute: true } });
  const [back] = backs(events);
  assert.equal(back!.to, 4);
  assert.match(
    back!.reason,
    /^The GPU has no memory left.*: on with train\.micro_batch_tokens 32$/,
  );
  assert.deepEqual(toy.metrics("full").map(({ step }) => step), [...Array(9).keys()]);
  assert.ok(toy.adapter("full").length > 0);
});

Deno.test("a full device is met with recompute, then with smaller micro-batches, three times", async () => {
  using toy = new Toy();
  const { config } = parseConfig({ values: toy.values("run", settings) });
  const tried: unknown[] = [];
  type OnSized = Parameters<Parameters<typeof onWorkingDevice>[1]>[1];
  const attempt = ({ config, after }: Attempt, onSized: OnSized): Promise<never> => {
    const { micro_batch_tokens: T, recompute = false } = config.train;
    onSized(sized(config, T!, recompute));
    tried.push([recompute, T, after?.split(": ")[1] ?? null]);
    return Promise.reject(new OutOfMemory("full"));
  };
  await assert.rejects(onWorkingDevice({ config, device: undefined }, attempt), OutOfMemory);
  assert.deepEqual(tried, [
    [false, 64, null],
    [true, 64, "on with train.recompute true"],
    [true, 32, "on with train.micro_batch_tokens 32"],
    [true, 16, "on with train.micro_batch_tokens 16"],
  ]);
});

Deno.test("whatever touches a lost device says that it was lost", async () => {
  using device = await openDevice({ kernelSet: "register", matrixReads: "buffer" });
  const buffer = createBuffer(device, 64, "x");
  device.gpu.destroy();
  await assert.rejects(read(device, whole(buffer)), (fault) => {
    return fault instanceof DeviceLost && /^The GPU was lost/.test(fault.message);
  });
  assert.ok(await device.behind(new Error("anything")) instanceof DeviceLost);
  const other = new Error("no room on the disk");
  assert.equal(await shared.behind(other), other);
});
