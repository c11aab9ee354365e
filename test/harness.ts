/**
 * The op harness: one case object gives a forward test against the f64 twin, a gradient test by
 * central difference, guard bands around every output, growing magnitudes, and a benchmark.
 */
import assert from "node:assert/strict";
import { readFloats } from "../src/gpu/buffer.ts";
import { Device, type KernelSet, type MatrixReads, openDevice } from "../src/gpu/device.ts";
import { backward } from "../src/graph/backward.ts";
import { compile, type Compiled, type Engine, graphFor, openEngine } from "../src/graph/compile.ts";
import type { Graph, Layout, NumberType, Op, Value } from "../src/graph/graph.ts";
import { measure } from "../src/bench/measure.ts";
import { add } from "../src/ops/add.ts";
import { pack, unblock } from "./layout.ts";

/** An input of a case. */
export interface Given {
  shape: number[];
  /** Numbers in row-major order; random in (-1, 1) by default. */
  data?: ArrayLike<number>;
  type?: NumberType;
  layout?: Layout;
  /** Scaled with the growing magnitudes; true for f32 inputs by default. */
  scaled?: boolean;
}

type Arrays = Record<string, Float64Array>;

/** One op under test. */
export interface OpCase {
  name: string;
  given: Record<string, Given>;
  /** Applies the op; the results are checked by name. */
  build(graph: Graph, given: Record<string, Value>): Record<string, Value>;
  /** The f64 twin: the same results from the same inputs. */
  twin(given: Arrays): Arrays;
  /**
   * The result to differentiate, and the inputs to check; none by default. A `loss` is summed as it
   * is, any other result after a product with random numbers.
   */
  gradient?: { of: string; by: string[]; loss?: boolean };
  /** Bytes that the device seems to bind at most: for tables that are bound in parts. */
  maxBinding?: number;
  /** The inputs are multiplied by each of these in turn. */
  magnitudes?: number[];
  /** Largest error relative to the largest expected number. */
  tolerance?: number;
  gradientTolerance?: number;
  /** Floating-point operations of the forward, for the benchmark. */
  flops?: number;
}

/** Random numbers in (-1, 1), the same for the same seed. */
export function noise(length: number, seed: number): Float32Array {
  const numbers = new Float32Array(length);
  let x = (seed * 2654435761) >>> 0;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    numbers[i] = x / 2 ** 31 - 1;
  }
  return numbers;
}

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
      await t.step("forward equals its twin", () => checkForward(shared, opCase));
      if (opCase.gradient) {
        await t.step("gradient equals the central difference", () => {
          return checkGradient(shared, opCase, slopes);
        });
      }
      if (Deno.env.has("BENCH")) await t.step("time", () => timeOp(shared, opCase));
    });
  }
}

function numbersOf(opCase: OpCase, magnitude: number): Record<string, Float32Array | Uint32Array> {
  return Object.fromEntries(
    Object.entries(opCase.given).map(([name, given], index) => {
      const { shape, data, type = "f32", scaled = type !== "u32" } = given;
      const length = shape.reduce((n, size) => n * size, 1);
      if (type === "u32") return [name, Uint32Array.from(data!)];
      const numbers = Float32Array.from(data ?? noise(length, index + 1));
      return [name, scaled ? numbers.map((x) => x * magnitude) : numbers];
    }),
  );
}

/** What the device will see: 16-bit weights are rounded before the twin sees them too. */
function prepare(opCase: OpCase, magnitude: number) {
  const stored: Record<string, Uint32Array | Float32Array> = {};
  const exact: Arrays = {};
  for (const [name, numbers] of Object.entries(numbersOf(opCase, magnitude))) {
    const { shape, type = "f32", layout = "rows" } = opCase.given[name]!;
    if (numbers instanceof Uint32Array) {
      stored[name] = numbers;
      exact[name] = Float64Array.from(numbers);
    } else {
      const packed = pack(numbers, shape, type, layout);
      stored[name] = packed.stored;
      exact[name] = Float64Array.from(packed.rounded);
    }
  }
  return { stored, exact };
}

function buildGraph(device: Device, opCase: OpCase, differentiable: string[]) {
  const graph = graphFor(device);
  const given = Object.fromEntries(
    Object.entries(opCase.given).map(([name, { shape, type = "f32", layout = "rows" }]) => {
      const value = graph.input(name, shape, type);
      Object.assign(value, { layout, needs: differentiable.includes(name) });
      return [name, value];
    }),
  );
  return { graph, given, results: opCase.build(graph, given) };
}

