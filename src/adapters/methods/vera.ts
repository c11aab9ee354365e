/**
 * VeRA: a low-rank update by two random matrices that all modules share, of which a module trains a
 * number for each component and for each output, y = x W^T + b * ((d * (x A^T)) B^T) (Kopiczko et al.,
 * 2023, arXiv 2310.11454; PEFT's `VeraLayer`).
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { Tensors } from "../../models/stored.ts";
import { blocksOf, fromBlocks } from "../../models/weights.ts";
import { dropout, linear, scaleColumns } from "../../ops/mod.ts";
import { random } from "../../random.ts";
import type { LoraWeights } from "../peft/adapter.ts";
import { pad, resize } from "./factors.ts";
import { LORA } from "./lora.ts";
import type { AdaptedModule, AdapterMethod, Numbers } from "./method.ts";

/** What d begins as, PEFT's `d_initial`. */
const D_INITIAL = 0.1;

export const VERA: AdapterMethod = {
  name: "vera",
  peftType: "VERA",
  linearNames: { lambdaB: "vera_lambda_b", lambdaD: "vera_lambda_d" },
  heldNames: { a: "vera_A", b: "vera_B" },
  heldBy: (key, { inFeatures, outFeatures }) => String(key === "a" ? inFeatures : outFeatures),

  kept(key, { rank, inFeatures, outFeatures }) {
    const width = pad(rank);
    if (key === "lambdaB") {
      return { shape: [outFeatures], layout: "rows", keep: (x) => x, peft: (x) => x };
    }
    if (key === "lambdaD") {
      const padded = (x: Float32Array) => resize(x, [1, rank], [1, width]);
      return { shape: [width], layout: "rows", keep: padded, peft: (x) => x.slice(0, rank) };
    }
    const shape = key === "a" ? [width, inFeatures] as const : [outFeatures, width] as const;
    const own = key === "a" ? [rank, inFeatures] as const : [outFeatures, rank] as const;
    return {
      shape,
      layout: "blocks",
      keep: (x) => blocksOf(resize(part(x, rank, key, own), own, shape), shape),
      peft: (x) => resize(fromBlocks(x, shape), shape, own),
    };
  },

  fresh: (module, seed) => ({
    ...projections(module, seed),
    lambdaB: new Float32Array(module.outFeatures),
    lambdaD: new Float32Array(module.rank).fill(D_INITIAL),
  }),

  linear(graph, { x, w, residual }, { params, dropout: drop }) {
    const { a, b, lambdaB, lambdaD } = params;
    const kept = drop ? dropout(graph, x, drop) : x;
    const components = scaleColumns(graph, linear(graph, kept, a!), lambdaD!);
    const base = linear(graph, x, w, { residual });
    return scaleColumns(graph, linear(graph, components, b!), lambdaB!, base);
  },

  atBase: (key, { outFeatures }) => key === "lambdaB" ? new Float32Array(outFeatures) : undefined,

  atScaling: (weights, scaling) => ({
    ...weights,
    lambdaB: weights.lambdaB!.map((x) => x * scaling),
  }),

  merge: (weights, base) => LORA.merge(asLora(weights, base), base),
};

/** The same update by two factors of the module's own, b * B and d * A. */
function asLora(weights: LoraWeights, base: Tensors): LoraWeights {
  const { module, rank, lambdaB, lambdaD } = weights;
  const name = `${module}.weight`;
  const [outFeatures, inFeatures] = base.turn(name, base.get(name).shape) as [number, number];
  const a = part(weights.a, rank, "a", [rank, inFeatures]);
  const b = part(weights.b, rank, "b", [outFeatures, rank]);
  return {
    ...{ module, rank, alpha: rank, scale: 1, inFeatures, outFeatures },
    a: a.map((x, i) => x * lambdaD![Math.floor(i / inFeatures)]!),
    b: b.map((x, i) => x * lambdaB![Math.floor(i / rank)]!),
  };
}

/**
 * What a module sees of a projection: the first columns of A [rank, ...], the first rows of B
 * [..., rank].
 *
 * @throws {FileError} where it is smaller than the module.
 */
function part(
  projection: Float32Array,
  rank: number,
  key: string,
  shape: readonly [number, number],
): Float32Array {
  const [rows, columns] = shape;
  const all = projection.length / rank;
  const [has, wanted] = key === "a" ? [all, columns] : [all, rows];
  if (has < wanted) {
    throw new FileError(
      `The adapter's vera_${key.toUpperCase()} is for modules of ${has} ` +
        `${key === "a" ? "inputs" : "outputs"}, found one of ${wanted}`,
    );
  }
  return key === "a"
    ? resize(projection, [rank, all], shape)
    : projection.subarray(0, rows * columns);
}

/** The projections made last: all modules of an adapter share them. */
let lastProjections: { readonly key: string; readonly numbers: Pick<Numbers, "a" | "b"> } | null =
  null;

/** Both for the widest modules, uniform as Kaiming's: in ±sqrt(6 / columns). */
function projections({ rank, widest }: AdaptedModule, seed: number): Pick<Numbers, "a" | "b"> {
  const { inFeatures, outFeatures } = widest;
  const key = [seed, rank, inFeatures, outFeatures].join();
  if (lastProjections?.key === key) return lastProjections.numbers;
  const uniform = (stream: number, length: number, columns: number) => {
    const bound = Math.sqrt(6 / columns);
    return Float32Array.from({ length }, (_, i) => bound * (2 * random(seed, stream, i) - 1));
  };
  const numbers = {
    a: uniform(0, rank * inFeatures, inFeatures),
    b: uniform(1, outFeatures * rank, rank),
  };
  lastProjections = { key, numbers };
  return numbers;
}
