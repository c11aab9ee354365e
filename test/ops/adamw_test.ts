import assert from "node:assert/strict";
import { clear, readFloats, upload } from "../../src/gpu/buffer.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { type Flat, Store } from "../../src/graph/store.ts";
import {
  accumulate,
  adamw,
  adamwStep,
  type FlatRange,
  halt,
  STEP_SIZE,
  sum,
  sumSquares,
} from "../../src/ops/mod.ts";
import { assertClose, engine, narrow, noise, testOp } from "../harness.ts";
import { accumulate as accumulateTwin } from "../../src/reference/accumulate.ts";
import { adamw as adamwTwin, type AdamWStep } from "../../src/reference/adamw.ts";
import { sumSquares as sumSquaresTwin } from "../../src/reference/sum_squares.ts";
import { total } from "../../src/reference/total.ts";

for (const N of [1000, 70_000]) {
  testOp({
    name: `sumSquares() of ${N}`,
    given: { x: { shape: [N] } },
    build: (graph, { x }) => ({ sum: sumSquares(graph, x!) }),
    twin: ({ x }) => ({ sum: sumSquaresTwin(x!, { N, PARTS: 1 }) }),
    maxBinding: 262_400, // two ranges of the larger one
  });
}

testOp({
  name: "sum()",
  given: { x: { shape: [4999] } },
  build: (graph, { x }) => ({ y: sum(graph, x!) }),
  twin: ({ x }) => ({ y: Float64Array.of(total(x!)) }),
});

/** Device and store of a test: the flat buffers hold N numbers and are bound in ranges. */
async function flatEngine(N: number, maxBinding: number) {
  const shared = await engine();
  const store = new Store(shared.device);
  store.addParams([new Graph().param("w", [N], "rows")]);
  const own = { ...narrow(shared, maxBinding), store };
  return {
    own,
    write: (flat: Flat, numbers: Float32Array) => upload(own.device, store.flat(flat), numbers),
    read: (flat: Flat) => readFloats(own.device, store.flat(flat)),
  };
}

/** Compiles an update of N numbers; `run` makes one step and returns the flat buffers. */
async function updater(
  N: number,
  maxBinding = 1 << 20,
  undecayed: readonly FlatRange[] = [],
) {
  const { own, write, read } = await flatEngine(N, maxBinding);
  const graph = new Graph();
  const state = (name: Flat) => graph.state(name, [N]);
  const gradients = state("gradients");
  const norm = sumSquares(graph, gradients);
  const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
  graph.output("halted", halted);
  adamw(graph, {
    params: state("params"),
    gradients,
    m: state("m"),
    v: state("v"),
    step: graph.input("step", [STEP_SIZE], "f32"),
    norm,
    halted,
  }, undecayed);
  const compiled = await compile(own, graph);
  const run = async (gradient: Float32Array, step: AdamWStep) => {
    write("gradients", gradient);
    compiled.write("step", adamwStep(step.rate, step.t, step));
    compiled.program.replay();
    return { p: await read("params"), m: await read("m"), v: await read("v") };
  };
  const destroy = () => {
    compiled.destroy();
    own.store.destroy();
  };
  const resume = () => clear(own.device, compiled.output("halted"));
  return { write, run, resume, destroy };
}

