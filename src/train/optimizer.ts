/**
 * AdamW over the store's flat buffers: programs that add up micro-batches and make the update.
 *
 * @module
 */
import { clear, type Slice, SLICE_ALIGNMENT } from "../gpu/buffer.ts";
import type { ReplayOptions } from "../gpu/program.ts";
import { compile, type Compiled, type Engine } from "../graph/compile.ts";
import { Graph, type Value } from "../graph/graph.ts";
import {
  accumulate,
  adamw,
  type AdamwSettings,
  adamwStep,
  type FlatRange,
  halt,
  STEP_SIZE,
  sumSquares,
} from "../ops/mod.ts";

/**
 * Adds up gradients and updates the params. From an update on whose gradient is no finite number all
 * stays as it is, decided on the device, until {@link Optimizer.resume}.
 */
export class Optimizer {
  private constructor(
    private readonly update: Compiled,
    private readonly sum: Compiled | null,
    private readonly clears: boolean,
    private readonly settings: AdamwSettings,
  ) {}

  /**
   * Records the programs; an update of one micro-batch needs no sums. Norms and biases do not decay,
   * as in transformers (`get_decay_parameter_names`).
   *
   * @param clears Whether a micro-batch may leave no gradient of some params: it is zero then.
   */
  static async open(
    engine: Engine,
    settings: AdamwSettings,
    microBatches: number,
    { clears = false }: { readonly clears?: boolean } = {},
  ): Promise<Optimizer> {
    const accumulates = microBatches > 1;
    const undecayed = settings.decay > 0 ? undecayedRanges(engine) : [];
    const from = accumulates ? "sums" : "gradients";
    const update = await compile(engine, updateGraph(engine, from, undecayed));
    const sum = accumulates ? await compile(engine, sumGraph(engine)) : null;
    return new Optimizer(update, sum, clears, settings);
  }

  /** Adds the gradients that a micro-batch left; the first of an update starts afresh. */
  accumulate(first: boolean): void {
    if (!this.sum) return;
    this.sum.write("first", Uint32Array.of(Number(first)));
    this.sum.program.replay();
    if (this.clears) clear(this.sum.engine.device, this.sum.engine.store.flat("gradients"));
  }

  /** Update number `t`, counted from 1. */
  step(rate: number, t: number, after: NonNullable<ReplayOptions["after"]>): void {
    this.update.write("step", adamwStep(rate, t, this.settings));
    this.update.program.replay({ after });
  }

  /** Lets updates be made again after one whose gradient was no finite number. */
  resume(): void {
    clear(this.update.engine.device, this.update.output("halted"));
  }

  /** Frees what it holds on the device beside the store. */
  close(): void {
    this.update.destroy();
    this.sum?.destroy();
  }

  /** Where the sum of squares of the last gradient lies. */
  get norm(): Slice {
    return this.update.output("norm");
  }
}

/** A flat buffer of the store as a value. */
function flat(
  graph: Graph,
  engine: Engine,
  name: "params" | "gradients" | "sums" | "m" | "v",
): Value {
  return graph.state(name, [engine.store.flat(name).size / 4]);
}

/** Where the vectors and biases of a model lie; an adapter's own params all decay. */
function undecayedRanges({ store }: Engine): FlatRange[] {
  const names = store.paramNames.filter((name) =>
    !name.includes("lora_") && (store.isVector(name) || name.includes("bias"))
  );
  return names.map((name) => {
    const { offset, size } = store.param(name);
    const numbers = Math.ceil(size / SLICE_ALIGNMENT) * SLICE_ALIGNMENT / 4;
    return { from: offset / 4, numbers };
  });
}

function updateGraph(
  engine: Engine,
  from: "gradients" | "sums",
  undecayed: readonly FlatRange[],
): Graph {
  const graph = new Graph(engine.device.kernelSet);
  const gradients = flat(graph, engine, from);
  const norm = sumSquares(graph, gradients);
  const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
  adamw(graph, {
    params: flat(graph, engine, "params"),
    gradients,
    m: flat(graph, engine, "m"),
    v: flat(graph, engine, "v"),
    step: graph.input("step", [STEP_SIZE], "f32"),
    norm,
    halted,
  }, undecayed);
  graph.output("norm", norm);
  graph.output("halted", halted);
  return graph;
}

function sumGraph(engine: Engine): Graph {
  const graph = new Graph(engine.device.kernelSet);
  const first = graph.input("first", [1]);
  accumulate(graph, flat(graph, engine, "gradients"), flat(graph, engine, "sums"), first);
  return graph;
}
