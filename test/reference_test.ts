/** The twins of backward kernels against the twins of their forwards, in f64 throughout. */
import { assertClose, noise } from "./harness.ts";
import { activate, activateBackward } from "../src/reference/activate.ts";
import { attention, attentionBackward, attentionDelta } from "../src/reference/attention.ts";
import { embed, embedBackward } from "../src/reference/embed.ts";

import {
  layerNorm,
  layerNormBackward,
  layerNormWeightBackward,
} from "../src/reference/layer_norm.ts";
import { rmsNorm, rmsNormWeightBackward } from "../src/reference/rms_norm.ts";
import { gatherRows, scatterRows } from "../src/reference/rows.ts";
import { sumRows } from "../src/reference/sum_rows.ts";

const f64 = (length: number, seed: number) => Float64Array.from(noise(length, seed));
const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

/** d dot(dy, f(x)) / dx by central difference. */
function slope(x: Float64Array, f: (x: Float64Array) => Float64Array, dy: Float64Array) {
  const at = (i: number, step: number) => dot(dy, f(x.map((v, j) => i === j ? v + step : v)));
  return x.map((_, i) => (at(i, 1e-5) - at(i, -1e-5)) / 2e-5);
}

Deno.test("activateBackward() is the slope of activate()", () => {
  const [x, dy] = [f64(12, 1).map((v) => 3 * v), f64(12, 2)];
  for (const activation of ["silu", "gelu", "gelu_erf"] as const) {
    const forward = (x: Float64Array) => activate(x, activation);
    assertClose(activateBackward(x, dy, activation), slope(x, forward, dy), 1e-8, activation);
  }
  const erf = Float64Array.of(-4, -1.5, 0.3, 6); // a / 2 * erfc(-a / sqrt 2), from a table
  const known = [-0.00012668496733, -0.1002107982, 0.1853734264, 5.99999999408];
  assertClose(activate(erf, "gelu_erf"), known, 1e-9, "by erf");
});

Deno.test("embedBackward() is the slope of embed(), on top of what is there", () => {
  const [token, T, D, V] = [Uint32Array.of(2, 0, 2), 3, 4, 4];
  const [table, dx, before] = [f64(V * D, 1), f64(T * D, 2), f64(V * D, 3)];
  const forward = (table: Float64Array) =>
    embed(token, new Float64Array(T * D), table, { D, ROW0: 0, ROWS: V, SCALE: 1.5 });
  const expected = slope(table, forward, dx);
  const sizes = { V, D, SCALE: 1.5 };
  assertClose(embedBackward(token, dx, before, { ...sizes, ADD: false }), expected, 1e-8, "dtable");
  const added = expected.map((v, i) => v + before[i]!);
  assertClose(embedBackward(token, dx, before, { ...sizes, ADD: true }), added, 1e-8, "sum");
});

Deno.test("rmsNormWeightBackward() and sumRows() are the slope of rmsNorm() by its weight", () => {
  const [T, D, PARTS] = [7, 4, 3];
  const [x, weight, dy] = [f64(T * D, 1), f64(D, 2), f64(T * D, 3)];
  const sizes = { T, D, EPS: 1e-5, UNIT: 0 };
  const { rstd } = rmsNorm(x, weight, sizes);
  const partial = rmsNormWeightBackward(x, rstd, dy, { T, D, PARTS });
  const dweight = sumRows(partial, { ROWS: PARTS, D, PARTS: 1 });
  assertClose(dweight, slope(weight, (w) => rmsNorm(x, w, sizes).y, dy), 1e-8, "dweight");
});

Deno.test("the backwards of layerNorm() are its slopes", () => {
  const [T, D, PARTS] = [7, 4, 3];
  const [x, weight, bias, dy] = [f64(T * D, 1), f64(D, 2), f64(D, 3), f64(T * D, 4)];
  const sizes = { T, D, EPS: 1e-5 };
  const { mean, rstd } = layerNorm(x, weight, bias, sizes);
  const partial = layerNormWeightBackward(x, mean, rstd, dy, { T, D, PARTS });
  const dweight = sumRows(partial, { ROWS: PARTS, D, PARTS: 1 });
  const byWeight = slope(weight, (w) => layerNorm(x, w, bias, sizes).y, dy);
  assertClose(dweight, byWeight, 1e-8, "dweight");
  const dx = layerNormBackward(x, weight, mean, rstd, dy, x, { T, D, ADD: false });
  assertClose(dx, slope(x, (x) => layerNorm(x, weight, bias, sizes).y, dy), 1e-8, "dx");
});

Deno.test("scatterRows() is the slope of gatherRows()", () => {
  const [T, D, N] = [5, 2, 3];
  const rows = Uint32Array.of(4, 0, 0xffffffff);
  const [x, dy] = [f64(T * D, 1), f64(N * D, 2)];
  const sizes = { T, D, N };
  const expected = slope(x, (x) => gatherRows(x, rows, sizes), dy);
  assertClose(scatterRows(dy, rows, new Float64Array(T * D), sizes), expected, 1e-8, "dx");
});

Deno.test("attentionBackward() is the slope of attention(), and attentionDelta() is y . dy", () => {
  const sizes = { T: 4, H: 2, G: 1, D: 2, SCALE: 0.7 };
  const start = Uint32Array.of(0, 0, 2, 2);
  const [q, k, v, dy] = [f64(16, 1), f64(8, 2), f64(8, 3), f64(16, 4)];
  const { dq, dk, dv } = attentionBackward(q, k, v, start, dy, sizes);
  assertClose(dq, slope(q, (q) => attention(q, k, v, start, sizes), dy), 1e-8, "dq");
  assertClose(dk, slope(k, (k) => attention(q, k, v, start, sizes), dy), 1e-8, "dk");
  assertClose(dv, slope(v, (v) => attention(q, k, v, start, sizes), dy), 1e-8, "dv");
  const y = attention(q, k, v, start, sizes);
  const rows = Float64Array.from(
    { length: 8 },
    (_, i) => dot(y.slice(2 * i, 2 * i + 2), dy.slice(2 * i, 2 * i + 2)),
  );
  assertClose(attentionDelta(y, dy, sizes), rows, 1e-12, "delta");
});
