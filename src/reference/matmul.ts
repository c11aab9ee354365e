/** f64 twins of matmul_nt.wgsl, matmul_nn.wgsl and matmul_tn.wgsl. */

export interface MatmulSizes {
  M: number;
  N: number;
  K: number;
  SCALE: number;
}

type At = (row: number, column: number) => number;

function product(a: At, b: At, { M, N, K, SCALE }: MatmulSizes): Float64Array {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += a(m, k) * b(k, n);
      c[m * N + n] = SCALE * sum;
    }
  }
  return c;
}

/** c = SCALE a b^T, a [M, K], b [N, K]. */
export function matmulNt(a: Float64Array, b: Float64Array, sizes: MatmulSizes): Float64Array {
  const { K } = sizes;
  return product((m, k) => a[m * K + k]!, (k, n) => b[n * K + k]!, sizes);
}

/** c = SCALE a b, a [M, K], b [K, N]. */
export function matmulNn(a: Float64Array, b: Float64Array, sizes: MatmulSizes): Float64Array {
  const { K, N } = sizes;
  return product((m, k) => a[m * K + k]!, (k, n) => b[k * N + n]!, sizes);
}

/** c = SCALE a^T b, a [K, M], b [K, N]. */
export function matmulTn(a: Float64Array, b: Float64Array, sizes: MatmulSizes): Float64Array {
  const { M, N } = sizes;
  return product((m, k) => a[k * M + m]!, (k, n) => b[k * N + n]!, sizes);
}
