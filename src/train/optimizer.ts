/**
 * An optimiser over the store's flat buffers: programs that add up micro-batches and make the update.
 *
 * @module
 */
import { clear, type Slice } from "../gpu/buffer.ts";
import type { ReplayOptions } from "../gpu/program.ts";
import { compile, type Compiled, type Engine, targetOf } from "../graph/compile.ts";
import { footprint, ownBytes } from "../graph/footprint.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { type Flat, trainedBytes } from "../graph/store.ts";
import { accumulate, type Group, halt, sumSquares, type UpdateRule } from "../ops/mod.ts";

/**
 * Adds up gradients and updates the params. From an update on whose gradient is no finite number all
 * stays as it is, decided on the device, until {@link Optimizer.resume}.
 */
export class Optimizer {
  private constructor(
    private readonly update: Compiled,
    private readonly sum: Compiled | null,
    private readonly clears: boolean,
    private readonly rule: UpdateRule,
  ) {}

  /**
   * Records the programs; an update of one micro-batch needs no sums.
   *
   * @param groups What of the flat buffers is updated alike; all, and without decay, by default.
   * @param clears Whether a micro-batch may leave no gradient of some params: it is zero then.
   */
  static async open(
    engine: Engine,
    rule: UpdateRule,
    microBatches: number,
    { clears = false, groups }: {
      readonly clears?: boolean;
      readonly groups?: readonly Group[];
    } = {},
  ): Promise<Optimizer> {
    const accumulates = microBatches > 1;
    const from = accumulates ? "sums" : "gradients";
    const numbers = engine.store.flat("gradients").size / 4;
    const update = await compile(engine, updateGraph(engine, rule, { numbers, from, groups }));
    const sum = accumulates ? await compile(engine, sumGraph(engine, numbers)) : null;
    return new Optimizer(update, sum, clears, rule);
  }

  /** Bytes of the programs for some params, beside the flat buffers. */
  static bytes(
    engine: Engine,
    rule: UpdateRule,
    params: readonly Value[],
    microBatches: number,
    groups?: readonly Group[],
  ): number {
    const numbers = trainedBytes(params) / 4;
    const from = microBatches > 1 ? "sums" : "gradients";
    const graphs = [
      updateGraph(engine, rule, { numbers, from, groups }),
      ...microBatches > 1 ? [sumGraph(engine, numbers)] : [],
    ];
    const taken = graphs.map((graph) => ownBytes(footprint(graph, targetOf(engine.device))));
    return taken.reduce((sum, bytes) => sum + bytes, 0);
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
    this.update.write("step", this.rule.step(rate, t));
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

/** What an update is made of. */
interface UpdateSizes {
  /** Numbers of a flat buffer. */
  readonly numbers: number;
  readonly from: "gradients" | "sums";
  readonly groups?: readonly Group[] | undefined;
}

function updateGraph(
  { device }: Engine,
  rule: UpdateRule,
  { numbers, from, groups = [{ from: 0, numbers, rate: 1, decay: 0 }] }: UpdateSizes,
): Graph {
  const graph = new Graph(device.kernelSet);
  const flat = (name: Flat) => graph.state(name, [numbers]);
  const gradients = flat(from);
  const norm = sumSquares(graph, gradients);
  const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
  const moments = Object.fromEntries(
    rule.moments(groups).map((
      { name, numbers, type },
    ) => [name, graph.state(name, [numbers], type)]),
  );
  const step = graph.input("step", [rule.stepSize], "f32");
  rule.update(graph, { params: flat("params"), gradients, moments, step, norm, halted }, groups);
  graph.output("norm", norm);
  graph.output("halted", halted);
  return graph;
}

function sumGraph({ device }: Engine, numbers: number): Graph {
  const graph = new Graph(device.kernelSet);
  const flat = (name: Flat) => graph.state(name, [numbers]);
  accumulate(graph, flat("gradients"), flat("sums"), graph.input("first", [1]));
  return graph;
}
