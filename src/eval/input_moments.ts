/**
 * What linear layers read of some text: sums of products of the columns of their inputs.
 *
 * @module
 */
import type { InputMoments } from "../adapters/init/init.ts";
import { type Batch, batch, type Example, pack, packedLength } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { readFloats } from "../gpu/buffer.ts";
import type { Engine } from "../graph/compile.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { Resources } from "../graph/resources.ts";
import type { Watch } from "../models/layers/adapt.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { Model } from "../models/model.ts";
import { addProducts, documentScales, scaleRows, split } from "../ops/mod.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";
import { rowsFor } from "./documents.ts";

/** Which rows count, and how much. */
export type Counted = "predicted" | "documents";

/** An input, and the modules that read it. */
interface Input {
  readonly modules: readonly string[];
  readonly width: number;
}

/** Sums over the rows of an input. */
export interface ReadInput extends InputMoments {
  readonly modules: readonly string[];
}

/** What is read, and how. */
export interface MomentsOptions {
  /** Linear modules below the output head. */
  readonly modules: readonly string[];
  readonly counted: Counted;
  /** Bytes of sums on the device at once: text is read again for the next ones; 256 MiB by default. */
  readonly atOnce?: number;
}

const AT_ONCE = 256 * 2 ** 20;

/** What each row counts before its document's size, [T]; and ones, whose products are sums, [T, 4]. */
const COUNTED = "counted";
const ONES = "ones";

/**
 * Reads documents, each alone, with the base, as often as it takes: of every input that some of the
 * modules read come the sums of x^T x and of x, in f32. Of `predicted` rows count those whose token
 * is predicted, each once; of `documents` all, divided by the largest number of their document there.
 *
 * @throws {ConfigError} where a module is no linear layer of the forward, or a sum is not finite.
 */
export async function* inputMoments(
  engine: Engine,
  model: Model,
  examples: readonly Example[],
  { modules, counted, atOnce = AT_ONCE }: MomentsOptions,
): AsyncGenerator<ReadInput> {
  const T = rowsFor(examples);
  const rows = pack(examples.map(packedLength), T).map((chosen) => batch(examples, T, chosen));
  const groups = grouped(inputsOf(engine, model, T, new Set(modules)), atOnce);
  const samples = counted === "documents"
    ? examples.length
    : rows.reduce((sum, { supervised }) => sum + supervised, 0);
  for (const [i, inputs] of groups.entries()) {
    using resources = new Resources(engine.device);
    const sums = new Map<Input, Sums>();
    const watch: Watch = (graph, module, x, y) => {
      const input = inputs.find(({ modules: [first] }) => module === first);
      if (input) sums.set(input, sumsOf(graph, module, x, counted));
      return y;
    };
    const program = await LossProgram.plan(engine, model, { T, watch }).open(resources);
    program.compiled.write(ONES, new Float32Array(4 * T).fill(1));
    for (const [at, row] of rows.entries()) {
      heed();
      program.compiled.write(COUNTED, countsOf(row, counted));
      program.feed(row);
      program.run();
      tell("reading what modules read", i * rows.length + at + 1, groups.length * rows.length);
    }
    const read = async (value: Value) => await readFloats(engine.device, resources.find(value));
    for (const [{ modules, width }, { products, totals }] of sums) {
      const found = {
        modules,
        products: sideBySide(await Promise.all(products.map(read)), width),
        sums: (await read(totals)).subarray(0, width),
        samples,
      };
      requireFinite(found);
      yield found;
    }
    program.compiled.destroy();
  }
}

/** States of an input. */
interface Sums {
  /** Side by side, as far as a binding holds them: [width, some]. */
  readonly products: readonly Value[];
  readonly totals: Value; // [4, width], each row the same
}

function sumsOf(graph: Graph, module: string, x: Value, counted: Counted): Sums {
  const [T, width] = x.shape as [number, number];
  const counts = graph.input(COUNTED, [T], "f32");
  const [start, end] = [graph.input("start", [T]), graph.input("end", [T])];
  const by = counted === "documents" ? documentScales(graph, x, counts, { start, end }) : counts;
  const y = scaleRows(graph, x, by);
  const totals = graph.state(`${module}.sums`, [4, width]);
  addProducts(graph, graph.input(ONES, [T, 4], "f32"), y, totals);
  const most = Math.floor(graph.maxBinding / (16 * width)) * 4;
  const widths = Array.from(
    { length: Math.ceil(width / most) },
    (_, i) => Math.min(most, width - i * most),
  );
  const parts = widths.length === 1 ? [y] : split(graph, y, widths);
  const products = parts.map((part, i) => {
    const sum = graph.state(`${module}.products.${i}`, [width, widths[i]!]);
    addProducts(graph, y, part, sum);
    return sum;
  });
  return { products, totals };
}

/** What the rows of a batch count. */
function countsOf({ T, used, rows }: Batch, counted: Counted): Float32Array {
  const counts = new Float32Array(T);
  if (counted === "documents") counts.fill(1, 0, used);
  else for (const row of rows) counts[row + 1] = 1;
  return counts;
}

/** The inputs that the modules read, in the order of the forward. */
function inputsOf(engine: Engine, model: Model, T: number, wanted: ReadonlySet<string>): Input[] {
  const readers = new Map<Value, string[]>();
  const watch: Watch = (_graph, module, x, y) => {
    if (wanted.has(module)) readers.set(x, [...readers.get(x) ?? [], module]);
    return y;
  };
  LossProgram.plan(engine, model, { T, watch });
  const met = new Set([...readers.values()].flat());
  const missing = wanted.values().find((module) => !met.has(module));
  if (missing !== undefined) {
    throw new ConfigError(
      `adapter.init: found ${missing} among the targets, wanted linear layers below the output ` +
        "head alone, whose inputs are at hand",
    );
  }
  return [...readers].map(([x, modules]) => ({ modules, width: x.shape[1]! }));
}

/** Inputs whose sums are on the device together. */
function grouped(inputs: readonly Input[], atOnce: number): Input[][] {
  const groups: Input[][] = [];
  let bytes = Infinity;
  for (const input of inputs) {
    const own = 4 * input.width ** 2;
    if (bytes + own > atOnce) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(input);
    bytes += own;
  }
  return groups;
}

/** Matrices of as many rows side by side. */
function sideBySide(parts: readonly Float32Array[], rows: number): Float32Array {
  if (parts.length === 1) return parts[0]!;
  const width = parts.reduce((sum, { length }) => sum + length / rows, 0);
  const all = new Float32Array(rows * width);
  let column = 0;
  for (const part of parts) {
    const columns = part.length / rows;
    for (let row = 0; row < rows; row++) {
      all.set(part.subarray(row * columns, (row + 1) * columns), row * width + column);
    }
    column += columns;
  }
  return all;
}

function requireFinite({ modules: [module], products, sums }: ReadInput): void {
  if ([products, sums].every((numbers) => numbers.every(Number.isFinite))) return;
  throw new ConfigError(
    `adapter.init: found a number that is not finite in what ${module} reads, wanted other text`,
  );
}
