/** Muon against torch and its twin. */
import assert from "node:assert/strict";
import { muon } from "../../src/ops/mod.ts";
import { muon as muonTwin } from "../../src/reference/muon.ts";
import { assertClose, noise } from "../harness.ts";
import { golden, updater } from "./updater.ts";

for (const { rows, columns, start, gradients, after } of golden.muon) {
  Deno.test(`muon makes the golden updates of [${rows}, ${columns}]`, async () => {
    const matrix = { rows, columns, used: { rows, columns }, layout: "rows" } as const;
    const groups = [{ from: 0, numbers: 64, rate: 1, decay: golden.decay, matrix }];
    const rule = muon({ momentum: 0.8, nesterov: true, clip: 0 });
    const { write, run, destroy } = await updater(64, rule, { groups });
    const filled = (numbers: number[]) =>
      Float32Array.from({ length: 64 }, (_, i) => numbers[i] ?? 0);
    write("params", filled(start));
    for (const [i, gradient] of gradients.entries()) {
      const { p } = await run(filled(gradient), golden.rate, i + 1);
      assertClose(p.subarray(0, start.length), after[i]!, 1e-5, `after ${i + 1}`);
    }
    destroy();
  });
}

for (const nesterov of [false, true]) {
  Deno.test(`muon equals steps of its twin on matrices of several ranks, nesterov ${nesterov}`, async () => {
    const shapes = [[8, 24], [40, 8], [4, 12], [16, 16], [260, 8], [20, 4]] as const;
    let from = 0;
    const groups = shapes.map(([rows, columns], i) => {
      const numbers = Math.ceil(rows * columns / 64) * 64;
      const matrix = { rows, columns, used: { rows, columns }, layout: "rows" } as const;
      const group = { from, numbers, rate: 1 + i, decay: i / 10, matrix };
      from += numbers;
      return group;
    });
    const N = from;
    const isUsed = (i: number) =>
      groups.some(({ from, matrix: { rows, columns } }) => from <= i && i < from + rows * columns);
    const used = (numbers: Float32Array) => numbers.map((x, i) => isUsed(i) ? x : 0);
    const settings = { momentum: 0.9, nesterov, clip: 0.5 };
    const { write, run, resume, destroy } = await updater(N, muon(settings), { groups });
    const start = used(noise(N, 3));
    write("params", start);
    let [p, m] = [Float64Array.from(start), new Float64Array(N)];
    for (let t = 1; t <= 4; t++) {
      const gradient = used(noise(N, 50 + t));
      const found = await run(gradient, 0.01, t);
      const norm = gradient.reduce((sum, g) => sum + g * g, 0);
      const [p1, m1] = [p.slice(), m.slice()];
      for (const { from, rate, decay, matrix: { rows, columns } } of groups) {
        const part = (of: ArrayLike<number>) =>
          Float64Array.from(of).subarray(from, from + rows * columns);
        const step = { ...settings, rate: 0.01 * rate, decay, rows, columns };
        const made = muonTwin(part(p), part(gradient), part(m), step, norm);
        p1.set(made.p, from);
        m1.set(made.m, from);
      }
      [p, m] = [p1, m1];
      assertClose(found.p, p, 1e-4, `p after ${t}`);
      assertClose(found.m, m, 3e-6, `m after ${t}`);
    }
    const before = await run(used(noise(N, 9)), 0.01, 5);
    const broken = used(noise(N, 10));
    broken[3] = NaN;
    const halted = await run(broken, 0.01, 6);
    for (const name of ["p", "m"] as const) assertClose(halted[name], before[name], 0, name);
    resume();
    const still = await run(new Float32Array(N), 0.01, 6);
    assert.ok(still.p.every(Number.isFinite), "a gradient of nothing leaves numbers");
    destroy();
  });
}
