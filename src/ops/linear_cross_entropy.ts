/**
 * The output head and the loss in one, over chunks of supervised rows.
 *
 * @module
 */
import crossEntropyText from "../../kernels/cross_entropy.wgsl" with { type: "text" };
import gradText from "../../kernels/cross_entropy_grad.wgsl" with { type: "text" };
import partsText from "../../kernels/cross_entropy_parts.wgsl" with { type: "text" };
import {
  type Call,
  type Graph,
  type Launch,
  type Op,
  type OutputSpec,
  storedRows,
  type Target,
  type Value,
} from "../graph/graph.ts";
import {
  chunkGradient,
  chunkOf,
  chunkRows,
  chunksOf,
  fill,
  firstOf,
  type HeadOptions,
  requireChunks,
  scoreChunk,
  type Supervision,
  unscoreChunk,
  updateGradients,
  updateOf,
  updateOuts,
} from "./head.ts";
import { perRow } from "./launch.ts";
import { productLaunch } from "./matmul.ts";
import { SOFTCAP } from "./softcap.ts";

/** On a GPU a row is shared out over this many workgroups: one a row alone would be few. */
const ROW_PARTS = 4;

type Ins = {
  x: Value; // [T, D]
  w: Value; // [V, D], blocks
  a: Value | undefined; // [rank, D]
  b: Value | undefined; // [stored rows of w, rank]
  rows: Value; // [S]
  label: Value; // [S]
  weight: Value; // [S]
};
type Outs = Record<"loss" | "hidden" | "logits", Value> & {
  /** For kernels in workgroup memory: what each part of a row of logits comes to. */
  rowParts?: Value;
  dx?: Value;
  dhidden?: Value;
  dw?: Value;
  u?: Value;
  v?: Value;
  da?: Value;
  db?: Value;
};

type Attrs = { cap: number | undefined; scale: number };

/**
 * loss[s] = weight[s] * nll of label[s] under softmax(x[rows[s]] (w + scale b a)^T), [S]; with `cap`
 * the logits z are cap * tanh(z / cap) first.
 *
 * Rows without a label never reach the head, and [T, vocabulary] never exists whole: chunk after
 * chunk of supervised rows is gathered, scored and, where a gradient is wanted, taken back at once
 * (as Liger's fused linear cross-entropy does, Hsu et al., 2024, arXiv 2410.10989). Chunk c is
 * behind gate c of a replay.
 */
export function linearCrossEntropy(
  graph: Graph,
  x: Value,
  w: Value,
  supervision: Supervision,
  { cap, adapter }: HeadOptions = {},
): Value {
  const [T, D] = x.shape as [number, number];
  const { rows, label, weight } = supervision;
  const S = requireChunks(supervision);
  const N = chunkRows(graph, w);
  const scratch = (shape: number[]): OutputSpec => ({ shape, differentiable: false });
  const outs: Record<string, OutputSpec> = {
    loss: { shape: [S] },
    hidden: scratch([N, D]),
    logits: scratch([N, storedRows(w)]),
    ...(graph.kernelSet === "shared" ? { rowParts: scratch([N, 2 * ROW_PARTS]) } : {}),
    ...(x.needs ? { dx: scratch([T, D]), dhidden: chunkGradient(graph, w, N) } : {}),
    ...(w.needs ? { dw: { ...scratch([...w.shape]), layout: w.layout } } : {}),
    ...updateOuts(adapter, N),
  };
  const { a, b, scale = 0 } = adapter ?? {};
  const ins = { x, w, a, b, rows, label, weight };
  return graph.call(LINEAR_CROSS_ENTROPY, ins, outs, { cap, scale }).loss!;
}

export const LINEAR_CROSS_ENTROPY: Op<Ins, Outs, Attrs> = {
  name: "linear_cross_entropy",
  launches(call, target) {
    const { ins, outs: { loss, logits, dx } } = call;
    return [
      fill(loss),
      ...(dx ? [fill(dx)] : []),
      ...Array.from({ length: chunksOf(ins, logits) }, (_, gate) => chunk(call, target, gate))
        .flat(),
    ];
  },
  backward(_graph, { ins: { x, w, a, b }, outs: { dx, dw, da, db } }, gradients) {
    if (x.needs) gradients.add(x, dx!);
    if (w.needs) gradients.add(w, dw!);
    if (a?.needs) gradients.add(a, da!);
    if (b?.needs) gradients.add(b, db!);
  },
};

function chunk(call: Call<Ins, Outs, Attrs>, target: Target, gate: number): Launch[] {
  const { ins: { x, w, rows }, outs, attrs: { cap, scale } } = call;
  const { hidden, logits, dx, dhidden, dw, u, v, da, db } = outs;
  const head = { x, w, rows, hidden, logits, cap, gate, update: updateOf(call.ins, u, scale) };
  return [
    ...scoreChunk(target, head),
    ...crossEntropy(call, gate),
    ...(v ? updateGradients(target, head, { v, da: da!, db: db! }) : []),
    ...(dx ? unscoreChunk(target, head, { dx, dhidden: dhidden!, v }) : []),
    ...(dw ? [productLaunch(target, "tn", { a: logits, b: hidden, c: dw, add: gate > 0 })] : []),
  ].map((launch) => ({ ...launch, gate }));
}

/** The loss of a chunk, and its logits to dlogits where a gradient is wanted. */
function crossEntropy({ ins, outs, attrs }: Call<Ins, Outs, Attrs>, gate: number): Launch[] {
  const { w, label, weight } = ins;
  const { loss, logits, rowParts, dx, dw, da } = outs;
  const sizes = { V: w.shape[0]!, STRIDE: storedRows(w) };
  const [N, place] = [logits.shape[0]!, { logits, gate }];
  const rows = [label, weight, loss].map((value) => chunkOf(value, place));
  const options = {
    GRAD: (dx ?? dw ?? da) !== undefined,
    CAP: attrs.cap ?? 0,
    FIRST: firstOf(place),
  };
  const imports = { softcap: SOFTCAP };
  if (!rowParts) {
    return [{
      kernel: { name: "cross_entropy", text: crossEntropyText, imports },
      constants: { N, ...sizes, ...options },
      bind: [logits, ...rows],
      before: true,
      groups: perRow(N),
    }];
  }
  const constants = { ...sizes, PARTS: ROW_PARTS };
  return [{
    kernel: { name: "cross_entropy_parts", text: partsText },
    constants,
    bind: [logits, rowParts],
    groups: [ROW_PARTS, N],
  }, {
    kernel: { name: "cross_entropy_grad", text: gradText, imports },
    constants: { ...constants, ...options },
    bind: [logits, rowParts, ...rows],
    groups: [ROW_PARTS, N],
  }];
}
