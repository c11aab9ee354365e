/**
 * The op harness: one case object gives a forward test against the f64 twin, a gradient test by
 * central difference, guard bands around every output, growing magnitudes, and a benchmark.
 */
import assert from "node:assert/strict";
import {
  buildGraph,
  forwardOf,
  gradientOf,
  type OpCase,
  type Outcome,
  storedOf,
} from "../src/check/op_case.ts";
import { Device, type KernelSet, type MatrixReads, openDevice } from "../src/gpu/device.ts";
import { compile, type Engine, openEngine } from "../src/graph/compile.ts";
import { measure } from "../src/bench/measure.ts";

export { type Given, noise, type OpCase } from "../src/check/op_case.ts";

const engines = new Map<string, Promise<Engine>>();

/**
 * The engine that all tests of a process share, one for each set of kernels and way of reading
 * matrices: the device's own by default.
 */
export function engine(
  kernelSet: KernelSet = "register",
  matrixReads?: MatrixReads,
): Promise<Engine> {
  const key = `${kernelSet} ${matrixReads ?? "by itself"}`;
  let made = engines.get(key);
  if (!made) {
    const options = { kernelSet, ...(matrixReads === undefined ? {} : { matrixReads }) };
    made = openDevice(options).then((device) => {
      globalThis.addEventListener("unload", () => device.close()); // or its threads outlive the file
      return openEngine(device);
    });
    engines.set(key, made);
  }
  return made;
}

/** The ways of reading matrices that each set of kernels has here. */
const READS: Record<KernelSet, MatrixReads[]> = {
  register: (await engine()).device.matrixReads === "texture" ? ["texture", "buffer"] : ["buffer"],
  shared: ["buffer"],
};

/** The same GPU, which seems to bind no more than `maxBinding` bytes at a time. */
class NarrowDevice extends Device {
  constructor(device: Device, readonly maxBinding: number) {
    super(device.gpu, device.adapter, device.software, device.kernelSet);
    this.matrixReads = device.matrixReads;
    this.sharesLoads = device.sharesLoads;
  }

  override get maxWords(): number {
    return this.maxBinding;
  }

  override get limits(): GPUSupportedLimits {
    const { maxBufferSize } = super.limits;
    return { maxBufferSize, maxStorageBufferBindingSize: this.maxBinding } as GPUSupportedLimits;
  }
}

/** The engine on a device that seems to bind no more than `maxBinding` bytes at a time. */
export function narrow(wide: Engine, maxBinding: number): Engine {
  return { ...wide, device: new NarrowDevice(wide.device, maxBinding) };
}

/**
 * Registers the tests of a case, for each set of kernels that the op has and each way of reading
 * matrices. With BENCH set, each
 * case is timed too: `BENCH=1 deno test -A test/ops/linear_test.ts`.
 */
export function testOp(opCase: OpCase, sets: KernelSet[] = ["register"]): void {
  const ways = sets.flatMap((set) => READS[set].map((reads) => [set, reads] as const));
  const slopes = new Map<string, Float64Array>(); // the same for all
  for (const [kernelSet, matrixReads] of ways) {
    Deno.test(`${opCase.name} (${kernelSet}, ${matrixReads})`, async (t) => {
      const wide = await engine(kernelSet, matrixReads);
      const shared = opCase.maxBinding ? narrow(wide, opCase.maxBinding) : wide;
      await t.step(
        "forward equals its twin",
        async () => assertOutcome(await forwardOf(shared, opCase)),
      );
      if (opCase.gradient) {
        await t.step("gradient equals the central difference", async () => {
          assertOutcome(await gradientOf(shared, opCase, slopes));
        });
      }
      if (Deno.env.has("BENCH")) await t.step("time", () => timeOp(shared, opCase));
    });
  }
}

/** Holds what a case came to to its twin. */
function assertOutcome({ compared, stray }: Outcome): void {
  assert.deepEqual(stray, [], "writes beyond a value's end");
  for (const { what, found, expected, tolerance } of compared) {
    assertClose(found, expected, tolerance, what);
  }
}

/** Compares numbers; the error is relative to the largest expected number. */
export function assertClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  assert.equal(found.length, expected.length, `${what}: length`);
  let largest = 1e-30;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(found[i]! - expected[i]!) / largest;
    if (error <= tolerance) continue; // NaN falls through
    assert.fail(`${what}[${i}]: found ${found[i]}, wanted ${expected[i]}, off by ${error}`);
  }
}

/** Times the forward of a case and prints what one replay takes. */
async function timeOp(shared: Engine, opCase: OpCase): Promise<void> {
  const { graph, results } = buildGraph(shared.device, opCase, []);
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  const compiled = await compile(shared, graph);
  for (const [name, data] of Object.entries(storedOf(opCase))) compiled.write(name, data);
  const { flops = 0 } = opCase;
  const work = { name: opCase.name, replay: () => compiled.program.replay(), flops };
  const [timing] = await measure(shared.device, [work], 5);
  const { ms, cpu_ms: cpu, gflops = 0 } = timing!;
  const rate = flops > 0 ? `, ${gflops.toFixed(1)} GFLOP/s` : "";
  console.log(`${opCase.name}: ${ms.toFixed(3)} ms, ${cpu.toFixed(3)} CPU ms${rate}`);
  compiled.destroy();
}
