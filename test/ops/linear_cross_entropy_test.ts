import assert from "node:assert/strict";
import { readFloats } from "../../src/gpu/buffer.ts";
import { compile, graphFor } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { CHUNK, linearCrossEntropy, supervisedCapacity } from "../../src/ops/mod.ts";
import { assertClose, engine, noise, type OpCase, testOp } from "../harness.ts";
import { pack } from "../../src/check/layout.ts";
import { crossEntropy } from "../../src/reference/cross_entropy.ts";
import { matmulNn, matmulNt } from "../../src/reference/matmul.ts";
import { gatherRows } from "../../src/reference/rows.ts";
import { softcap } from "../../src/reference/softcap.ts";

interface Sizes {
  T: number;
  V: number;
  D: number;
  /** Every how many rows one has no label. */
  gap: number;
  cap?: number;
  /** Rank of an update of the head. */
  rank?: number;
  /** Whether every second weight is below 0: what is learnt to be less likely. */
  signed?: boolean;
  /** Rows of a chunk that the device seems to bind; all of `CHUNK` where absent. */
  chunk?: number;
}

const SCALE = 0.7;

/** The rows with a label in an order of their own, padded as the op wants it. */
function supervise({ T, V, gap, signed }: Sizes) {
  const S = supervisedCapacity(T);
  const labelled = Array.from({ length: T }, (_, t) => T - 1 - t).filter((t) => t % gap !== 0);
  const padded = (length: number, padding: number, numbers: number[]) =>
    Array.from({ length }, (_, i) => numbers[i] ?? padding);
  return {
    count: labelled.length,
    rows: padded(S, 0xffffffff, labelled),
    label: padded(S, 0, labelled.map((t) => t * 7 % V)),
    weight: padded(S, 0, labelled.map((t) => (signed && t % 2 ? -1 : 1) * (1 + t % 3) / T)),
  };
}

/** The loss of each supervised row, [S]. */
function losses(
  x: Float64Array,
  w: Float64Array,
  { rows, label, weight, a, b }: Record<string, Float64Array | undefined>,
  { T, V, D, cap = 0, rank = 0 }: Sizes,
): Float64Array {
  const N = rows!.length;
  const hidden = gatherRows(x, Uint32Array.from(rows!), { T, D, N });
  if (a && b) {
    const delta = matmulNn(b, a, { M: V, N: D, K: rank, SCALE });
    w = w.map((number, i) => number + delta[i]!);
  }
  const logits = softcap(matmulNt(hidden, w, { M: N, N: V, K: D, SCALE: 1 }), cap);
  return crossEntropy(logits, Uint32Array.from(label!), weight!, { N, V, STRIDE: V })
    .loss;
}

/** Bytes that bind the logits of so many rows and their guard, but not those of twice as many. */
const bindingFor = (V: number, chunk: number): number => 4 * chunk * Math.ceil(V / 4) * 4 + 256;

function crossEntropyCase(sizes: Sizes, by: string[]): OpCase {
  const { T, V, D, cap, rank, signed, chunk } = sizes;
  const { rows, label, weight } = supervise(sizes);
  const S = [rows.length];
  return {
    name: `linearCrossEntropy() of ${T} rows, ${V}x${D}, by ${by}${
      cap ? `, capped at ${cap}` : ""
    }${signed ? ", of signed weights" : ""}${chunk ? `, in chunks of ${chunk}` : ""}`,
    ...(chunk && { maxBinding: bindingFor(V, chunk) }),
    given: {
      x: { shape: [T, D] },
      w: { shape: [V, D], layout: "blocks", scaled: false },
      ...(rank && {
        a: { shape: [rank, D], scaled: false },
        b: { shape: [Math.ceil(V / 4) * 4, rank], scaled: false },
      }),
      rows: { shape: S, type: "u32", data: rows },
      label: { shape: S, type: "u32", data: label },
      weight: { shape: S, data: weight, scaled: false },
    },
    build(graph, { x, w, a, b, rows, label, weight }) {
      const supervision = { rows: rows!, label: label!, weight: weight! };
      const adapter = a && b && { a, b, scale: SCALE };
      return { loss: linearCrossEntropy(graph, x!, w!, supervision, { cap, adapter }) };
    },
    twin: ({ x, w, ...supervision }) => ({ loss: losses(x!, w!, supervision, sizes) }),
    gradient: { of: "loss", by, loss: true },
  };
}

testOp(crossEntropyCase({ T: 40, V: 37, D: 12, gap: 3 }, ["x", "w"]));
testOp(crossEntropyCase({ T: 136, V: 37, D: 12, gap: 100 }, ["x", "w"])); // two chunks
testOp(crossEntropyCase({ T: 8, V: 4101, D: 4, gap: 4 }, ["x"])); // the head in two parts
testOp(crossEntropyCase({ T: 40, V: 37, D: 12, gap: 3, cap: 1.5 }, ["x", "w"]), [
  ...["register", "shared"] as const,
]);

