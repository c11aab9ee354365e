/** The argument of the tanh, and its derivative. */
const inner = (x: number) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
const dinner = (x: number) => Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x ** 2);

/** f64 twin of gelu.wgsl: the tanh approximation of x * Phi(x). */
export function gelu(x: Float64Array): Float64Array {
  return x.map((a) => a / 2 * (1 + Math.tanh(inner(a))));
}

/** f64 twin of gelu_backward.wgsl: the gradient of x. */
export function geluBackward(x: Float64Array, dy: Float64Array): Float64Array {
  return x.map((a, i) => {
    const tanh = Math.tanh(inner(a));
    return dy[i]! * ((1 + tanh) / 2 + a / 2 * (1 - tanh ** 2) * dinner(a));
  });
}
