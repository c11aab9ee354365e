/**
 * f64 twin of kl_divergence.wgsl: the weighted divergence of each of the N rows of a chunk from
 * the base's distribution, the gradient of its logits, and what is counted beside it.
 *
 * @param beta above 0 of another divergence than KL of the base.
 */
export function klDivergence(
  logits: Float64Array, // [N, STRIDE], of which the first V columns count
  base: Float64Array, // [N, STRIDE]
  label: Uint32Array,
  weight: Float64Array,
  { N, V, STRIDE }: { N: number; V: number; STRIDE: number },
  beta = 0,
): { loss: Float64Array; dlogits: Float64Array; stats: Float64Array } {
  const loss = new Float64Array(N);
  const dlogits = new Float64Array(N * STRIDE);
  const stats = new Float64Array(4 * N);
  for (let n = 0; n < N; n++) {
    const [log, baseLog] = [logits, base].map((all) =>
      logSoftmax(all.subarray(n * STRIDE, n * STRIDE + V))
    );
    const [w, target] = [weight[n]!, label[n]!];
    const mixture = mixtureOf(log!, baseLog!, beta);
    const toMixture = divergence(log!, mixture);
    const baseToMixture = divergence(baseLog!, mixture);
    const [share, baseShare] = beta === 0 || beta === 1 ? [beta, 1 - beta] : [1 - beta, beta];
    const kl = share * toMixture + baseShare * baseToMixture;
    for (let c = 0; c < V; c++) {
      const p = Math.exp(log![c]!);
      const slope = beta === 0
        ? p - Math.exp(baseLog![c]!)
        : share * p * (log![c]! - mixture[c]! - toMixture);
      dlogits[n * STRIDE + c] = w * slope;
    }
    loss[n] = w * kl;
    const [top, baseTop] = [topOf(log!), topOf(baseLog!)];
    const hits = Number(baseTop === target) + 2 * Number(top === target) +
      4 * Number(top === baseTop);
    stats.set([kl, -baseLog![target]!, -log![target]!, hits], 4 * n);
  }
  return { loss, dlogits, stats };
}

/** Logarithms of (1 - beta) own + beta base. */
function mixtureOf(own: Float64Array, base: Float64Array, beta: number): Float64Array {
  if (beta === 0) return own;
  if (beta === 1) return base;
  const mixture = new Float64Array(own.length);
  for (let c = 0; c < own.length; c++) {
    mixture[c] = Math.log((1 - beta) * Math.exp(own[c]!) + beta * Math.exp(base[c]!));
  }
  return mixture;
}

/** KL(p || q) of two distributions by their logarithms. */
function divergence(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let c = 0; c < p.length; c++) sum += Math.exp(p[c]!) * (p[c]! - q[c]!);
  return sum;
}

function logSoftmax(row: Float64Array): Float64Array {
  const top = row[topOf(row)]!;
  let sum = 0;
  for (let c = 0; c < row.length; c++) sum += Math.exp(row[c]! - top);
  const logSum = top + Math.log(sum);
  const log = new Float64Array(row.length);
  for (let c = 0; c < row.length; c++) log[c] = row[c]! - logSum;
  return log;
}

/** The first of the largest. */
function topOf(row: Float64Array): number {
  let top = 0;
  for (let c = 1; c < row.length; c++) if (row[c]! > row[top]!) top = c;
  return top;
}
