/**
 * What linear layers read of some text: the mean of the squares of each column of their inputs.
 *
 * @module
 */
import { batch, type Example, pack, packedLength } from "../data/mod.ts";
import { readFloats } from "../gpu/buffer.ts";
import type { Engine } from "../graph/compile.ts";
import type { Value } from "../graph/graph.ts";
import { Resources } from "../graph/resources.ts";
import type { Adapt, Watch } from "../models/layers/adapt.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { Model } from "../models/model.ts";
import { columnSquares } from "../ops/mod.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";
import { rowsFor } from "./documents.ts";

/** Sums over the tokens of some documents. */
export interface InputSquares {
  /** Of each linear layer, by its name in the checkpoint: the sum of x^2 by column, [in]. */
  readonly modules: ReadonlyMap<string, Float32Array>;
  /** Tokens that were read. */
  readonly tokens: number;
}

/** The input that says how many rows of a replay are tokens. */
const USED = "used";

/**
 * Reads documents, each alone, with the adapter beside the base where there is one. The output head,
 * which is scored in chunks, is no linear layer here.
 *
 * @throws {RangeError} for no documents.
 */
export async function inputSquares(
  engine: Engine,
  model: Model,
  examples: readonly Example[],
  adapt?: Adapt,
): Promise<InputSquares> {
  const states = new Map<string, Value>();
  let used: Value | undefined;
  const watch: Watch = (graph, module, x, y) => {
    used ??= graph.input(USED, [1]);
    const squares = graph.state(`${module}.input_squares`, [x.shape[1]!]);
    states.set(module, squares);
    columnSquares(graph, x, used, squares);
    return y;
  };
  const T = rowsFor(examples);
  using resources = new Resources(engine.device);
  const program = await LossProgram.plan(engine, model, { T, adapt, watch }).open(resources);
  let tokens = 0;
  const rows = pack(examples.map(packedLength), T);
  for (const [i, chosen] of rows.entries()) {
    heed();
    const packed = batch(examples, T, chosen);
    program.compiled.write(USED, Uint32Array.of(packed.used));
    program.feed(packed);
    program.run();
    tokens += packed.used;
    tell("reading text", i + 1, rows.length);
  }
  const modules = new Map<string, Float32Array>();
  for (const [module, squares] of states) {
    modules.set(module, await readFloats(engine.device, resources.find(squares)));
  }
  program.compiled.destroy();
  return { modules, tokens };
}
