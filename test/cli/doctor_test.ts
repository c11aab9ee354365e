import assert from "node:assert/strict";
import { CASES, checkKernels } from "../../src/check/kernels.ts";
import { kernelsOf, type OpCase } from "../../src/check/op_case.ts";
import { run, tellOf } from "../../src/cli/doctor.ts";
import { GpuError } from "../../src/errors.ts";
import { adaptersSeen } from "../../src/gpu/adapters.ts";
import type { Op } from "../../src/graph/graph.ts";
import { SCALE } from "../../src/ops/scale.ts";
import { engine } from "../harness.ts";
import { capture } from "./capture.ts";

const named = (...names: string[]) => CASES.filter(({ name }) => names.includes(name));

Deno.test("doctor names the machine and its adapter", async () => {
  const { device } = await engine();
  const { code, stdout } = await capture(run, "--json", "--brief");
  assert.equal(code, 0);
  const report = JSON.parse(stdout);
  assert.equal(report.adapter, device.adapter);
  assert.equal(report.matrices, device.matrixReads);
  const { name, software } = report.adapters[0];
  assert.deepEqual([name, software], [device.adapter, device.software]);
  assert.equal(report.host.versions.deno, Deno.version.deno);
  assert.equal(report.limits.maxBufferSize, device.limits.maxBufferSize);
  assert.ok(report.roofs.gflops > 0 && report.roofs.gigabytes_per_second > 0);
  assert.ok(report.host.disk.every(({ free }: { free: number }) => free > 0));
  assert.equal(report.check, null);
  assert.equal(report.hints.some((hint: string) => hint.includes("CPU")), device.software);
});

Deno.test("the adapters that are seen are those of every way to ask, each once", async () => {
  const adapter = (description: string, isFallbackAdapter = false) => ({
    info: { description, vendor: "", device: "", isFallbackAdapter },
  });
  const gpuOf = (fast: object | null, frugal: object | null, fallback: object | null) =>
    ({
      requestAdapter: (way: GPURequestAdapterOptions) =>
        Promise.resolve(
          way.forceFallbackAdapter ? fallback : way.powerPreference === "low-power" ? frugal : fast,
        ),
    }) as unknown as GPU;
  const card = { name: "Radeon", software: false };
  const chip = { name: "Iris", software: false };
  const cpu = { name: "llvmpipe", software: true };
  const seen = (...of: Parameters<typeof gpuOf>) => adaptersSeen(gpuOf(...of));
  const [radeon, iris, llvmpipe] = [adapter("Radeon"), adapter("Iris"), adapter("llvmpipe", true)];
  assert.deepEqual(await seen(radeon, iris, llvmpipe), [card, chip, cpu]);
  assert.deepEqual(await seen(radeon, radeon, null), [card]);
  assert.deepEqual(await seen(null, null, null), []);
});

Deno.test("doctor holds kernels to their twins, and says that they are right", async () => {
  const { device } = await engine();
  const check = await checkKernels(device, named("scale", "matmul nn", "add", "sums"));
  assert.deepEqual([check.cases, check.wrong], [4, []]);
  assert.ok(check.worst > 0 && check.worst <= 1, `${check.worst}`);
  assert.ok(["scale", "matmul_nn", "add"].every((name) => check.kernels.includes(name)));
  const { code, stdout } = await capture(() => tellOf(device, check, false));
  assert.equal(code, 0);
  assert.match(stdout, /^versions +graft \d[^]+^adapter +\S[^]+^product +[\d.]+ GFLOP\/s/m);
  assert.match(stdout, /^check +\d+ kernels in 4 cases: as their twins, .* \d+ % of what may be$/m);
});

/** The op with a kernel in which a text stands for another. */
function planted<O extends Op>(op: O, wrong: (text: string) => string): O {
  return {
    ...op,
    launches: (...call: Parameters<Op["launches"]>) =>
      op.launches(...call).map((launch) => ({
        ...launch,
        kernel: { ...launch.kernel, text: wrong(launch.kernel.text) },
      })),
  };
}

Deno.test("doctor exits with 1 where a kernel is wrong, and names it", async () => {
  const { device } = await engine();
  const [scale] = named("scale");
  const op = planted(SCALE, (text) => text.replace("y[i] = BY", "y[i] = 1.001 * BY"));
  const wrong: OpCase = {
    ...scale!,
    build: (graph, { x }) => graph.call(op, { x: x! }, { y: { shape: x!.shape } }, { by: 0.5 }),
  };
  delete wrong.gradient;
  const check = await checkKernels(device, [...named("add", "sums"), wrong]);
  assert.deepEqual(check.wrong.map(({ name, kernels }) => [name, kernels]), [["scale", ["scale"]]]);
  assert.match(check.wrong[0]!.message, /^y at x1\[0\]: found .*, off by \d/);
  await assert.rejects(capture(() => tellOf(device, check, false)), (fault: Error) => {
    assert.ok(fault instanceof GpuError);
    assert.match(fault.message, /computes wrongly \(scale\).*try another driver/);
    return true;
  });
});

/** Tried before any case: when a device is opened, and when numbers are looked for that are NaN. */
const ELSEWHERE = ["probe_texture", "sentinel"];
/** Where the lanes of the device share loads. */
const SHARED_LOADS = ["attention_mix_broadcast", "attention_mix_transposed_broadcast"];

Deno.test("the cases of doctor reach every kernel, in one set of kernels or the other", async () => {
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length, "one name each");
  const devices = [(await engine("register")).device, (await engine("shared")).device];
  const reached = devices.flatMap((device) => CASES.flatMap((of) => [...kernelsOf(device, of)]));
  const all = [...Deno.readDirSync(new URL("../../kernels/", import.meta.url))]
    .filter(({ isFile }) => isFile).map(({ name }) => name.replace(/\.wgsl$/, ""));
  const elsewhere = [...(devices[0]!.sharesLoads ? [] : SHARED_LOADS), ...ELSEWHERE];
  assert.deepEqual(all.filter((name) => !reached.includes(name)).sort(), elsewhere);
});
