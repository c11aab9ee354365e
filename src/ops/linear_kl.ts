/**
 * The output head and the divergence from the base model's distribution in one, over chunks of
 * supervised rows.
 *
 * @module
 */
import registerText from "../../kernels/kl_divergence.wgsl" with { type: "text" };
import sharedText from "../../kernels/kl_divergence_shared.wgsl" with { type: "text" };
import divergenceText from "../../kernels/shared/divergence.wgsl" with { type: "text" };
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
import type { Text } from "../gpu/kernel.ts";
import { lanesFor, perRow } from "./launch.ts";
import { productLaunch } from "./matmul.ts";
import { SOFTCAP } from "./softcap.ts";

type Ins = {
  x: Value; // [T, D]
  w: Value; // [V, D], blocks
  a: Value | undefined; // [rank, D]
  b: Value | undefined; // [stored rows of w, rank]
  base: Value; // [T, D0]
  baseHead: Value; // [V, D0], blocks
  rows: Value; // [S]
  label: Value; // [S]
  weight: Value; // [S]
};
type Outs = Record<"loss" | "stats" | "hidden" | "baseHidden" | "logits" | "baseLogits", Value> & {
  dx?: Value;
  dhidden?: Value;
  dw?: Value;
  u?: Value;
  v?: Value;
  da?: Value;
  db?: Value;
};

type Attrs = {
  cap: number | undefined;
  baseCap: number | undefined;
  scale: number;
  beta: number;
};

/** Numbers that are kept of each row beside its loss. */
export const KL_STATS = 4;

/** The model beside which another is put: its base, or a teacher. */
export interface Base {
  readonly hidden: Value; // [T, D0]
  readonly head: Value; // [V, D0], blocks
  /** Its logits z become cap * tanh(z / cap); absent where they stay as they are. */
  readonly cap?: number | undefined;
}

/** How the divergence is taken. */
export interface KlOptions extends HeadOptions {
  /** 0, the default, for KL of the base from x, 1 for that of x from the base; or between the two. */
  readonly beta?: number;
}

/** Longer rows would take the gradient of other divergences more rounds than an invocation has. */
const LONGEST_MIXED = 349_520;

/** Terms and slope of a divergence, for both kernels. */
const DIVERGENCE: Text = { name: "shared/divergence", text: divergenceText };

/**
 * loss[s] = weight[s] * KL(softmax(base[rows[s]] w0^T) || softmax(x[rows[s]] (w + scale b a)^T)),
 * [S], over the whole vocabulary; w0 is the base's head. With `cap` the logits z are
 * cap * tanh(z / cap) first. The gradient with respect to the logits of x is weight (p - p0), and
 * nothing flows into the base.
 *
 * stats[s], [S, 4], are not weighted: the divergence, the label's negative log-likelihood under base
 * and under x, and hits (1: base's top token is the label; 2: that of x is; 4: both tops are one).
 *
 * Method: distillation to the old model (Li and Hoiem, 2016, arXiv 1606.09282) with the whole
 * distribution as target. With `beta` the generalised Jensen-Shannon divergence of GKD (Agarwal et al.,
 * 2024, arXiv 2306.13649, equation 1; KL of x from the base at 1) takes its place in loss and stats.
 *
 * @throws {RangeError} where shapes do not fit, or the base's head is trained.
 */
