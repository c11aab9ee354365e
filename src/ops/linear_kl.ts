/**
 * The output head and the divergence from the base model's distribution in one, over chunks of
 * supervised rows.
 *
 * @module
 */
import registerText from "../../kernels/kl_divergence.wgsl" with { type: "text" };
import sharedText from "../../kernels/kl_divergence_shared.wgsl" with { type: "text" };
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
import { lanesFor, perRow } from "./launch.ts";
import { SOFTCAP } from "./softcap.ts";

type Ins = { x: Value; base: Value; w: Value; rows: Value; label: Value; weight: Value };
type Outs = Record<"loss" | "stats" | "hidden" | "logits" | "baseLogits", Value> & {
  dx?: Value;
  dhidden?: Value;
};

type Attrs = { cap: number | undefined };

/** Numbers that are kept of each row beside its loss. */
export const KL_STATS = 4;

/**
 * loss[s] = weight[s] * KL(softmax(base[rows[s]] w^T) || softmax(x[rows[s]] w^T)), [S], over the
 * whole vocabulary; with `cap` the logits z are cap * tanh(z / cap) first. The gradient with respect
 * to the logits of x is weight (p - p0), and nothing flows into `base`.
 *
 * stats[s], [S, 4], are not weighted: the divergence, the label's negative log-likelihood under base
 * and under x, and hits (1: base's top token is the label; 2: that of x is; 4: both tops are one).
 *
 * Method: distillation to the old model (Li and Hoiem, 2016, arXiv 1606.09282) with the whole
 * distribution as target.
 *
 * @throws {RangeError} where shapes do not fit, or the head is trained: base and x share it.
 */
export function linearKl(
  graph: Graph,
  x: Value, // [T, D]
  base: Value, // [T, D]
  w: Value, // [V, D], blocks
  supervision: Supervision,
  cap?: number,
): { loss: Value; stats: Value } {
  const [T, D] = x.shape as [number, number];
  if (String(base.shape) !== String(x.shape)) {
    throw new RangeError(`The base gives [${base.shape}] but the tuned model [${x.shape}]`);
  }
  if (w.needs) throw new RangeError(`${w.name} is trained, so that the base's head is gone`);
  const { rows, label, weight } = supervision;
  const S = requireChunks(supervision);
  const scratch = (shape: number[]): OutputSpec => ({ shape, differentiable: false });
  const outs: Record<string, OutputSpec> = {
    loss: { shape: [S] },
    stats: scratch([S, KL_STATS]),
    hidden: scratch([CHUNK, D]),
    logits: scratch([CHUNK, storedRows(w)]),
    baseLogits: scratch([CHUNK, storedRows(w)]),
    ...(x.needs ? { dx: scratch([T, D]), dhidden: scratch([CHUNK, D]) } : {}),
  };
  const { loss, stats } = graph.call(LINEAR_KL, { x, base, w, rows, label, weight }, outs, { cap });
  return { loss: loss!, stats: stats! };
}

export const LINEAR_KL: Op<Ins, Outs, Attrs> = {
  name: "linear_kl",
  launches(call, target) {
    const { ins, outs: { loss, stats, dx } } = call;
    return [
      fill(loss),
      fill(stats),
      ...(dx ? [fill(dx)] : []),
      ...Array.from({ length: chunksOf(ins) }, (_, gate) => chunk(call, target, gate)).flat(),
    ];
  },
  backward(_graph, { ins: { x }, outs: { dx } }, gradients) {
    gradients.add(x, dx!);
  },
};

function chunk(call: Call<Ins, Outs, Attrs>, target: Target, gate: number): Launch[] {
  const { ins: { x, base, w, rows }, outs, attrs: { cap } } = call;
  const { hidden, logits, baseLogits, dx, dhidden } = outs;
  const head = { x, w, rows, hidden, logits, cap, gate };
  return [
    ...scoreChunk(target, { ...head, x: base, logits: baseLogits }),
    ...scoreChunk(target, head),
    divergence(call, target, gate),
    ...(dx ? unscoreChunk(target, head, { dx, dhidden: dhidden! }) : []),
  ].map((launch) => ({ ...launch, gate }));
}

/** The divergence of a chunk, and its logits to dlogits where a gradient is wanted. */
function divergence(
  { ins: { w, label, weight }, outs, attrs }: Call<Ins, Outs, Attrs>,
  { kernelSet }: Target,
  gate: number,
): Launch {
  const { loss, stats, logits, baseLogits, dx } = outs;
  const constants = {
    V: w.shape[0]!,
    STRIDE: storedRows(w),
    OFFSET: gate * CHUNK,
    GRAD: dx !== undefined,
    CAP: attrs.cap ?? 0,
  };
  const imports = { softcap: SOFTCAP };
  const bind = [logits, baseLogits, label, weight, loss, stats];
  if (kernelSet === "register") {
    return {
      kernel: { name: "kl_divergence", text: registerText, imports },
      constants: { ...constants, N: CHUNK },
      bind,
      groups: perRow(CHUNK),
    };
  }
  return {
    kernel: { name: "kl_divergence_shared", text: sharedText, imports },
    constants: { ...constants, LANES: lanesFor(storedRows(w)) },
    bind,
    groups: [CHUNK],
  };
}
