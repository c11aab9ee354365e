import assert from "node:assert/strict";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import {
  accumulate,
  adamw,
  lion,
  sgd,
  sum,
  sumSquares,
  type UpdateRule,
} from "../../src/ops/mod.ts";
import { accumulate as accumulateTwin } from "../../src/reference/accumulate.ts";
import { adamw as adamwTwin } from "../../src/reference/adamw.ts";
import { lion as lionTwin } from "../../src/reference/lion.ts";
import { sgd as sgdTwin } from "../../src/reference/sgd.ts";
import { sumSquares as sumSquaresTwin } from "../../src/reference/sum_squares.ts";
import { total } from "../../src/reference/total.ts";
import { assertClose, noise, testOp } from "../harness.ts";
import { flatEngine, golden, updater } from "./updater.ts";

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

const DECAY = 0.1;
const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 };

const clips = [
  { clip: 0, size: 1 },
  { clip: 0.5, size: 1 },
  { clip: 100, size: 1 },
  { clip: 1e-6, size: 1e-7 }, // the norm is as small as what guards its division
];

type Moments = Readonly<Record<"p" | "m" | "v", Float64Array>>;
type Step = { rate: number; t: number; clip: number };

/** Each optimiser with the twin of one update. */
const RULES: Readonly<
  Record<string, {
    rule: (clip: number) => UpdateRule;
    twin: (at: Moments, gradient: Float64Array, step: Step, norm: number) => Partial<Moments>;
  }>
> = {
  adamw: {
    rule: (clip) => adamw({ ...settings, clip }),
    twin: ({ p, m, v }, gradient, step, norm) =>
      adamwTwin(p, gradient, m, v, { ...settings, ...step, decay: DECAY }, norm),
  },
  lion: {
    rule: (clip) => lion({ ...settings, clip }),
    twin: ({ p, m }, gradient, step, norm) =>
      lionTwin(p, gradient, m, { ...settings, ...step, decay: DECAY }, norm),
  },
  ...Object.fromEntries([false, true].map((nesterov) => [`sgd, nesterov ${nesterov}`, {
    rule: (clip: number) => sgd({ momentum: 0.9, nesterov, clip }),
    twin: ({ p, m }: Moments, gradient: Float64Array, step: Step, norm: number) =>
      sgdTwin(p, gradient, m, { ...step, momentum: 0.9, nesterov, decay: DECAY }, norm),
  }])),
};

for (const [name, { rule, twin }] of Object.entries(RULES)) {
  for (const { clip, size } of clips) {
    Deno.test(`${name} equals ten steps of its twin, clipped at ${clip}`, async () => {
      const N = 640;
      const { write, run, destroy } = await updater(N, rule(clip), { maxBinding: 263_000 });
      const start = noise(N, 5);
      write("params", start);
      let exact: Moments = {
        p: Float64Array.from(start),
        m: new Float64Array(N),
        v: new Float64Array(N),
      };
      for (let t = 1; t <= 10; t++) {
        const gradient = noise(N, 100 + t).map((g) => size * g);
        const found = await run(gradient, 0.01 * t, t);
        const norm = gradient.reduce((sum, g) => sum + g * g, 0);
        const step = { rate: 0.01 * t, t, clip };
        exact = { ...exact, ...twin(exact, Float64Array.from(gradient), step, norm) };
        for (const [name, numbers] of Object.entries(found)) {
          assertClose(numbers, exact[name as keyof Moments], 3e-6, `${name} after ${t}`);
        }
      }
      destroy();
    });
  }
}

const GOLDEN_RULES: Readonly<Record<string, UpdateRule>> = {
  adamw: adamw({ beta1: 0.8, beta2: 0.95, epsilon: 1e-6, clip: 0 }),
  lion: lion({ beta1: 0.8, beta2: 0.95, clip: 0 }),
  sgd: sgd({ momentum: 0.7, nesterov: false, clip: 0 }),
  nesterov: sgd({ momentum: 0.7, nesterov: true, clip: 0 }),
};

Deno.test("every optimiser makes the golden updates", async (t) => {
  assert.deepEqual(Object.keys(GOLDEN_RULES), Object.keys(golden.updates));
  for (const [name, { start, gradients, after }] of Object.entries(golden.updates)) {
    await t.step(name, async () => {
      const groups = [{ from: 0, numbers: 64, rate: 1, decay: golden.decay }];
      const { write, run, destroy } = await updater(64, GOLDEN_RULES[name]!, { groups });
      const filled = (numbers: number[]) =>
        Float32Array.from({ length: 64 }, (_, i) => numbers[i] ?? 0);
      write("params", filled(start));
      for (const [i, gradient] of gradients.entries()) {
        const { p } = await run(filled(gradient), golden.rate, i + 1);
        assertClose(p.subarray(0, start.length), after[i]!, 1e-6, `after ${i + 1}`);
        assert.ok(p.subarray(start.length).every((p) => p === 0));
      }
      destroy();
    });
  }
});

Deno.test("adamw() updates each group by its own rate and decay, across bindings too", async () => {
  const N = 70_016;
  const sizes = [64, 64, 64, 59_840, 9984];
  const groups = sizes.map((numbers, i) => {
    const from = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
    return { from, numbers, rate: [1, 3, 1, 0.5, 16][i]!, decay: [0, 2, 1, 2, 0][i]! };
  });
  const { write, run, destroy } = await updater(N, adamw(settings), {
    maxBinding: 262_400,
    groups,
  });
  const [start, gradient] = [noise(N, 1), noise(N, 2)];
  write("params", start);
  const found = await run(gradient, 0.1, 1);
  const exact = Float64Array.from(gradient);
  const norm = exact.reduce((sum, g) => sum + g * g, 0);
  const zeros = new Float64Array(N);
  for (const { from, numbers, rate, decay } of groups) {
    const step = { ...settings, rate: 0.1 * rate, decay, t: 1 };
    const twin = adamwTwin(Float64Array.from(start), exact, zeros, zeros, step, norm);
    for (const name of ["p", "m"] as const) {
      const part = (of: Float32Array | Float64Array) => of.subarray(from, from + numbers);
      assertClose(part(found[name]), part(twin[name]), 3e-6, `${name} from ${from} on`);
    }
  }
  destroy();
});

Deno.test("adamw() updates every range of a buffer that is bound in several", async () => {
  const N = 70_016;
  const [whole, ranges] = [
    await updater(N, adamw(settings)),
    await updater(N, adamw(settings), { maxBinding: 262_400 }),
  ];
  for (const { write } of [whole, ranges]) write("params", noise(N, 1));
  const expected = await whole.run(noise(N, 2), 0.1, 1);
  const found = await ranges.run(noise(N, 2), 0.1, 1);
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
    const { write, run, resume, destroy } = await updater(640, adamw(settings));
    write("params", noise(640, 1));
    const before = await run(noise(640, 2), 0.1, 1);
    const broken = noise(640, 3);
    broken[77] = gradient;
    const [halted, later] = [await run(broken, 0.1, 1), await run(noise(640, 4), 0.1, 1)];
    for (const name of ["p", "m", "v"] as const) {
      assertClose(halted[name], before[name], 0, name);
      assertClose(later[name], before[name], 0, name);
    }
    resume();
    assert.notDeepEqual((await run(noise(640, 4), 0.1, 1)).p, before.p);
    destroy();
  });
}