const all = ["register", "shared"] as const;
testOp(crossEntropyCase({ T: 40, V: 37, D: 12, gap: 3, cap: 1.5, rank: 8 }, ["x", "a", "b"]), [
  ...all,
]);
testOp(crossEntropyCase({ T: 136, V: 37, D: 12, gap: 100, rank: 4 }, ["a", "b"])); // two chunks
testOp(
  crossEntropyCase({ T: 40, V: 37, D: 12, gap: 3, cap: 1.5, signed: true }, ["x", "w"]),
  [...all],
);
testOp(crossEntropyCase({ T: 8, V: 4101, D: 4, gap: 4, rank: 4 }, ["x", "a"])); // in two parts
const capped = { T: 72, V: 37, D: 4, gap: 50, cap: 1.5 };
testOp(crossEntropyCase({ ...capped, chunk: 64 }, ["x", "w"]), [...all]);
testOp(crossEntropyCase({ ...capped, chunk: 16, rank: 4 }, ["x", "a", "b"]), [...all]);
testOp(crossEntropyCase({ T: 24, V: 301, D: 4, gap: 9, chunk: 4 }, ["x"]), [...all]);

Deno.test("linearCrossEntropy() leaves chunks behind closed gates out", async () => {
  const shared = await engine();
  const sizes = { T: 136, V: 37, D: 12, gap: 100 };
  const { count, rows, label, weight } = supervise(sizes);
  assert.ok(count > CHUNK);
  const graph = new Graph();
  const x = graph.input("x", [sizes.T, sizes.D], "f32");
  const w = graph.input("w", [sizes.V, sizes.D], "f32");
  const supervision = {
    rows: graph.input("rows", [rows.length]),
    label: graph.input("label", [rows.length]),
    weight: graph.input("weight", [rows.length], "f32"),
  };
  Object.assign(x, { needs: true });
  Object.assign(w, { layout: "blocks" });
  graph.output("loss", linearCrossEntropy(graph, x, w, supervision));
  graph.output("dx", graph.calls.at(-1)!.outs.dx);
  const compiled = await compile(shared, graph);
  compiled.write("x", noise(sizes.T * sizes.D, 1));
  compiled.write("w", noise(40 * sizes.D, 2));
  compiled.write("rows", Uint32Array.from(rows));
  compiled.write("label", Uint32Array.from(label));
  compiled.write("weight", Float32Array.from(weight));
  const replay = async (gates: number) => {
    compiled.program.replay({ gates });
    return {
      loss: await readFloats(shared.device, compiled.output("loss")),
      dx: await readFloats(shared.device, compiled.output("dx")),
    };
  };
  const open = await replay(2);
  const closed = await replay(1);
  assert.deepEqual(closed.loss.subarray(0, CHUNK), open.loss.subarray(0, CHUNK));
  assert.ok(open.loss.subarray(CHUNK, count).every((loss) => loss > 0));
  assert.ok(closed.loss.subarray(CHUNK).every((loss) => loss === 0));
  const late = new Set(rows.slice(CHUNK, count));
  const expected = open.dx.map((d, i) => late.has(Math.floor(i / sizes.D)) ? 0 : d);
  assertClose(closed.dx, expected, 0, "dx");
  assert.notDeepEqual(closed.dx, open.dx);
  compiled.destroy();
});

/** Tables of this many rows take more rounds of four than an invocation of software Vulkan has. */
const MANY = 262_208;

Deno.test("the loss and its gradient are those of a vocabulary of 262,208", async () => {
  const shared = await engine();
  const [T, D] = [4, 4];
  const x = noise(T * D, 3);
  const w = noise(MANY * D, 4);
  const label = [5, 92_040, MANY - 1, 262_150];
  const graph = graphFor(shared.device);
  const S = supervisedCapacity(T);
  const given = {
    x: graph.input("x", [T, D], "f32"),
    w: Object.assign(graph.input("w", [MANY, D], "f32"), { layout: "blocks" as const }),
    rows: graph.input("rows", [S]),
    label: graph.input("label", [S]),
    weight: graph.input("weight", [S], "f32"),
  };
  Object.assign(given.x, { needs: true });
  graph.output("loss", linearCrossEntropy(graph, given.x, given.w, given));
  graph.output("dx", graph.calls.at(-1)!.outs.dx);
  const compiled = await compile(shared, graph);
  const padded = (numbers: number[]) => [...numbers, ...Array(S - T).fill(0)];
  compiled.write("x", x);
  compiled.write("w", pack(w, [MANY, D], "f32", "blocks").stored);
  compiled.write("rows", Uint32Array.from([0, 1, 2, 3, ...Array(S - T).fill(0xffffffff)]));
  compiled.write("label", Uint32Array.from(padded(label)));
  compiled.write("weight", Float32Array.from(padded([1, 1, 1, 1])));
  compiled.program.replay({ gates: 1 });
  const loss = await readFloats(shared.device, compiled.output("loss"));
  const dx = await readFloats(shared.device, compiled.output("dx"));
  compiled.destroy();
  const expected = label.map((label, row) => lossOf(x.subarray(D * row, D * row + D), w, label));
  assertClose(loss.subarray(0, T), Float64Array.from(expected, ({ loss }) => loss), 3e-6, "loss");
  assertClose(dx, Float64Array.from(expected.flatMap(({ dx }) => dx)), 2e-5, "dx");
});

/** The negative log-likelihood of a label under softmax(w x), and its gradient by x. */
function lossOf(x: Float32Array, w: Float32Array, label: number) {
  const D = x.length;
  const logits = new Float64Array(w.length / D);
  for (const [i, number] of w.entries()) logits[Math.floor(i / D)]! += number * x[i % D]!;
  const sum = logits.reduce((sum, z) => sum + Math.exp(z), 0);
  const dx: number[] = Array(D).fill(0);
  for (const [i, number] of w.entries()) {
    const token = Math.floor(i / D);
    dx[i % D]! += number * (Math.exp(logits[token]!) / sum - (token === label ? 1 : 0));
  }
  return { loss: Math.log(sum) - logits[label]!, dx };
}
