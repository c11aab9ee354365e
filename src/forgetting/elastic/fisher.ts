/**
 * Fisher information: how much each weight of the base matters to what it says of retention text.
 *
 * @module
 */
import { type Batch, batch, type Example, lengthOf } from "../../data/mod.ts";
import { Ring } from "../../gpu/ring.ts";
import type { Engine } from "../../graph/compile.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import type { Resources } from "../../graph/resources.ts";
import { ConfigError } from "../../errors.ts";
import { LossProgram } from "../../models/loss_program.ts";
import type { LossGraphOptions, Model } from "../../models/model.ts";
import type { Watch } from "../../models/layers/adapt.ts";
import { HEAD_MODULE } from "../../models/stored.ts";
import { squareGradient } from "../../ops/mod.ts";
import { permutation } from "../../random.ts";
import type { Blocks, Domain } from "../text/retention.ts";
import { heed } from "../../stop.ts";

/** Modules of linear layers with their [out, in]. */
export type Modules = ReadonlyMap<string, readonly [number, number]>;

/** The linear layers of a model; the output head, which is scored in chunks, is none. */
export function watchable(engine: Engine, model: Model): Modules {
  const { linear } = model.modules(engine);
  return new Map([...linear].filter(([module]) => module !== HEAD_MODULE));
}

/** What is kept of a module's weight: the diagonal of its Fisher information, [out, in]. */
export const fisherOf = (graph: Graph, module: string, shape: readonly number[]): Value =>
  graph.state(`${module}.weight.fisher`, shape);

/** The pass that adds up squared gradients of the base. */
export interface FisherPass {
  readonly graph: Pick<LossGraphOptions, "watch" | "train">;
  /** Modules that its graph did not meet, once it has been built. */
  readonly unseen: ReadonlySet<string>;
}

/** A loss graph whose replay adds the squares of its gradients to what is kept. */
export function fisherPass(modules: Modules): FisherPass {
  const unseen = new Set(modules.keys());
  const watch: Watch = (graph, module, x, y) => {
    const shape = modules.get(module);
    if (!shape) return y;
    unseen.delete(module);
    return squareGradient(graph, x, y, fisherOf(graph, module, shape));
  };
  return { graph: { watch, train: true }, unseen };
}

/** What the penalty does not know how to hold. */
export const refuse = (name: string): ConfigError =>
  new ConfigError(
    `guard.loss: found ewc but ${name} is trained, wanted LoRA of linear layers alone`,
  );

export interface FisherOptions {
  readonly modules: Modules;
  readonly domains: readonly Pick<Domain, "train">[];
  /** The most documents of a domain, drawn at random. */
  readonly documents: number;
  readonly seed: number;
  readonly recompute: boolean;
  /** Where it is kept. */
  readonly resources: Resources;
}

/** What the information was taken from, over all domains. */
export interface FisherSource {
  readonly documents: number;
  /** Tokens that were predicted. */
  readonly tokens: number;
}

/**
 * Adds to what is kept, number by number, F = sum over documents of (d log p(document) / d w)^2, over
 * the tokens predicted in them; of several domains the sum. A pass forward and back for each.
 *
 * Then 1/2 sum F dw^2 is the divergence of the moved model from the base in nats a token, to second
 * order and off the diagonal left out. For documents that the base itself drew: given what came
 * before, the gradient of a token's log-likelihood has mean 0, so in the square of a document's
 * gradient no two tokens meet on average, and what is left is each prediction's own information. On
 * other text this is the empirical Fisher information, which counts more where the base is surprised.
 * What the diagonal leaves out is little for a random update and much for a trained one, whose
 * numbers move together: a weight of 1 holds far less than that of a divergence does.
 *
 * @throws {ConfigError} where a module is no linear layer of the forward.
 *
 * Source: Kirkpatrick et al., 2016, arXiv 1612.00796, section 2.1; the second-order view is Pascanu
 * and Bengio's, 2013, arXiv 1301.3584.
 */
export async function addFisher(
  engine: Engine,
  model: Model,
  { modules, domains, documents, seed, recompute, resources }: FisherOptions,
): Promise<FisherSource> {
  const chosen = domains.map(({ train }) => draw(train, documents, seed));
  const T = Math.ceil(Math.max(...chosen.flat().map(lengthOf)) / 8) * 8;
  const pass = fisherPass(modules);
  const planned = LossProgram.plan(engine, model, { T, recompute, ...pass.graph });
  for (const module of pass.unseen) throw refuse(module);
  const program = await planned.open(resources);
  const ring = new Ring<null>(engine.device, program.capacity);
  const source = { documents: 0, tokens: 0 };
  for (const examples of chosen) {
    const batches = examples.map((example) => batch([example], T));
    const tokens = batches.reduce((sum, { supervised }) => sum + supervised, 0);
    for (const document of batches) {
      heed();
      await ring.freeSlot();
      program.feed(document, weighed(document, tokens));
      program.run((encoder) => ring.load(encoder, [program.compiled.output("losses")]));
      ring.send(null);
      ring.arrived();
    }
    source.documents += batches.length;
    source.tokens += tokens;
  }
  await ring.drain();
  ring.destroy();
  program.compiled.destroy();
  return source;
}

/** Each token counts 1 / sqrt(tokens), so that the gradient's square is over the tokens of a domain. */
const weighed = ({ supervised }: Batch, tokens: number): Float32Array =>
  new Float32Array(supervised).fill(1 / Math.sqrt(tokens));

function draw(documents: readonly Blocks[], most: number, seed: number): Example[] {
  const chosen = permutation(documents.length, seed).subarray(0, most);
  return [...chosen].flatMap((i) => documents[i]!);
}
