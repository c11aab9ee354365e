/** f64 twins of layer_norm.wgsl, layer_norm_backward.wgsl and layer_norm_weight_backward.wgsl. */

type Sizes = { T: number; D: number };

/** y = (x - mean) / sqrt(variance + EPS) * weight + bias, row by row. */
export function layerNorm(
  x: Float64Array, // [T, D]
  weight: Float64Array, // [D]
  bias: Float64Array, // [D]
  { T, D, EPS }: Sizes & { EPS: number },
): { y: Float64Array; mean: Float64Array; rstd: Float64Array } {
  const y = new Float64Array(T * D);
  const mean = new Float64Array(T);
  const rstd = new Float64Array(T);
  for (let t = 0; t < T; t++) {
    const row = x.subarray(t * D, (t + 1) * D);
    mean[t] = row.reduce((sum, v) => sum + v, 0) / D;
    const variance = row.reduce((sum, v) => sum + (v - mean[t]!) ** 2, 0) / D;
    rstd[t] = 1 / Math.sqrt(variance + EPS);
    for (let c = 0; c < D; c++) {
      y[t * D + c] = (row[c]! - mean[t]!) * rstd[t]! * weight[c]! + bias[c]!;
    }
  }
  return { y, mean, rstd };
}

/** The gradient of x, which with ADD is added to what `dx` holds. */
export function layerNormBackward(
  x: Float64Array, // [T, D]
  weight: Float64Array, // [D]
  mean: Float64Array, // [T]
  rstd: Float64Array, // [T]
  dy: Float64Array, // [T, D]
  dx: Float64Array, // [T, D]
  { T, D, ADD }: Sizes & { ADD: boolean },
): Float64Array {
  const sum = ADD ? dx.slice() : new Float64Array(T * D);
  for (let t = 0; t < T; t++) {
    const scale = rstd[t]!;
    let dScale = 0; // y = (x - mean) * scale * weight + bias, and both depend on every x of the row
    let dMean = 0;
    for (let c = 0; c < D; c++) {
      const g = dy[t * D + c]! * weight[c]!;
      dScale += g * (x[t * D + c]! - mean[t]!);
      dMean -= g * scale;
    }
    for (let c = 0; c < D; c++) {
      const dScaleDx = -(scale ** 3) * (x[t * D + c]! - mean[t]!) / D;
      sum[t * D + c]! += dy[t * D + c]! * weight[c]! * scale + dScale * dScaleDx + dMean / D;
    }
  }
  return sum;
}

/** The gradient of the weight in each of PARTS row ranges, [PARTS, D]; they add up to dweight. */
export function layerNormWeightBackward(
  x: Float64Array, // [T, D]
  mean: Float64Array, // [T]
  rstd: Float64Array, // [T]
  dy: Float64Array, // [T, D]
  { T, D, PARTS }: Sizes & { PARTS: number },
): Float64Array {
  const partial = new Float64Array(PARTS * D);
  const rows = Math.ceil(T / PARTS);
  for (let t = 0; t < T; t++) {
    const part = Math.floor(t / rows);
    for (let c = 0; c < D; c++) {
      partial[part * D + c]! += dy[t * D + c]! * (x[t * D + c]! - mean[t]!) * rstd[t]!;
    }
  }
  return partial;
}
