/** A whole Llama in f64, written plainly: one document at a time, one row at a time. */

export interface LlamaSizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly groups: number;
  readonly headDim: number;
  readonly inner: number;
  readonly vocab: number;
  readonly eps: number;
  readonly theta: number;
  readonly tied: boolean;
}

/** Row-major tensors by the names of the checkpoint. */
export type Tensors = ReadonlyMap<string, Float64Array>;

/** Low-rank updates by module: W + scale B A. */
export type Updates = ReadonlyMap<string, {
  readonly a: Float64Array; // [rank, in]
  readonly b: Float64Array; // [out, rank]
  readonly scale: number;
}>;

interface Document {
  readonly ids: ArrayLike<number>;
  readonly labels: ArrayLike<number>;
}

/** Sum of the negative log-likelihoods of all supervised tokens. */
export function llamaLoss(
  documents: readonly Document[],
  c: LlamaSizes,
  tensors: Tensors,
  updates: Updates = new Map(),
): number {
  let nats = 0;
  for (const { ids, labels } of documents) {
    const scores = llamaLogits(ids, c, tensors, updates);
    for (let t = 0; t + 1 < ids.length; t++) {
      if (labels[t + 1] === -100) continue;
      nats += logSumExp(scores[t]!) - scores[t]![labels[t + 1]!]!;
    }
  }
  return nats;
}

/** Scores of the vocabulary after each token: [tokens][vocab]. */
export function llamaLogits(
  ids: ArrayLike<number>,
  c: LlamaSizes,
  tensors: Tensors,
  updates: Updates = new Map(),
): Float64Array[] {
  const weight = (name: string) => tensors.get(`${name}.weight`)!;
  const linear = (x: Float64Array, module: string) => {
    const y = product(weight(module), x);
    const update = updates.get(module);
    if (!update) return y;
    const delta = product(update.b, product(update.a, x));
    return y.map((value, row) => value + update.scale * delta[row]!);
  };
  const norm = (x: Float64Array, module: string) => {
    const rms = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + c.eps);
    return x.map((v, i) => weight(module)[i]! * v / rms);
  };

  let h: Float64Array[] = Array.from(ids, (id) => {
    return weight("model.embed_tokens").slice(id * c.hidden, (id + 1) * c.hidden);
  });
  for (let i = 0; i < c.layers; i++) {
    const layer = `model.layers.${i}`;
    const x = h.map((row) => norm(row, `${layer}.input_layernorm`));
    const q = x.map((row, t) => turn(linear(row, `${layer}.self_attn.q_proj`), t, c));
    const k = x.map((row, t) => turn(linear(row, `${layer}.self_attn.k_proj`), t, c));
    const v = x.map((row) => linear(row, `${layer}.self_attn.v_proj`));
    const y = q.map((row, t) => attend(row, k.slice(0, t + 1), v, c));
    h = h.map((row, t) => sum(row, linear(y[t]!, `${layer}.self_attn.o_proj`)));

    h = h.map((row) => {
      const z = norm(row, `${layer}.post_attention_layernorm`);
      const up = linear(z, `${layer}.mlp.up_proj`);
      const gate = linear(z, `${layer}.mlp.gate_proj`);
      const middle = gate.map((g, j) => g / (1 + Math.exp(-g)) * up[j]!);
      return sum(row, linear(middle, `${layer}.mlp.down_proj`));
    });
  }
  const head = weight(c.tied ? "model.embed_tokens" : "lm_head");
  return h.map((row) => product(head, norm(row, "model.norm")));
}

/** w x for w [out, in]. */
function product(w: Float64Array, x: Float64Array): Float64Array {
  return Float64Array.from({ length: w.length / x.length }, (_, row) => {
    return x.reduce((sum, value, i) => sum + w[row * x.length + i]! * value, 0);
  });
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}

/** Rotary position: coordinates i and i + headDim / 2 of each head turn together. */
function turn(x: Float64Array, position: number, { headDim, theta }: LlamaSizes): Float64Array {
  const half = headDim / 2;
  return x.map((value, at) => {
    const i = at % headDim;
    const angle = position * theta ** (-2 * (i % half) / headDim);
    const partner = i < half ? -x[at + half]! : x[at - half]!;
    return value * Math.cos(angle) + partner * Math.sin(angle);
  });
}

function attend(
  q: Float64Array,
  keys: readonly Float64Array[],
  values: readonly Float64Array[],
  { heads, groups, headDim }: LlamaSizes,
): Float64Array {
  const y = new Float64Array(q.length);
  for (let head = 0; head < heads; head++) {
    const group = Math.floor(head * groups / heads);
    const part = q.subarray(head * headDim, (head + 1) * headDim);
    const scores = Float64Array.from(keys, (key) => {
      const dot = part.reduce((sum, value, i) => sum + value * key[group * headDim + i]!, 0);
      return dot / Math.sqrt(headDim);
    });
    const total = logSumExp(scores);
    for (const [j, score] of scores.entries()) {
      for (let i = 0; i < headDim; i++) {
        y[head * headDim + i]! += Math.exp(score - total) * values[j]![group * headDim + i]!;
      }
    }
  }
  return y;
}

function logSumExp(x: Float64Array): number {
  const top = x.reduce((a, b) => Math.max(a, b), -Infinity);
  return top + Math.log(x.reduce((sum, value) => sum + Math.exp(value - top), 0));
}
