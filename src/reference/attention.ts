/**
 * f64 twins of the attention kernels: over segments (row i sees keys start[i] .. i, or those before
 * stop[i]), with H query heads in G groups that share a key and value head.
 */
export interface AttentionSizes {
  T: number;
  H: number;
  G: number;
  D: number;
  SCALE: number;
  /** Scores s become CAP * tanh(s / CAP); 0 or absent where they stay as they are. */
  CAP?: number;
  /** One past the last key that each row sees; its own row is the last where absent. */
  stop?: Uint32Array; // [T]
  /** Added to the scores: column T + j - i of row h, [H, 2 * T]. */
  bias?: Float64Array;
}

/** One past the last key that row i sees. */
const endOf = (i: number, { stop }: AttentionSizes) => stop ? stop[i]! : i + 1;

/** The probabilities p [H, T, T] after attention_scores.wgsl and attention_softmax.wgsl. */
export function attentionProbabilities(
  q: Float64Array, // [T, H, D]
  k: Float64Array, // [T, G, D]
  start: Uint32Array, // [T]
  sizes: AttentionSizes,
): Float64Array {
  const { T, H, G, D, SCALE, CAP = 0, bias } = sizes;
  const p = new Float64Array(H * T * T);
  for (let h = 0; h < H; h++) {
    const g = Math.floor(h / (H / G));
    for (let i = 0; i < T; i++) {
      const row = (h * T + i) * T;
      const end = endOf(i, sizes);
      let top = -Infinity;
      for (let j = start[i]!; j < end; j++) {
        const score = SCALE * dot(q, (i * H + h) * D, k, (j * G + g) * D, D);
        p[row + j] = CAP > 0 ? CAP * Math.tanh(score / CAP) : score;
        if (bias) p[row + j]! += bias[h * 2 * T + T + j - i]!;
        top = Math.max(top, p[row + j]!);
      }
      let sum = 0;
      for (let j = start[i]!; j < end; j++) sum += p[row + j] = Math.exp(p[row + j]! - top);
      for (let j = start[i]!; j < end; j++) p[row + j]! /= sum;
    }
  }
  return p;
}

/** The output y [T, H, D] after attention_mix.wgsl. */
export function attention(
  q: Float64Array, // [T, H, D]
  k: Float64Array, // [T, G, D]
  v: Float64Array, // [T, G, D]
  start: Uint32Array, // [T]
  sizes: AttentionSizes,
): Float64Array {
  const { T, H, G, D } = sizes;
  const p = attentionProbabilities(q, k, start, sizes);
  const y = new Float64Array(T * H * D);
  forEachPair(start, sizes, (h, g, i, j) => {
    const weight = p[(h * T + i) * T + j]!;
    for (let c = 0; c < D; c++) y[(i * H + h) * D + c]! += weight * v[(j * G + g) * D + c]!;
  });
  return y;
}

/** y . dy of each head of each token, [T, H]. */
export function attentionDelta(
  y: Float64Array, // [T, H, D]
  dy: Float64Array, // [T, H, D]
  { T, H, D }: AttentionSizes,
): Float64Array {
  return new Float64Array(T * H).map((_, head) => dot(y, head * D, dy, head * D, D));
}

/** The gradients after all backward kernels, and ds [H, T, T] after attention_cap_backward.wgsl. */
export function attentionBackward(
  q: Float64Array, // [T, H, D]
  k: Float64Array, // [T, G, D]
  v: Float64Array, // [T, G, D]
  start: Uint32Array, // [T]
  dy: Float64Array, // [T, H, D]
  sizes: AttentionSizes,
): { dq: Float64Array; dk: Float64Array; dv: Float64Array; ds: Float64Array } {
  const { T, H, G, D, SCALE, CAP = 0 } = sizes;
  const p = attentionProbabilities(q, k, start, sizes);
  const dp = new Float64Array(H * T * T);
  const mean = new Float64Array(H * T); // of dp over the row, weighted by p
  forEachPair(start, sizes, (h, g, i, j) => {
    const at = (h * T + i) * T + j;
    dp[at] = dot(dy, (i * H + h) * D, v, (j * G + g) * D, D);
    mean[h * T + i]! += p[at]! * dp[at]!;
  });

  const dq = new Float64Array(T * H * D);
  const dk = new Float64Array(T * G * D);
  const dv = new Float64Array(T * G * D);
  const ds = new Float64Array(H * T * T);
  forEachPair(start, sizes, (h, g, i, j) => {
    const at = (h * T + i) * T + j;
    ds[at] = SCALE * p[at]! * (dp[at]! - mean[h * T + i]!);
    if (CAP > 0) {
      const score = SCALE * dot(q, (i * H + h) * D, k, (j * G + g) * D, D);
      ds[at]! *= 1 - Math.tanh(score / CAP) ** 2;
    }
    for (let c = 0; c < D; c++) {
      const query = (i * H + h) * D + c;
      const key = (j * G + g) * D + c;
      dq[query]! += ds[at]! * k[key]!;
      dk[key]! += ds[at]! * q[query]!;
      dv[key]! += p[at]! * dy[query]!;
    }
  });
  return { dq, dk, dv, ds };
}

/** Visits every visible pair of a query row i and a key row j, in every head h of every group g. */
function forEachPair(
  start: Uint32Array,
  sizes: AttentionSizes,
  visit: (h: number, g: number, i: number, j: number) => void,
) {
  const { T, H, G } = sizes;
  for (let h = 0; h < H; h++) {
    for (let i = 0; i < T; i++) {
      const end = endOf(i, sizes);
      for (let j = start[i]!; j < end; j++) visit(h, Math.floor(h / (H / G)), i, j);
    }
  }
}

function dot(a: Float64Array, aBegin: number, b: Float64Array, bBegin: number, length: number) {
  let sum = 0;
  for (let c = 0; c < length; c++) sum += a[aBegin + c]! * b[bBegin + c]!;
  return sum;
}