async function run(compiled: Compiled, stored: Record<string, Uint32Array | Float32Array>) {
  for (const [name, data] of Object.entries(stored)) compiled.write(name, data);
  compiled.program.replay();
  assert.deepEqual(await compiled.strayWrites(), [], "writes beyond a value's end");
}

async function checkForward(shared: Engine, opCase: OpCase): Promise<void> {
  const { graph, results } = buildGraph(shared.device, opCase, []);
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  const compiled = await compile(shared, graph, { guarded: true });
  for (const magnitude of opCase.magnitudes ?? [1, 32]) {
    const { stored, exact } = prepare(opCase, magnitude);
    await run(compiled, stored);
    const expected = opCase.twin(exact);
    for (const [name, value] of Object.entries(results)) {
      const found = await readFloats(shared.device, compiled.output(name));
      const rows = value.layout === "blocks" ? unblock(found, value.shape) : found;
      assertClose(rows, expected[name]!, opCase.tolerance ?? 3e-6, `${name} at x${magnitude}`);
    }
  }
  compiled.destroy();
}

/** dot(dy, y) as a loss: it has no kernel of its own, its gradient is a copy of dy. */
const SEED: Op<{ y: Value; dy: Value; zero: Value }, { loss: Value }> = {
  name: "seed",
  launches: () => [],
  backward: (graph, { ins: { y, dy, zero } }, gradients) => {
    gradients.set(y, add(graph, dy, zero));
  },
};

function seed(graph: Graph, y: Value): Value {
  const dy = graph.input("dy", y.shape, "f32");
  const zero = graph.input("zero", y.shape, "f32");
  return graph.call(SEED, { y, dy, zero }, { loss: { shape: [1] } }, {}).loss;
}

async function checkGradient(
  shared: Engine,
  opCase: OpCase,
  slopes: Map<string, Float64Array>,
): Promise<void> {
  const { of, by, loss = false } = opCase.gradient!;
  const { graph, given, results } = buildGraph(shared.device, opCase, by);
  const y = results[of]!;
  const length = y.shape.reduce((n, size) => n * size, 1);
  const dy = loss ? new Float32Array(length).fill(1) : noise(length, 77);
  const gradients = new Map<string, Value>();
  backward(graph, loss ? y : seed(graph, y), {
    sum: add,
    found: (gradientOf) => {
      for (const name of by) gradients.set(name, gradientOf(given[name]!)!);
    },
  });
  for (const [name, gradient] of gradients) graph.output(name, gradient);
  const compiled = await compile(shared, graph, { guarded: true });
  const { stored, exact } = prepare(opCase, 1);
  await run(compiled, loss ? stored : { ...stored, dy, zero: new Float32Array(length) });
  for (const [name, value] of gradients) {
    const found = await readFloats(shared.device, compiled.output(name));
    const rows = value.layout === "blocks" ? unblock(found, value.shape) : found;
    const expected = slopes.get(name) ?? centralDifference(opCase, of, name, exact, dy);
    slopes.set(name, expected);
    assertClose(rows, expected, opCase.gradientTolerance ?? 2e-5, `d${name}`);
  }
  compiled.destroy();
}

/** d dot(dy, y) / d input, number by number; in f64 its own error is near 1e-9. */
function centralDifference(
  opCase: OpCase,
  of: string,
  by: string,
  exact: Arrays,
  dy: Float32Array,
): Float64Array {
  const step = 1e-5;
  const input = exact[by]!;
  const loss = () => opCase.twin(exact)[of]!.reduce((sum, y, i) => sum + y * dy[i]!, 0);
  return input.map((x, i) => {
    input[i] = x + step;
    const above = loss();
    input[i] = x - step;
    const below = loss();
    input[i] = x;
    return (above - below) / (2 * step);
  });
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
  for (const [name, data] of Object.entries(prepare(opCase, 1).stored)) compiled.write(name, data);
  const { flops = 0 } = opCase;
  const work = { name: opCase.name, replay: () => compiled.program.replay(), flops };
  const [timing] = await measure(shared.device, [work], 5);
  const { ms, cpu_ms: cpu, gflops = 0 } = timing!;
  const rate = flops > 0 ? `, ${gflops.toFixed(1)} GFLOP/s` : "";
  console.log(`${opCase.name}: ${ms.toFixed(3)} ms, ${cpu.toFixed(3)} CPU ms${rate}`);
  compiled.destroy();
}