export function linearKl(
  graph: Graph,
  x: Value, // [T, D]
  w: Value, // [V, D], blocks
  { hidden: base, head: baseHead, cap: baseCap }: Base,
  supervision: Supervision,
  { cap, adapter, beta = 0 }: KlOptions = {},
): { loss: Value; stats: Value } {
  const [T, D] = x.shape as [number, number];
  for (const [before, now] of [[base, x], [baseHead, w]] as const) {
    if (before.shape[0] === now.shape[0]) continue;
    throw new RangeError(`The base gives [${before.shape}] but the tuned model [${now.shape}]`);
  }
  const isMixed = graph.kernelSet === "register" && beta > 0;
  if (isMixed && storedRows(w) > LONGEST_MIXED) {
    const found = `Found a head of ${storedRows(w)} rows`;
    throw new RangeError(`${found}, wanted at most ${LONGEST_MIXED} with beta on this device`);
  }
  const { name, needs } = baseHead;
  if (needs) throw new RangeError(`${name} is trained, so that the base's head is gone`);
  const { rows, label, weight } = supervision;
  const S = requireChunks(supervision);
  const N = chunkRows(graph, w);
  const scratch = (shape: number[]): OutputSpec => ({ shape, differentiable: false });
  const outs: Record<string, OutputSpec> = {
    loss: { shape: [S] },
    stats: scratch([S, KL_STATS]),
    hidden: scratch([N, D]),
    baseHidden: scratch([N, base.shape[1]!]),
    logits: scratch([N, storedRows(w)]),
    baseLogits: scratch([N, storedRows(w)]),
    ...(x.needs ? { dx: scratch([T, D]), dhidden: chunkGradient(graph, w, N) } : {}),
    ...(w.needs ? { dw: { ...scratch([...w.shape]), layout: w.layout } } : {}),
    ...updateOuts(adapter, N),
  };
  const { a, b, scale = 0 } = adapter ?? {};
  const ins = { x, w, a, b, base, baseHead, rows, label, weight };
  const { loss, stats } = graph.call(LINEAR_KL, ins, outs, { cap, baseCap, scale, beta });
  return { loss: loss!, stats: stats! };
}

export const LINEAR_KL: Op<Ins, Outs, Attrs> = {
  name: "linear_kl",
  launches(call, target) {
    const { ins, outs: { loss, stats, logits, dx } } = call;
    return [
      fill(loss),
      fill(stats),
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
  const { ins: { x, base, baseHead, w, rows }, outs, attrs: { cap, baseCap, scale } } = call;
  const { hidden, baseHidden, logits, baseLogits, dx, dhidden, dw, u, v, da, db } = outs;
  const plain = { x, w, rows, hidden, logits, cap, gate };
  const head = { ...plain, update: updateOf(call.ins, u, scale) };
  return [
    ...scoreChunk(target, {
      ...{ rows, gate, x: base, w: baseHead, cap: baseCap },
      ...{ hidden: baseHidden, logits: baseLogits },
    }),
    ...scoreChunk(target, head),
    divergence(call, target, gate),
    ...(v ? updateGradients(target, head, { v, da: da!, db: db! }) : []),
    ...(dx ? unscoreChunk(target, head, { dx, dhidden: dhidden!, v }) : []),
    ...(dw ? [productLaunch(target, "tn", { a: logits, b: hidden, c: dw, add: gate > 0 })] : []),
  ].map((launch) => ({ ...launch, gate }));
}

/** The divergence of a chunk, and its logits to dlogits where a gradient is wanted. */
function divergence(
  { ins: { w, label, weight }, outs, attrs }: Call<Ins, Outs, Attrs>,
  { kernelSet }: Target,
  gate: number,
): Launch {
  const { loss, stats, logits, baseLogits, dx, dw, da } = outs;
  const [N, place] = [logits.shape[0]!, { logits, gate }];
  const constants = {
    V: w.shape[0]!,
    STRIDE: storedRows(w),
    FIRST: firstOf(place),
    GRAD: (dx ?? dw ?? da) !== undefined,
    CAP: attrs.cap ?? 0,
    BETA: attrs.beta,
  };
  const imports = { softcap: SOFTCAP, divergence: DIVERGENCE };
  const rows = [label, weight, loss, stats].map((value) => chunkOf(value, place));
  const bind = [logits, baseLogits, ...rows];
  if (kernelSet === "register") {
    return {
      kernel: { name: "kl_divergence", text: registerText, imports },
      constants: { ...constants, N },
      bind,
      matrices: 1,
      before: true,
      groups: perRow(N),
    };
  }
  return {
    kernel: { name: "kl_divergence_shared", text: sharedText, imports },
    constants: { ...constants, LANES: lanesFor(storedRows(w)) },
    bind,
    groups: [N],
  };
}
