/**
 * The encoder's part of generation: a source is read once, and the decoder attends to what is cached
 * of it.
 *
 * @module
 */
import type { Compiled, Engine } from "../graph/compile.ts";
import type { Resources } from "../graph/resources.ts";
import type { Model } from "../models/model.ts";
import type { Adapt } from "../models/layers/adapt.ts";

/** Rows of the smallest program; the next ones have twice as many each. */
const FEWEST_ROWS = 64;

/** What a reader is made for. */
export interface SourceOptions {
  /** The most tokens of a source, a multiple of 8, as the decoder's program has it. */
  readonly context: number;
  readonly adapt?: Adapt | undefined;
  /** Where keys and values go. */
  readonly caches: Resources;
}

/** Reads sources with the encoder of a model. */
export class SourceReader implements Disposable {
  readonly #programs = new Map<number, Compiled>();

  constructor(
    private readonly engine: Engine,
    private readonly model: Model,
    private readonly options: SourceOptions,
  ) {}

  /** Puts keys and values of a source into the caches, without waiting for the GPU. */
  async read(ids: readonly number[]): Promise<void> {
    const T = this.#rowsFor(ids.length);
    const program = await this.#program(T);
    const position = Uint32Array.from({ length: T }, (_, i) => i);
    const isPadding = (i: number) => i >= ids.length;
    program.write("token", position.map((i) => ids[i] ?? 0));
    program.write("position", position);
    program.write("start", position.map((i) => isPadding(i) ? i : 0));
    program.write("end", position.map((i) => isPadding(i) ? i + 1 : ids.length));
    program.write("count", Uint32Array.of(ids.length));
    program.program.replay();
  }

  #rowsFor(length: number): number {
    const rows = FEWEST_ROWS * 2 ** Math.max(0, Math.ceil(Math.log2(length / FEWEST_ROWS)));
    return Math.min(rows, this.options.context);
  }

  async #program(T: number): Promise<Compiled> {
    const { engine, model, options } = this;
    const known = this.#programs.get(T);
    if (known) return known;
    const graph = model.encodeGraph(engine, { T, ...options });
    const made = await model.plan(engine, graph).open(options.caches);
    this.#programs.set(T, made);
    return made;
  }

  /** Frees the programs; the caches are not its own. */
  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program.destroy();
  }
}
