import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesOf, Graph, type Op, type Value } from "../../src/graph/graph.ts";
import { footprint } from "../../src/graph/footprint.ts";
import { type Plan, plan, printPlan } from "../../src/graph/plan.ts";

/** An op without kernels; y takes over input a where the call says so. */
const MIX: Op<Record<string, Value>, { y: Value }, { over?: boolean }> = {
  name: "mix",
  overwrites: ({ attrs: { over } }) => over ? { y: "a" } : {},
  launches: () => [],
};

function mix(graph: Graph, ins: Value[], { over = false, size = 16 } = {}): Value {
  const named = Object.fromEntries(ins.map((value, i) => ["abcdef"[i]!, value]));
  return graph.call(MIX, named, { y: { shape: [size] } }, { over }).y;
}

/** A chain of values: each from the one before. */
function chain(graph: Graph, from: Value, sizes: number[]): Value[] {
  const values: Value[] = [];
  for (const size of sizes) values.push(mix(graph, [values.at(-1) ?? from], { size }));
  return values;
}

interface Step {
  /** Which of the values so far it reads, counted back from the last one. */
  reads: number[];
  size: number;
  over: boolean;
  output: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    reads: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 3 }),
    size: fc.integer({ min: 1, max: 64 }),
    over: fc.boolean(),
    output: fc.constantFrom(true, false, false),
  }),
  { minLength: 12, maxLength: 40 },
);

/** Builds a graph that never reads what was taken over. */
function randomGraph(steps: Step[]): Graph {
  const graph = new Graph();
  const readable = [graph.input("x", [64], "f32")];
  for (const [i, { reads, size, over, output }] of steps.entries()) {
    const ins = [...new Set(reads)].map((back) => readable[readable.length - 1 - back])
      .filter((value) => value !== undefined);
    const first = ins[0] ?? readable.at(-1)!;
    const results = [...graph.outputs.values()];
    const takes = over && first.kind === "temp" && !results.includes(first);
    const y = mix(graph, ins.length > 0 ? ins : [first], {
      over: takes,
      size: takes ? first.shape[0]! : size,
    });
    if (takes) readable.splice(readable.indexOf(first), 1);
    readable.push(y);
    if (output) graph.output(`result ${i}`, y);
  }
  graph.output("last", readable.at(-1)!);
  return graph;
}

/** From the call that makes each temporary value to the last one that reads it. */
function lifetimes(graph: Graph, { calls }: Plan) {
  const lives = new Map<Value, { from: number; to: number; takes: Value | undefined }>();
  for (const [i, { ins, outs, attrs }] of calls.entries()) {
    for (const value of Object.values(ins) as Value[]) {
      const life = lives.get(value);
      if (life) life.to = i;
    }
    lives.set(outs.y, { from: i, to: i, takes: attrs.over ? ins.a : undefined });
  }
  for (const result of graph.outputs.values()) lives.get(result)!.to = calls.length;
  return [...lives];
}

Deno.test("no two values that live at the same time share a slot", () => {
  let shared = 0;
  fc.assert(
    fc.property(steps, (steps) => {
      const graph = randomGraph(steps);
      const planned = plan(graph);
      const lives = lifetimes(graph, planned);
      for (const [a, lifeOfA] of lives) {
        const slot = planned.slotOf.get(a)!;
        assert.ok(planned.slots[slot]! >= bytesOf(a));
        for (const [b, lifeOfB] of lives) {
          if (a.id >= b.id || planned.slotOf.get(b) !== slot) continue;
          shared++;
          const takenOver = lifeOfB.takes === a && lifeOfA.to === lifeOfB.from;
          assert.ok(takenOver || lifeOfA.to < lifeOfB.from, `${a.id} and ${b.id}`);
        }
      }
    }),
    { numRuns: 300, seed: 1 },
  );
  assert.ok(shared > 1000, `${shared} pairs are too few`);
});

