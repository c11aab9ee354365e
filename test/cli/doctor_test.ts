import assert from "node:assert/strict";
import { run } from "../../src/cli/doctor.ts";
import { engine } from "../harness.ts";
import { capture } from "./capture.ts";

Deno.test("doctor names the adapter and multiplies rightly", async () => {
  const { device } = await engine();
  const { code, stdout } = await capture(run, "--json");
  assert.equal(code, 0);
  const report = JSON.parse(stdout);
  assert.equal(report.adapter, device.adapter);
  assert.equal(report.matrices, device.matrixReads);
  assert.equal(report.deno, Deno.version.deno);
  assert.equal(report.limits.maxBufferSize, device.limits.maxBufferSize);
  assert.ok(report.product.error > 0 && report.product.error < 1e-4);
  assert.ok(report.product.gflops > 0);
  assert.equal(report.hints.some((hint: string) => hint.includes("CPU")), device.software);
});

Deno.test("doctor prints a line for each fact", async () => {
  const { stdout } = await capture(run);
  assert.match(stdout, /^Deno +\d[^]+^adapter +\S[^]+^product +512x768x768: [\d.]+ GFLOP\/s/m);
});
