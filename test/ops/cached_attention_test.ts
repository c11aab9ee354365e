import { readFloats } from "../../src/gpu/buffer.ts";
import { compile, type Compiled } from "../../src/graph/compile.ts";
import { Graph, type Value } from "../../src/graph/graph.ts";
import { add, attention, cachedAttention, type CacheRows, cacheWrite } from "../../src/ops/mod.ts";
import { assertClose, engine, noise, testOp } from "../harness.ts";
import { attentionCached } from "../../src/reference/attention_cached.ts";
import * as reference from "../../src/reference/cache_write.ts";

const [H, G, D, CONTEXT, SLOTS] = [4, 2, 8, 24, 3];
const heads = { heads: H, groups: G, headDim: D, scale: 1 / Math.sqrt(D) };

/** Given values as the rows of a replay. */
const rowsIn = ({ slot, position, count }: Record<string, Value>): CacheRows => {
  return { slot: slot!, position: position!, count: count! };
};

/** The same as the twins take them. */
const numbersOf = ({ slot, position, count }: Record<string, Float64Array>) =>
  [Uint32Array.from(slot!), Uint32Array.from(position!), Uint32Array.from(count!)] as const;

testOp({
  name: "cacheWrite()",
  given: {
    x: { shape: [6, 20] },
    slot: { shape: [6], type: "u32", data: [2, 0, SLOTS, 1, 1, 0] }, // one is out of range
    position: { shape: [6], type: "u32", data: [7, 0, 11, CONTEXT, 0, 2] }, // and one
    count: { shape: [1], type: "u32", data: [5] },
    cache: { shape: [SLOTS, CONTEXT, 20] },
    zero: { shape: [SLOTS, CONTEXT, 20], data: new Float32Array(SLOTS * CONTEXT * 20) },
  },
  build(graph, { x, cache, zero, ...rows }) {
    const copy = add(graph, cache!, zero!); // it is written over
    return { written: cacheWrite(graph, x!, copy, rowsIn(rows)) };
  },
  twin({ x, cache, ...rows }) {
    const sizes = { T: 6, D: 20, CONTEXT, SLOTS };
    return { written: reference.cacheWrite(x!, ...numbersOf(rows), cache!, sizes) };
  },
});

for (
  const [window, cap, biased] of [
    [CONTEXT, undefined, false],
    [5, undefined, false],
    [CONTEXT, 0.3, false],
    [CONTEXT, undefined, true],
  ] as const
) {
  testOp({
    name: `cachedAttention() that sees ${window} rows${cap ? `, capped at ${cap}` : ""}${
      biased ? ", biased by distance" : ""
    }`,
    given: {
      q: { shape: [6, H * D] },
      k: { shape: [SLOTS, CONTEXT, G * D], scaled: false }, // both scaled, rows would be one-hot
      v: { shape: [SLOTS, CONTEXT, G * D] },
      slot: { shape: [6], type: "u32", data: [0, 2, 1, 2, 0, 1] },
      position: { shape: [6], type: "u32", data: [0, 3, 8, 23, 15, 1] },
      count: { shape: [1], type: "u32", data: [5] },
      bias: { shape: [H, 2 * CONTEXT], scaled: false },
    },
    build(graph, { q, k, v, bias, ...rows }) {
      const layer = { ...heads, cap };
      const added = biased ? bias : undefined;
      return { y: cachedAttention(graph, q!, k!, v!, rowsIn(rows), layer, window, added) };
    },
    twin({ q, k, v, bias, ...rows }) {
      const sizes = { T: 6, H, G, D, CONTEXT, SCALE: heads.scale, WINDOW: window, CAP: cap ?? 0 };
      const added = biased ? { bias: bias! } : {};
      return { y: attentionCached(q!, k!, v!, ...numbersOf(rows), { ...sizes, ...added }) };
    },
  });
}

const widths = { q: H * D, k: G * D, v: G * D };
type Name = keyof typeof widths;
type Sequence = Record<Name, Float32Array>;
const names = Object.keys(widths) as Name[];

/** Tokens of a sequence that a replay takes. */
interface Part {
  readonly sequence: number;
  readonly slot: number;
  readonly from: number;
  readonly count: number;
}

