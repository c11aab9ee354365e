type Curve = (a: number) => number;

/** Each activation and its slope. */
const CURVES: Record<
  "silu" | "gelu" | "gelu_erf" | "relu" | "tanh",
  { value: Curve; slope: Curve }
> = {
  silu: {
    value: (a) => a / (1 + Math.exp(-a)),
    slope: (a) => {
      const s = 1 / (1 + Math.exp(-a));
      return s * (1 + a * (1 - s));
    },
  },
  gelu: {
    value: (a) => a / 2 * (1 + Math.tanh(inner(a))),
    slope: (a) => {
      const tanh = Math.tanh(inner(a));
      return (1 + tanh) / 2 + a / 2 * (1 - tanh ** 2) * dinner(a);
    },
  },
  gelu_erf: {
    value: (a) => a * phi(a),
    slope: (a) => phi(a) + a * Math.exp(-(a ** 2) / 2) / Math.sqrt(2 * Math.PI),
  },
  relu: { value: (a) => Math.max(a, 0), slope: (a) => a > 0 ? 1 : 0 },
  tanh: { value: Math.tanh, slope: (a) => 1 / Math.cosh(a) ** 2 },
};

/** The argument of the tanh, and its derivative. */
const inner: Curve = (a) => Math.sqrt(2 / Math.PI) * (a + 0.044715 * a ** 3);
const dinner: Curve = (a) => Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * a ** 2);

/** The normal distribution by its series in odd powers over double factorials, whose terms have one sign. */
function phi(a: number): number {
  if (Math.abs(a) > 9) return a < 0 ? 0 : 1; // but for 1e-19
  let [term, sum] = [a, a];
  for (let n = 3; Math.abs(term) > 1e-18 * Math.abs(sum); n += 2) sum += term *= a * a / n;
  return 0.5 + sum * Math.exp(-a * a / 2) / Math.sqrt(2 * Math.PI);
}

/** f64 twin of activate.wgsl: GELU by its tanh approximation where nothing is said. */
export function activate(x: Float64Array, activation: keyof typeof CURVES = "gelu"): Float64Array {
  return x.map(CURVES[activation].value);
}

/** f64 twin of activate_backward.wgsl: the gradient of x. */
export function activateBackward(
  x: Float64Array,
  dy: Float64Array,
  activation: keyof typeof CURVES = "gelu",
): Float64Array {
  return x.map((a, i) => dy[i]! * CURVES[activation].slope(a));
}
