/**
 * Seeded numbers for graphs whose results nobody reads.
 *
 * @module
 */
import { upload } from "../gpu/buffer.ts";
import { compile, type Compiled, type Engine } from "../graph/compile.ts";
import { type Graph, storedRows, type Value } from "../graph/graph.ts";
import { Store } from "../graph/store.ts";
import { FORMATS } from "../formats/mod.ts";
import { hash, random } from "../random.ts";

/** An engine with a store of its own: graphs that are timed side by side reuse names. */
export function withOwnStore(engine: Engine): Engine {
  return { ...engine, store: new Store(engine.device) };
}

/** Random numbers in (-scale, scale), keyed by the tensor's name. */
export function noise({ name, shape }: Value, scale: number): Float32Array {
  const length = shape.reduce((n, size) => n * size, 1);
  const seed = hash(0, [...name].map((letter) => letter.codePointAt(0)!));
  return Float32Array.from({ length }, (_, i) => scale * (2 * random(seed, i) - 1));
}

/** Adds a frozen tensor of noise, in the type that it is stored in, to the store. */
export function fillWeight({ device, store }: Engine, weight: Value, scale: number): void {
  const { type, layout, shape } = weight;
  if (type === "u32") throw new TypeError(`${weight.name} is no tensor of real numbers`);
  const format = FORMATS[type];
  const numbers = noise({ ...weight, shape: [storedRows(weight), ...shape.slice(1)] }, scale);
  const rows = format.encode(numbers, shape.at(-1)!);
  const stored = layout === "blocks" ? format.pack(rows, shape[1]!) : rows;
  upload(device, store.addWeight(weight), stored);
}

/** Compiles a graph over its own store, with noise in all f32 inputs, weights and params. */
export async function compileFilled(engine: Engine, graph: Graph): Promise<Compiled> {
  const own = withOwnStore(engine);
  own.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  for (const value of graph.values) {
    if (value.kind === "weight") fillWeight(own, value, 1);
    if (value.kind === "param") own.store.writeParam(value.name, noise(value, 1));
  }
  const compiled = await compile(own, graph);
  for (const value of graph.values) {
    if (value.kind === "input" && value.type === "f32") {
      compiled.write(value.name, noise(value, 1));
    }
  }
  return compiled;
}
