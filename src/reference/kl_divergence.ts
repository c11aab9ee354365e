/**
 * f64 twin of kl_divergence.wgsl: the weighted divergence of each of the N rows of a chunk from
 * the base's distribution, the gradient of its logits, and what is counted beside it.
 */
export function klDivergence(
  logits: Float64Array, // [N, STRIDE], of which the first V columns count
  base: Float64Array, // [N, STRIDE]
  label: Uint32Array,
  weight: Float64Array,
  { N, V, STRIDE }: { N: number; V: number; STRIDE: number },
): { loss: Float64Array; dlogits: Float64Array; stats: Float64Array } {
  const loss = new Float64Array(N);
  const dlogits = new Float64Array(N * STRIDE);
  const stats = new Float64Array(4 * N);
  for (let n = 0; n < N; n++) {
    const [log, baseLog] = [logits, base].map((all) =>
      logSoftmax(all.subarray(n * STRIDE, n * STRIDE + V))
    );
    const [w, target] = [weight[n]!, label[n]!];
    let kl = 0;
    for (let c = 0; c < V; c++) {
      const [p, p0] = [Math.exp(log![c]!), Math.exp(baseLog![c]!)];
      kl += p0 * (baseLog![c]! - log![c]!);
      dlogits[n * STRIDE + c] = w * (p - p0);
    }
    loss[n] = w * kl;
    const [top, baseTop] = [topOf(log!), topOf(baseLog!)];
    const hits = Number(baseTop === target) + 2 * Number(top === target) +
      4 * Number(top === baseTop);
    stats.set([kl, -baseLog![target]!, -log![target]!, hits], 4 * n);
  }
  return { loss, dlogits, stats };
}

function logSoftmax(row: Float64Array): Float64Array {
  const top = row.reduce((top, z) => Math.max(top, z), -Infinity);
  const logSum = top + Math.log(row.reduce((sum, z) => sum + Math.exp(z - top), 0));
  return row.map((z) => z - logSum);
}

const topOf = (row: Float64Array): number =>
  row.indexOf(row.reduce((top, z) => Math.max(top, z), -Infinity));