const settings = { decay: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

const clips = [
  { clip: 0, size: 1 },
  { clip: 0.5, size: 1 },
  { clip: 100, size: 1 },
  { clip: 1e-6, size: 1e-7 }, // the norm is as small as what guards its division
];

for (const { clip, size } of clips) {
  Deno.test(`adamw() equals ten steps of its twin, clipped at ${clip}`, async () => {
    const N = 640;
    const { write, run, destroy } = await updater(N, 263_000);
    const start = noise(N, 5);
    write("params", start);
    let twin: ReturnType<typeof adamwTwin> = {
      p: Float64Array.from(start),
      m: new Float64Array(N),
      v: new Float64Array(N),
    };
    for (let t = 1; t <= 10; t++) {
      const gradient = noise(N, 100 + t).map((g) => size * g);
      const exact = Float64Array.from(gradient);
      const step = { ...settings, rate: 0.01 * t, t, clip };
      const found = await run(gradient, step);
      const norm = exact.reduce((sum, g) => sum + g * g, 0);
      twin = adamwTwin(twin.p, exact, twin.m, twin.v, step, norm);
      for (const name of ["p", "m", "v"] as const) {
        assertClose(found[name], twin[name], 3e-6, `${name} after ${t}`);
      }
    }
    destroy();
  });
}

// p = 1, decay 0.1, rate 0.1: made in f64 from torch's formulas, apart from the twin.
Deno.test("adamw() gives the golden vector", async () => {
  const { write, run, destroy } = await updater(64);
  const one = (number: number) => Float32Array.of(number, ...new Array(63).fill(0));
  const step = { ...settings, rate: 0.1, clip: 0 };
  write("params", one(1));
  const first = await run(one(0.5), { ...step, t: 1 });
  const second = await run(one(-0.25), { ...step, t: 2 });
  assertClose([first.p[0]!, second.p[0]!], [0.8900000019999998, 0.8544662986878462], 1e-6, "p");
  assert.ok(second.p.subarray(1).every((p) => p === 0));
  destroy();
});

Deno.test("adamw() leaves ranges undecayed, across bindings too", async () => {
  const N = 70_016;
  const undecayed = [{ from: 0, numbers: 64 }, { from: 128, numbers: 64 }, {
    from: 60_032,
    numbers: 9984,
  }];
  const { write, run, destroy } = await updater(N, 262_400, undecayed);
  const step = { ...settings, decay: 3, rate: 0.1, t: 1, clip: 1 };
  const [start, gradient] = [noise(N, 1), noise(N, 2)];
  write("params", start);
  const found = await run(gradient, step);
  const exact = Float64Array.from(gradient);
  const norm = exact.reduce((sum, g) => sum + g * g, 0);
  const zeros = new Float64Array(N);
  const twin = (decay: number) =>
    adamwTwin(Float64Array.from(start), exact, zeros, zeros, { ...step, decay }, norm);
  const [decayed, whole] = [twin(3), twin(0)];
  const isLeft = (i: number) =>
    undecayed.some(({ from, numbers }) => from <= i && i < from + numbers);
  assertClose(found.p, decayed.p.map((p, i) => isLeft(i) ? whole.p[i]! : p), 3e-6, "p");
  assertClose(found.m, whole.m, 3e-6, "m");
  destroy();
});

Deno.test("adamw() updates every range of a buffer that is bound in several", async () => {
  const N = 70_016;
  const [whole, ranges] = [await updater(N), await updater(N, 262_400)];
  const step = { ...settings, rate: 0.1, t: 1, clip: 1 };
  for (const { write } of [whole, ranges]) write("params", noise(N, 1));
  const expected = await whole.run(noise(N, 2), step);
  const found = await ranges.run(noise(N, 2), step);
  for (const name of ["p", "m", "v"] as const) assertClose(found[name], expected[name], 0, name);
  assert.notEqual(expected.m.at(-1), 0);
  whole.destroy();
  ranges.destroy();
});

Deno.test("accumulate() adds, and the first one forgets what was there, NaN included", async () => {
  const N = 640;
  const { own, write, read } = await flatEngine(N, 1024);
  const graph = new Graph();
  const first = graph.input("first", [1]);
  accumulate(graph, graph.state("gradients", [N]), graph.state("sums", [N]), first);
  const compiled = await compile(own, graph);
  write("sums", new Float32Array(N).fill(NaN));
  let twin: Float64Array = new Float64Array(N).fill(NaN);
  for (const [seed, isFirst] of [[1, 1], [2, 0], [3, 0], [4, 1]] as const) {
    write("gradients", noise(N, seed));
    compiled.write("first", Uint32Array.of(isFirst));
    compiled.program.replay();
    const exact = Float64Array.from(noise(N, seed));
    twin = accumulateTwin(exact, Uint32Array.of(isFirst), twin);
    assertClose(await read("sums"), twin, 3e-6, `sums after ${seed}`);
  }
  compiled.destroy();
  own.store.destroy();
});

for (
  const [what, gradient] of [["NaN", NaN], ["infinite", -Infinity], ["too large", 3e38]] as const
) {
  Deno.test(`adamw() leaves all as it is once a gradient is ${what}, until it is resumed`, async () => {
    const { write, run, resume, destroy } = await updater(640);
    const step = { ...settings, rate: 0.1, t: 1, clip: 1 };
    write("params", noise(640, 1));
    const before = await run(noise(640, 2), step);
    const broken = noise(640, 3);
    broken[77] = gradient;
    const [halted, later] = [await run(broken, step), await run(noise(640, 4), step)];
    for (const name of ["p", "m", "v"] as const) {
      assertClose(halted[name], before[name], 0, name);
      assertClose(later[name], before[name], 0, name);
    }
    resume();
    assert.notDeepEqual((await run(noise(640, 4), step)).p, before.p);
    destroy();
  });
}
