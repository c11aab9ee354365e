/** f64 twins of rms_norm.wgsl, rms_norm_backward.wgsl and rms_norm_weight_backward.wgsl. */

export interface RmsNormSizes {
  T: number;
  D: number;
  EPS: number;
  UNIT: number;
}

/** y = x / rms(x) * (UNIT + weight), row by row. */
export function rmsNorm(
  x: Float64Array, // [T, D]
  weight: Float64Array, // [D]
  { T, D, EPS, UNIT }: RmsNormSizes,
): { y: Float64Array; rstd: Float64Array } {
  const y = new Float64Array(T * D);
  const rstd = new Float64Array(T);
  for (let t = 0; t < T; t++) {
    let squares = 0;
    for (let c = 0; c < D; c++) squares += x[t * D + c]! ** 2;
    rstd[t] = 1 / Math.sqrt(squares / D + EPS);
    for (let c = 0; c < D; c++) y[t * D + c] = x[t * D + c]! * rstd[t]! * (UNIT + weight[c]!);
  }
  return { y, rstd };
}

/** The gradient of x, which with ADD is added to what `dx` holds. */
export function rmsNormBackward(
  x: Float64Array, // [T, D]
  weight: Float64Array, // [D]
  rstd: Float64Array, // [T]
  dy: Float64Array, // [T, D]
  dx: Float64Array, // [T, D]
  { T, D, UNIT, ADD }: { T: number; D: number; UNIT: number; ADD: boolean },
): Float64Array {
  const sum = ADD ? dx.slice() : new Float64Array(T * D);
  for (let t = 0; t < T; t++) {
    const scale = rstd[t]!;
    let dScale = 0; // y = x * scale * (UNIT + weight), and scale depends on every x of the row
    for (let c = 0; c < D; c++) dScale += dy[t * D + c]! * x[t * D + c]! * (UNIT + weight[c]!);
    for (let c = 0; c < D; c++) {
      const at = t * D + c;
      const dScaleDx = -(scale ** 3) * x[at]! / D;
      sum[at]! += dy[at]! * scale * (UNIT + weight[c]!) + dScale * dScaleDx;
    }
  }
  return sum;
}

/** The gradient of the weight in each of PARTS row ranges, [PARTS, D]; they add up to dweight. */
export function rmsNormWeightBackward(
  x: Float64Array, // [T, D]
  rstd: Float64Array, // [T]
  dy: Float64Array, // [T, D]
  { T, D, PARTS }: { T: number; D: number; PARTS: number },
): Float64Array {
  const partial = new Float64Array(PARTS * D);
  const rows = Math.ceil(T / PARTS);
  for (let t = 0; t < T; t++) {
    const part = Math.floor(t / rows);
    for (let c = 0; c < D; c++) {
      partial[part * D + c]! += dy[t * D + c]! * x[t * D + c]! * rstd[t]!;
    }
  }
  return partial;
}
