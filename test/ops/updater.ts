/** Updates of the flat buffers, and the golden ones: see make_optimizers.py. */
import { clear, readFloats, upload } from "../../src/gpu/buffer.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { type Flat, type Moment, Store } from "../../src/graph/store.ts";
import { type Group, halt, sumSquares, type UpdateRule } from "../../src/ops/mod.ts";
import { engine, narrow } from "../harness.ts";

interface OfMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly start: number[];
  readonly gradients: number[][];
  readonly after: number[][];
}

interface Golden {
  readonly rate: number;
  readonly decay: number;
  readonly muon: readonly OfMatrix[];
  readonly adafactor: readonly OfMatrix[];
  /** Codes in hexadecimal digits, and the scales of m and of v. */
  readonly adamw_8bit: Readonly<{ after: number[]; m: string; v: string; scales: number[][] }>;
  readonly updates: Readonly<
    Record<string, Readonly<{ start: number[]; gradients: number[][]; after: number[][] }>>
  >;
}

export const golden: Golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/optimizers.json", import.meta.url)),
);

/** Device and store of a test: the flat buffers hold N numbers and are bound in ranges. */
export async function flatEngine(N: number, maxBinding: number, moments?: readonly Moment[]) {
  const shared = await engine();
  const store = new Store(shared.device);
  store.addParams([new Graph().param("w", [N], "rows")], moments);
  const own = { ...narrow(shared, maxBinding), store };
  return {
    own,
    write: (flat: Flat, numbers: Float32Array) => upload(own.device, store.flat(flat), numbers),
    read: (flat: Flat) => readFloats(own.device, store.flat(flat)),
  };
}

/** Compiles an update of N numbers; `run` makes one step and returns the flat buffers. */
export async function updater(
  N: number,
  rule: UpdateRule,
  { maxBinding = 1 << 20, groups = [{ from: 0, numbers: N, rate: 1, decay: 0.1 }] }: {
    maxBinding?: number;
    groups?: readonly Group[];
  } = {},
) {
  const moments = rule.moments(groups);
  const { own, write, read } = await flatEngine(N, maxBinding, moments);
  const graph = new Graph();
  const state = (name: Flat) => graph.state(name, [N]);
  const gradients = state("gradients");
  const norm = sumSquares(graph, gradients);
  const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
  graph.output("halted", halted);
  rule.update(graph, {
    params: state("params"),
    gradients,
    moments: Object.fromEntries(
      moments.map(({ name, numbers, type }) => [name, graph.state(name, [numbers], type)]),
    ),
    step: graph.input("step", [rule.stepSize], "f32"),
    norm,
    halted,
  }, groups);
  const compiled = await compile(own, graph);
  const run = async (gradient: Float32Array, rate: number, t: number) => {
    write("gradients", gradient);
    compiled.write("step", rule.step(rate, t));
    compiled.program.replay();
    const found: Record<string, Float32Array> = { p: await read("params") };
    for (const { name } of moments) found[name] = await read(name);
    return found as Record<"p" | Moment["name"], Float32Array>;
  };
  const destroy = () => {
    compiled.destroy();
    own.store.destroy();
  };
  const resume = () => clear(own.device, compiled.output("halted"));
  return { write, run, resume, destroy };
}
