import { readFloats } from "../../src/gpu/buffer.ts";
import { compile, type Compiled } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { add, attention, cachedAttention, cacheWrite } from "../../src/ops/mod.ts";
import { assertClose, engine, noise, testOp } from "../harness.ts";
import { attentionCached } from "../reference/attention_cached.ts";
import * as reference from "../reference/cache_write.ts";

const [H, G, D, CONTEXT] = [4, 2, 8, 24];
const heads = { heads: H, groups: G, headDim: D, scale: 1 / Math.sqrt(D) };

testOp({
  name: "cacheWrite()",
  given: {
    x: { shape: [6, 20] },
    position: { shape: [6], type: "u32", data: [7, 0, 11, CONTEXT, 1, 2] }, // one is out of range
    count: { shape: [1], type: "u32", data: [5] },
    cache: { shape: [CONTEXT, 20] },
    zero: { shape: [CONTEXT, 20], data: new Float32Array(CONTEXT * 20) },
  },
  build(graph, { x, cache, zero, position, count }) {
    const copy = add(graph, cache!, zero!); // it is written over
    return { written: cacheWrite(graph, x!, copy, { position: position!, count: count! }) };
  },
  twin({ x, cache, position, count }) {
    const rows = [Uint32Array.from(position!), Uint32Array.from(count!)] as const;
    return { written: reference.cacheWrite(x!, ...rows, cache!, { T: 6, D: 20, CONTEXT }) };
  },
});

for (const [window, cap] of [[CONTEXT, undefined], [5, undefined], [CONTEXT, 0.3]] as const) {
  testOp({
    name: `cachedAttention() that sees ${window} rows${cap ? `, capped at ${cap}` : ""}`,
    given: {
      q: { shape: [6, H * D] },
      k: { shape: [CONTEXT, G * D], scaled: false }, // both scaled, all rows would be one-hot
      v: { shape: [CONTEXT, G * D] },
      position: { shape: [6], type: "u32", data: [0, 3, 8, 23, 15, 1] },
      count: { shape: [1], type: "u32", data: [5] },
    },
    build(graph, { q, k, v, position, count }) {
      const rows = { position: position!, count: count! };
      return { y: cachedAttention(graph, q!, k!, v!, rows, { ...heads, cap }, window) };
    },
    twin({ q, k, v, position, count }) {
      const rows = [Uint32Array.from(position!), Uint32Array.from(count!)] as const;
      const sizes = { T: 6, H, G, D, SCALE: heads.scale, WINDOW: window, CAP: cap ?? 0 };
      return { y: attentionCached(q!, k!, v!, ...rows, sizes) };
    },
  });
}

const widths = { q: H * D, k: G * D, v: G * D };
type Sequence = Record<keyof typeof widths, Float32Array>;

Deno.test("a cache filled in pieces, then token by token, equals attention without one", async () => {
  const sequence: Sequence = {
    q: noise(CONTEXT * widths.q, 1),
    k: noise(CONTEXT * widths.k, 2),
    v: noise(CONTEXT * widths.v, 3),
  };
  const expected = await attendAtOnce(sequence);
  const compiled = await compileCached(8);
  const found: number[] = [];
  for (const count of [8, 5, 1, 1, 1, 7, 1]) {
    found.push(...await attendNext(compiled, sequence, found.length / widths.q, count));
  }
  assertClose(found, expected, 3e-6, "y");
  compiled.destroy();
});

async function attendAtOnce(sequence: Sequence): Promise<Float32Array> {
  const graph = new Graph();
  const input = (name: keyof Sequence) => graph.input(name, [CONTEXT, widths[name]], "f32");
  const docs = { start: graph.input("start", [CONTEXT]), end: graph.input("end", [CONTEXT]) };
  graph.output("y", attention(graph, input("q"), input("k"), input("v"), docs, heads));
  const shared = await engine();
  const compiled = await compile(shared, graph);
  for (const [name, numbers] of Object.entries(sequence)) compiled.write(name, numbers);
  compiled.program.replay();
  const y = await readFloats(shared.device, compiled.output("y"));
  compiled.destroy();
  return y;
}

/** A program that puts up to T tokens into the cache and lets each attend to it. */
async function compileCached(T: number): Promise<Compiled> {
  const graph = new Graph();
  const input = (name: keyof Sequence) => graph.input(name, [T, widths[name]], "f32");
  const rows = { position: graph.input("position", [T]), count: graph.input("count", [1]) };
  const cached = (name: "k" | "v") =>
    cacheWrite(graph, input(name), graph.state(`cached ${name}`, [CONTEXT, widths[name]]), rows);
  const y = cachedAttention(graph, input("q"), cached("k"), cached("v"), rows, heads);
  graph.output("y", y);
  return await compile(await engine(), graph);
}

async function attendNext(compiled: Compiled, sequence: Sequence, from: number, count: number) {
  for (const [name, width] of Object.entries(widths) as [keyof Sequence, number][]) {
    compiled.write(name, sequence[name].subarray(from * width, (from + count) * width));
  }
  compiled.write("position", Uint32Array.from({ length: count }, (_, i) => from + i));
  compiled.write("count", Uint32Array.of(count));
  compiled.program.replay();
  const y = await readFloats(compiled.engine.device, compiled.output("y"));
  return y.subarray(0, count * widths.q);
}
