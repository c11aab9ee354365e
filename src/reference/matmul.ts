/** f64 twins of matmul_nt.wgsl, matmul_nn.wgsl and matmul_tn.wgsl. */

export interface MatmulSizes {
  M: number;
  N: number;
  K: number;
  SCALE: number;
}

/** A factor as its rows (or columns) and the k of a sum lie in it: numbers from one to the next. */
interface Factor {
  readonly numbers: Float64Array;
  readonly outer: number;
  readonly k: number;
}

function product(a: Factor, b: Factor, { M, N, K, SCALE }: MatmulSizes): Float64Array {
  const c = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) {
        sum += a.numbers[m * a.outer + k * a.k]! * b.numbers[n * b.outer + k * b.k]!;
      }
      c[m * N + n] = SCALE * sum;
    }
  }
  return c;
}

/** c = SCALE a b^T, a [M, K], b [N, K]. */
export function matmulNt(a: Float64Array, b: Float64Array, sizes: MatmulSizes): Float64Array {
  const { K } = sizes;
  return product({ numbers: a, outer: K, k: 1 }, { numbers: b, outer: K, k: 1 }, sizes);
}

/** c = SCALE a b, a [M, K], b [K, N]. */
export function matmulNn(a: Float64Array, b: Float64Array, sizes: MatmulSizes): Float64Array {
  const { K, N } = sizes;
  return product({ numbers: a, outer: K, k: 1 }, { numbers: b, outer: 1, k: N }, sizes);
}

/** c = SCALE a^T b, a [K, M], b [K, N]. */
export function matmulTn(a: Float64Array, b: Float64Array, sizes: MatmulSizes): Float64Array {
  const { M, N } = sizes;
  return product({ numbers: a, outer: 1, k: M }, { numbers: b, outer: 1, k: N }, sizes);
}