const sequences = [1, 2, 3, 4].map((seed): Sequence => {
  const [q, k, v] = names.map((name, i) => noise(CONTEXT * widths[name], 3 * seed + i));
  return { q: q!, k: k!, v: v! };
});

Deno.test("a cache filled in pieces, then token by token, equals attention without one", () =>
  checkParts([8, 5, 1, 1, 1, 7, 1].map((count) => [[0, 0, count]])));

Deno.test("sequences of different lengths side by side equal each alone without a cache", () =>
  checkParts([
    [[0, 2, 4], [1, 0, 3]],
    [[1, 0, 1], [2, 1, 6], [0, 2, 1]],
    [[0, 2, 1], [1, 0, 1], [2, 1, 1]],
    [[2, 1, 2]], // its end
    [[3, 1, 5], [1, 0, 2]], // another one takes its slot
    [[3, 1, 1], [0, 2, 7]],
  ]));

/** Each replay as [sequence, slot, count]; sequences go on where their last part ended. */
async function checkParts(replays: readonly (readonly [number, number, number])[][]) {
  const compiled = await compileCached(8);
  const found = new Map<number, number[]>();
  for (const replay of replays) {
    const parts = replay.map(([sequence, slot, count]): Part => {
      return { sequence, slot, count, from: (found.get(sequence) ?? []).length / widths.q };
    });
    const y = await attendNext(compiled, parts);
    let row = 0;
    for (const { sequence, count } of parts) {
      const rows = y.subarray(row * widths.q, (row += count) * widths.q);
      found.set(sequence, [...found.get(sequence) ?? [], ...rows]);
    }
  }
  for (const [sequence, y] of found) {
    const expected = await attendAtOnce(sequences[sequence]!);
    assertClose(y, expected.subarray(0, y.length), 3e-6, `y of sequence ${sequence}`);
  }
  compiled.destroy();
}

async function attendAtOnce(sequence: Sequence): Promise<Float32Array> {
  const graph = new Graph();
  const input = (name: Name) => graph.input(name, [CONTEXT, widths[name]], "f32");
  const docs = { start: graph.input("start", [CONTEXT]), end: graph.input("end", [CONTEXT]) };
  graph.output("y", attention(graph, input("q"), input("k"), input("v"), docs, heads));
  const shared = await engine();
  const compiled = await compile(shared, graph);
  for (const name of names) compiled.write(name, sequence[name]);
  compiled.program.replay();
  const y = await readFloats(shared.device, compiled.output("y"));
  compiled.destroy();
  return y;
}

/** A program that puts up to T tokens into the cache and lets each attend to it. */
async function compileCached(T: number): Promise<Compiled> {
  const graph = new Graph();
  const input = (name: Name) => graph.input(name, [T, widths[name]], "f32");
  const rows = {
    slot: graph.input("slot", [T]),
    position: graph.input("position", [T]),
    count: graph.input("count", [1]),
  };
  const cached = (name: "k" | "v") => {
    const state = graph.state(`cached ${name}`, [SLOTS, CONTEXT, widths[name]]);
    return cacheWrite(graph, input(name), state, rows);
  };
  const y = cachedAttention(graph, input("q"), cached("k"), cached("v"), rows, heads);
  graph.output("y", y);
  return await compile(await engine(), graph);
}

/** One replay: y of the parts' tokens, one part after the other. */
async function attendNext(compiled: Compiled, parts: readonly Part[]): Promise<Float32Array> {
  const tokens = parts.flatMap(({ count, ...part }) =>
    Array.from({ length: count }, (_, i) => ({ ...part, position: part.from + i }))
  );
  for (const name of names) {
    const [width, data] = [widths[name], new Float32Array(tokens.length * widths[name])];
    for (const [row, { sequence, position }] of tokens.entries()) {
      const from = position * width;
      data.set(sequences[sequence]![name].subarray(from, from + width), row * width);
    }
    compiled.write(name, data);
  }
  compiled.write("slot", Uint32Array.from(tokens, ({ slot }) => slot));
  compiled.write("position", Uint32Array.from(tokens, ({ position }) => position));
  compiled.write("count", Uint32Array.of(tokens.length));
  compiled.program.replay();
  const y = await readFloats(compiled.engine.device, compiled.output("y"));
  return y.subarray(0, tokens.length * widths.q);
}
