/** Adafactor against transformers and its twin. */
import assert from "node:assert/strict";
import { blockIndex } from "../../src/check/layout.ts";
import { adafactor, type Group } from "../../src/ops/mod.ts";
import { adafactor as adafactorTwin } from "../../src/reference/adafactor.ts";
import { assertClose, noise } from "../harness.ts";
import { golden, updater } from "./updater.ts";

const EPSILON = 1e-30;

for (const { rows, columns, start, gradients, after } of golden.adafactor) {
  Deno.test(`adafactor makes the golden updates of [${rows}, ${columns}]`, async () => {
    const sizes = { rows, columns: columns || 1 };
    const matrix = { ...sizes, used: sizes, layout: "rows" } as const;
    const groups = [{ from: 0, numbers: 64, rate: 1, decay: golden.decay, matrix }];
    const rule = adafactor({ epsilon: EPSILON, clip: 0 });
    const { write, run, destroy } = await updater(64, rule, { groups });
    const filled = (numbers: number[]) =>
      Float32Array.from({ length: 64 }, (_, i) => numbers[i] ?? 0);
    write("params", filled(start));
    for (const [i, gradient] of gradients.entries()) {
      const { p } = await run(filled(gradient), golden.rate, i + 1);
      assertClose(p.subarray(0, start.length), after[i]!, 1e-6, `after ${i + 1}`);
    }
    destroy();
  });
}

/** Tensors of odd sizes; those with less that is used are filled up. */
const TENSORS = [
  { rows: 8, columns: 24, used: { rows: 6, columns: 24 }, layout: "rows" },
  { rows: 260, columns: 4, used: { rows: 260, columns: 3 }, layout: "rows" },
  { rows: 37, columns: 12, used: { rows: 37, columns: 12 }, layout: "blocks" },
  { rows: 130, columns: 1, used: { rows: 130, columns: 1 }, layout: "rows" },
  { rows: 4, columns: 1000, used: { rows: 4, columns: 1000 }, layout: "rows" },
] as const;

for (const clip of [0, 0.5]) {
  Deno.test(`adafactor equals steps of its twin on tensors, clipped at ${clip}`, async () => {
    let N = 0;
    const groups = TENSORS.map((matrix, i): Group & { matrix: typeof matrix } => {
      const { rows, columns, layout } = matrix;
      const stored = (layout === "blocks" ? Math.ceil(rows / 4) * 4 : rows) * columns;
      const numbers = Math.ceil(stored / 64) * 64;
      const group = { from: N, numbers, rate: 1 + i, decay: i / 10, matrix };
      N += numbers;
      return group;
    });
    /** Where the used numbers of a tensor lie, row by row. */
    const placesOf = ({ from, matrix: { columns, used, layout } }: typeof groups[number]) =>
      Array.from({ length: used.rows * used.columns }, (_, k) => {
        const [i, j] = [Math.floor(k / used.columns), k % used.columns];
        return from + (layout === "blocks" ? blockIndex(i, j, columns) : i * columns + j);
      });
    const isUsed = new Set(groups.flatMap(placesOf));
    const used = (numbers: Float32Array) => numbers.map((x, i) => isUsed.has(i) ? x : 0);
    const { write, run, resume, destroy } = await updater(
      N,
      adafactor({ epsilon: EPSILON, clip }),
      {
        groups,
      },
    );
    const start = used(noise(N, 3));
    write("params", start);
    const exact: ReturnType<typeof adafactorTwin>[] = groups.map((group) => ({
      p: Float64Array.from(placesOf(group), (at) => start[at]!),
      byRow: new Float64Array(group.matrix.used.rows),
      byColumn: new Float64Array(group.matrix.used.columns),
    }));
    for (let t = 1; t <= 5; t++) {
      const gradient = used(noise(N, 50 + t)).map((g) => g * 10 ** (t - 3));
      const { p } = await run(gradient, 0.01 * t, t);
      const norm = gradient.reduce((sum, g) => sum + g * g, 0);
      for (const [i, group] of groups.entries()) {
        const places = placesOf(group);
        const { p: before, byRow, byColumn } = exact[i]!;
        const { rate, decay, matrix } = group;
        const grad = Float64Array.from(places, (at) => gradient[at]!);
        const settings = { epsilon: EPSILON, clip, t, ...matrix.used };
        const step = { ...settings, rate: 0.01 * t * rate, decay };
        exact[i] = adafactorTwin(before, grad, byRow, byColumn, step, norm);
        const found = Float32Array.from(places, (at) => p[at]!);
        assertClose(found, exact[i]!.p, 3e-6, `tensor ${i} after ${t}`);
      }
      assert.ok(p.every((x, i) => isUsed.has(i) || x === 0), "what fills up stays 0");
    }
    const before = await run(used(noise(N, 9)), 0.01, 6);
    const broken = used(noise(N, 10));
    broken[3] = NaN;
    const halted = await run(broken, 0.01, 7);
    for (const name of ["p", "v"] as const) assertClose(halted[name], before[name], 0, name);
    resume();
    const still = await run(new Float32Array(N), 0.01, 7);
    assert.ok(still.p.every(Number.isFinite), "a gradient of nothing leaves numbers");
    destroy();
  });
}
