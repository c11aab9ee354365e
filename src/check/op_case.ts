/**
 * An op with its f64 twin: what it is given, what it comes to, and how far the device is from it.
 *
 * @module
 */
import { readFloats } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { backward } from "../graph/backward.ts";
import { compile, type Compiled, type Engine, graphFor, targetOf } from "../graph/compile.ts";
import type { Graph, Layout, NumberType, Op, Value } from "../graph/graph.ts";
import { add } from "../ops/add.ts";
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

/** Numbers by the names of inputs or results. */
export type Arrays = Record<string, Float64Array>;

/** One op with its twin. */
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

/** What the device found of one result, and what the twin did. */
export interface Compared {
  readonly what: string;
  readonly found: Float32Array;
  readonly expected: Float64Array;
  /** Largest error relative to the largest expected number. */
  readonly tolerance: number;
}

/** What came of a case: its results, the values written beyond their end, and its kernels. */
export interface Outcome {
  readonly compared: readonly Compared[];
  readonly stray: readonly string[];
  /** Names of kernels that were dispatched. */
  readonly kernels: ReadonlySet<string>;
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

/** Zeros, for copies of what an op writes over. */
export const zeros = (...shape: number[]): Given => ({
  shape,
  data: new Float32Array(shape.reduce((n, size) => n * size, 1)),
  scaled: false,
});

/** Runs the forward of a case at each of its magnitudes. */
export async function forwardOf(engine: Engine, opCase: OpCase): Promise<Outcome> {
  const { graph, results } = buildGraph(engine.device, opCase, []);
  for (const [name, value] of Object.entries(results)) graph.output(name, value);
  const compiled = await compile(engine, graph, { guarded: true });
  const compared: Compared[] = [];
  const stray: string[] = [];
  for (const magnitude of opCase.magnitudes ?? [1, 32]) {
    const { stored, exact } = prepare(opCase, magnitude);
    stray.push(...await run(compiled, stored));
    const expected = opCase.twin(exact);
    for (const [name, value] of Object.entries(results)) {
      compared.push({
        what: `${name} at x${magnitude}`,
        found: await rowsOf(compiled, name, value),
        expected: expected[name]!,
        tolerance: opCase.tolerance ?? 3e-6,
      });
    }
  }
  const { kernels } = compiled.program;
  compiled.destroy();
  return { compared, stray, kernels };
}

/**
 * Runs the gradient of a case, against the central difference of its twin.
 *
 * @param slopes those that are known already, by input; new ones are added.
 */
export async function gradientOf(
  engine: Engine,
  opCase: OpCase,
  slopes: Map<string, Float64Array> = new Map(),
): Promise<Outcome> {
  const { of, loss = false } = opCase.gradient!;
  const { graph, gradients, dy } = gradientGraph(engine.device, opCase);
  const { length } = dy;
  for (const [name, gradient] of gradients) graph.output(name, gradient);
  const compiled = await compile(engine, graph, { guarded: true });
  const { stored, exact } = prepare(opCase, 1);
  const zero = new Float32Array(length);
  const stray = await run(compiled, loss ? stored : { ...stored, dy, zero });
  const compared: Compared[] = [];
  for (const [name, value] of gradients) {
    const expected = slopes.get(name) ?? centralDifference(opCase, of, name, exact, dy);
    slopes.set(name, expected);
    const found = await rowsOf(compiled, name, value);
    const tolerance = opCase.gradientTolerance ?? 2e-5;
    compared.push({ what: `d${name}`, found, expected, tolerance });
  }
  const { kernels } = compiled.program;
  compiled.destroy();
  return { compared, stray, kernels };
}

/** A case with the gradients of its inputs, and what its result is multiplied by. */
function gradientGraph(device: Device, opCase: OpCase) {
  const { of, by, loss = false } = opCase.gradient!;
  const { graph, given, results } = buildGraph(device, opCase, by);
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
  return { graph, gradients, dy };
}

/** Names of the kernels that a case dispatches, forward and backward. */
export function kernelsOf(device: Device, opCase: OpCase): Set<string> {
  const graphs = [buildGraph(device, opCase, []).graph];
  if (opCase.gradient) graphs.push(gradientGraph(device, opCase).graph);
  const target = targetOf(device);
  const launches = graphs.flatMap(({ calls }) =>
    calls.flatMap((call) => call.op.launches(call, target))
  );
  return new Set(launches.map(({ kernel }) => kernel.name));
}

/** The place of the first number that is too far off, and how far; null where none is. */
export function firstWrong({ found, expected, tolerance }: Omit<Compared, "what">) {
  const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-30);
  for (const [i, wanted] of expected.entries()) {
    const error = Math.abs(found[i]! - wanted) / largest;
    if (!(error <= tolerance)) return { i, error }; // NaN too
  }
  return null;
}

/** The numbers of a case as the device stores them: for a benchmark. */
export function storedOf(opCase: OpCase): Record<string, Uint32Array | Float32Array> {
  return prepare(opCase, 1).stored;
}

/** Builds a case in a graph; its inputs need gradients where they are named. */
export function buildGraph(device: Device, opCase: OpCase, differentiable: string[]) {
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

/** Replays, and names the values that were written beyond their end. */
async function run(compiled: Compiled, stored: Record<string, Uint32Array | Float32Array>) {
  for (const [name, data] of Object.entries(stored)) compiled.write(name, data);
  compiled.program.replay();
  return await compiled.strayWrites();
}

async function rowsOf(compiled: Compiled, name: string, { layout, shape }: Value) {
  const found = await readFloats(compiled.engine.device, compiled.output(name));
  return layout === "blocks" ? unblock(found, shape) : found;
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
