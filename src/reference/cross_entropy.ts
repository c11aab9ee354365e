/**
 * f64 twin of cross_entropy.wgsl: the weighted loss of each of the N rows of a chunk, and the
 * gradient of its logits.
 */
export function crossEntropy(
  logits: Float64Array, // [N, STRIDE], of which the first V columns count
  label: Uint32Array,
  weight: Float64Array,
  { N, V, STRIDE }: { N: number; V: number; STRIDE: number },
): { loss: Float64Array; dlogits: Float64Array } {
  const loss = new Float64Array(N);
  const dlogits = new Float64Array(N * STRIDE);
  for (let n = 0; n < N; n++) {
    const row = logits.subarray(n * STRIDE, n * STRIDE + V);
    const target = label[n]!;
    const w = weight[n]!;
    let [top, sum] = [-Infinity, 0];
    for (let c = 0; c < V; c++) top = Math.max(top, row[c]!);
    for (let c = 0; c < V; c++) sum += Math.exp(row[c]! - top);
    loss[n] = w * (top + Math.log(sum) - row[target]!);
    for (let c = 0; c < V; c++) {
      dlogits[n * STRIDE + c] = w * (Math.exp(row[c]! - top) / sum - (c === target ? 1 : 0));
    }
  }
  return { loss, dlogits };
}
