/**
 * The output head and the loss in one, over chunks of supervised rows.
 *
 * @module
 */
import crossEntropyText from "../../kernels/cross_entropy.wgsl" with { type: "text" };
import gradText from "../../kernels/cross_entropy_grad.wgsl" with { type: "text" };
import partsText from "../../kernels/cross_entropy_parts.wgsl" with { type: "text" };
import matmulText from "../../kernels/matmul_tn.wgsl" with { type: "text" };
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
  CHUNK,
  chunksOf,
  fill,
  requireChunks,
  scoreChunk,
  type Supervision,
  unscoreChunk,
} from "./head.ts";
import { perRow } from "./launch.ts";
import { SOFTCAP } from "./softcap.ts";
import { chooseTile, NO_MORE, STORES } from "./tile.ts";

/** On a GPU a row is shared out over this many workgroups: CHUNK of them alone would be few. */
const ROW_PARTS = 4;

type Ins = { x: Value; w: Value; rows: Value; label: Value; weight: Value };
type Outs = Record<"loss" | "hidden" | "logits", Value> & {
  /** For kernels in workgroup memory: what each part of a row of logits comes to. */
  rowParts?: Value;
  dx?: Value;
  dhidden?: Value;
  dw?: Value;
};

type Attrs = { cap: number | undefined };

/**
 * loss[s] = weight[s] * nll of label[s] under softmax(x[rows[s]] w^T), [S]; with `cap` the
 * logits z are cap * tanh(z / cap) first.
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
  cap?: number,
): Value {
  const [T, D] = x.shape as [number, number];
  const { rows, label, weight } = supervision;
  const S = requireChunks(supervision);
  const scratch = (shape: number[]): OutputSpec => ({ shape, differentiable: false });
  const outs: Record<string, OutputSpec> = {
    loss: { shape: [S] },
    hidden: scratch([CHUNK, D]),
    logits: scratch([CHUNK, storedRows(w)]),
    ...(graph.kernelSet === "shared" ? { rowParts: scratch([CHUNK, 2 * ROW_PARTS]) } : {}),
    ...(x.needs ? { dx: scratch([T, D]), dhidden: scratch([CHUNK, D]) } : {}),
    ...(w.needs ? { dw: { ...scratch([...w.shape]), layout: w.layout } } : {}),
  };
  return graph.call(LINEAR_CROSS_ENTROPY, { x, w, rows, label, weight }, outs, { cap }).loss!;
}

export const LINEAR_CROSS_ENTROPY: Op<Ins, Outs, Attrs> = {
  name: "linear_cross_entropy",
  launches(call, target) {
    const { ins, outs: { loss, dx } } = call;
    return [
      fill(loss),
      ...(dx ? [fill(dx)] : []),
      ...Array.from({ length: chunksOf(ins) }, (_, gate) => chunk(call, target, gate)).flat(),
    ];
  },
  backward(_graph, { ins: { x, w }, outs: { dx, dw } }, gradients) {
    if (x.needs) gradients.add(x, dx!);
    if (w.needs) gradients.add(w, dw!);
  },
};

function chunk(call: Call<Ins, Outs, Attrs>, target: Target, gate: number): Launch[] {
  const { ins: { x, w, rows }, outs: { hidden, logits, dx, dhidden, dw }, attrs: { cap } } = call;
  const head = { x, w, rows, hidden, logits, cap, gate };
  return [
    ...scoreChunk(target, head),
    ...crossEntropy(call, gate),
    ...(dx ? unscoreChunk(target, head, { dx, dhidden: dhidden! }) : []),
    ...(dw ? [weightGradient(target, logits, hidden, dw, gate > 0)] : []),
  ].map((launch) => ({ ...launch, gate }));
}

/** The loss of a chunk, and its logits to dlogits where a gradient is wanted. */
function crossEntropy({ ins, outs, attrs }: Call<Ins, Outs, Attrs>, gate: number): Launch[] {
  const { w, label, weight } = ins;
  const { loss, logits, rowParts, dx, dw } = outs;
  const sizes = { V: w.shape[0]!, STRIDE: storedRows(w) };
  const place = {
    OFFSET: gate * CHUNK,
    GRAD: dx !== undefined || dw !== undefined,
    CAP: attrs.cap ?? 0,
  };
  const imports = { softcap: SOFTCAP };
  if (!rowParts) {
    return [{
      kernel: { name: "cross_entropy", text: crossEntropyText, imports },
      constants: { N: CHUNK, ...sizes, ...place },
      bind: [logits, label, weight, loss],
      groups: perRow(CHUNK),
    }];
  }
  const constants = { ...sizes, PARTS: ROW_PARTS };
  return [{
    kernel: { name: "cross_entropy_parts", text: partsText },
    constants,
    bind: [logits, rowParts],
    groups: [ROW_PARTS, CHUNK],
  }, {
    kernel: { name: "cross_entropy_grad", text: gradText, imports },
    constants: { ...constants, ...place },
    bind: [logits, rowParts, label, weight, loss],
    groups: [ROW_PARTS, CHUNK],
  }];
}

/** dw (+)= dlogits^T hidden, in 4x4 blocks. */
function weightGradient(
  target: Target,
  dlogits: Value,
  hidden: Value,
  dw: Value,
  add: boolean,
): Launch {
  const [m, n] = [dlogits.shape[1]!, hidden.shape[1]!];
  const tile = chooseTile(target, { m, n, type: "f32", alongK: false });
  return {
    kernel: {
      name: "matmul_tn",
      text: matmulText,
      imports: { ...tile.imports, tile: tile.text, store: STORES.blocks, no_more: NO_MORE },
    },
    constants: { M: m, N: n, K: CHUNK, ADD: add, ...tile.constants },
    bind: [dw, dlogits, hidden],
    groups: tile.groups(m, n),
  };
}
