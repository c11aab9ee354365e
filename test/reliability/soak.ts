/**
 * Soak: a long guarded run on a tiny model, and whether its memory stays flat. `deno task soak` spreads
 * 10,000 updates over two hours; `SOAK_UPDATES`, `SOAK_EVERY` and `SOAK_MINUTES` say otherwise. Memory is
 * read behind a full collection: what V8 has not collected yet comes and goes by tens of MiB as it
 * pleases, which would hide a leak.
 *
 * @module
 */
import { parseConfig } from "../../src/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { Toy } from "../train/toy.ts";

/** How much more than after the first minute is still flat. */
const FLAT = 1.05;
const MINUTE = 60_000;

const numberOf = (name: string, otherwise: number) => Number(Deno.env.get(name) ?? otherwise);
const updates = numberOf("SOAK_UPDATES", 10_000);
const every = numberOf("SOAK_EVERY", 100);
const minutes = numberOf("SOAK_MINUTES", 120);

/** What the process and its device hold, in MiB. */
interface Held {
  readonly resident: number;
  /**
   * Of `resident`, what it has allocated, without what V8 holds in store for its heap. Pages of
   * programs are left out too: the system takes and brings them.
   */
  readonly own: number;
  readonly heap: number;
  readonly device: number;
}

const { device } = await engine();
const mib = (bytes: number) => bytes / 2 ** 20;

/** V8's own collector, which `--expose-gc` gives. */
const { gc: collect } = globalThis as unknown as { gc(): void };

/** Bytes of memory behind no file; where the system does not say, all that is resident. */
function own(resident: number): number {
  if (Deno.build.os !== "linux") return resident;
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status")) ?? [];
  return kib === undefined ? resident : Number(kib) * 1024;
}

function held(): Held {
  collect();
  const { rss, heapTotal, heapUsed } = Deno.memoryUsage();
  const spare = heapTotal - heapUsed;
  return {
    resident: mib(rss),
    own: mib(own(rss) - spare),
    heap: mib(heapUsed),
    device: mib(device.allocated),
  };
}

/** Holds the thread until `updates` updates at an even pace have come to `done` of them. */
function keepPace(start: number, done: number): void {
  const due = start + minutes * MINUTE * (done / updates);
  const ms = due - performance.now();
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Everything that a run does again and again: guard, checkpoints, measuring, samples, history. */
function settings(toy: Toy) {
  return toy.values("run", {
    guard: { text: [toy.text], every: 25, budget: "ppl:5%", share: 0.5 },
    train: { steps: updates, checkpoint_every: 100, eval_every: 100 },
    eval: { data: [{ path: toy.rows, format: "tokens" }] },
  });
}

async function soak(): Promise<Held[]> {
  using toy = new Toy();
  const start = performance.now();
  const after: Held[] = [];
  console.log("| update | minutes | resident MiB | own MiB | JS heap MiB | device MiB |");
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: |");
  await train(parseConfig({ values: settings(toy) }), {
    device,
    on(event) {
      if (event.kind !== "update") return;
      keepPace(start, event.metrics.step);
      if (event.metrics.step % every !== 0) return;
      const now = held();
      const ms = performance.now() - start;
      if (ms > MINUTE) after.push(now);
      const cells = [event.metrics.step, ms / MINUTE, now.resident, now.own, now.heap, now.device];
      console.log(`| ${cells.map((cell, i) => i === 0 ? cell : cell.toFixed(1)).join(" | ")} |`);
    },
  });
  return after;
}

const [first, ...rest] = await soak();
if (!first) throw new RangeError("The run took less than a minute; wanted more SOAK_UPDATES");
const grown = (name: keyof Held) => Math.max(...rest.map((held) => held[name])) / first[name];
const [resident, allocated, onDevice] = [grown("resident"), grown("own"), grown("device")];
const words = (ratio: number) => `${(100 * (ratio - 1)).toFixed(1)} %`;
console.log(
  `most above the first minute: own ${words(allocated)}, device ${words(onDevice)} ` +
    `(resident ${words(resident)})`,
);
device.close();
Deno.exit(allocated <= FLAT && onDevice <= FLAT ? 0 : 1);