Deno.test("a value that takes another over lies in its slot", () => {
  const graph = new Graph();
  const [first] = chain(graph, graph.input("x", [16], "f32"), [16]);
  const second = mix(graph, [first!], { over: true });
  graph.output("y", second);
  const { slotOf, slots } = plan(graph);
  assert.equal(slotOf.get(first!), slotOf.get(second));
  assert.deepEqual(slots, [64]);
});

Deno.test("a chain takes two slots, or one a value without sharing", () => {
  const graph = new Graph();
  const values = chain(graph, graph.input("x", [16], "f32"), [16, 64, 8, 32]);
  graph.output("y", values.at(-1)!);
  const planned = plan(graph);
  assert.deepEqual(planned.slots.toSorted((a, b) => a - b), [64, 256]);
  const target = {
    kernelSet: "register",
    matrixReads: "buffer",
    sharesLoads: false,
    tuned: () => undefined,
    maxBinding: 64,
    maxWords: 64,
  } as const;
  assert.equal(footprint(graph, target).temporary, 320);
  assert.equal(footprint(graph, target).inputs, 64);
  assert.equal(new Set(plan(graph, { share: false }).slotOf.values()).size, 4);
});

Deno.test("calls that nobody reads are dropped; calls that write a state are kept", () => {
  const graph = new Graph();
  const x = graph.input("x", [16], "f32");
  const [used] = chain(graph, x, [16]);
  chain(graph, used!, [16, 16]);
  const cache = graph.state("cache", [16]);
  const written = mix(graph, [cache, used!], { over: true });
  const { calls, homeOf } = plan(graph);
  assert.deepEqual(calls.map(({ outs }) => outs.y), [used, written]);
  assert.equal(homeOf.get(written), cache);
});

Deno.test("taking over what is read elsewhere throws", () => {
  const build = (finish: (graph: Graph, x: Value, victim: Value) => void) => {
    const graph = new Graph();
    const x = graph.input("x", [16], "f32");
    const [victim] = chain(graph, x, [16]);
    Object.assign(victim!, { name: "h" });
    finish(graph, x, victim!);
    return () => plan(graph);
  };
  const over = { over: true };
  const later = build((graph, _x, h) => {
    const taken = mix(graph, [h], over);
    graph.output("y", mix(graph, [taken, h]));
  });
  assert.throws(later, new RangeError("mix reads h, which mix took over"));
  const result = build((graph, _x, h) => {
    graph.output("h", h);
    graph.output("y", mix(graph, [h], over));
  });
  assert.throws(result, new RangeError("mix takes over h, which is a result"));
  const twice = build((graph, _x, h) => graph.output("y", mix(graph, [h, h], over)));
  assert.throws(twice, new RangeError("mix reads h twice and takes it over"));
  const input = build((graph, x) => graph.output("y", mix(graph, [x], over)));
  assert.throws(input, new RangeError("mix cannot write over the input x"));
});

Deno.test("printPlan() has a line for each call: what it makes, where, and from what", () => {
  const graph = new Graph();
  const x = graph.input("x", [16], "f32");
  const [h] = chain(graph, x, [16]);
  mix(graph, [graph.state("cache", [16]), h!], { over: true });
  graph.output("y", mix(graph, [h!], { size: 32 }));
  assert.deepEqual(printPlan(plan(graph)).split("\n"), [
    "#0    mix                      y [16] (slot 0) <- x",
    "#1    mix                      y [16] (state) <- cache, y.0",
    "#2    mix                      y [32] (slot 1) <- y.0",
  ]);
});

Deno.test("a name stands for one value of one kind and shape", () => {
  const graph = new Graph();
  const w = graph.weight("w", [8, 4], "bf16", "blocks");
  assert.equal(graph.weight("w", [8, 4], "bf16", "blocks"), w);
  assert.throws(
    () => graph.param("w", [8, 4], "blocks"),
    new RangeError("w is already a weight of [8,4], not a param of [8,4]"),
  );
});
