/**
 * What an adapter method is: one way to change the linear modules and tables of a model. Each has a
 * file of its own beside this one, and a line in {@link "./mod.ts"}.
 *
 * @module
 */
import type { Graph, Layout, Value } from "../../graph/graph.ts";
import type { LinearLayer, Matrix } from "../../models/layers/adapt.ts";
import type { Tensors } from "../../models/stored.ts";
import type { Dropout, LowRank } from "../../ops/mod.ts";
import type { Measured } from "../init/init.ts";
import type { LoraWeights } from "../peft/adapter.ts";
import type { FactorSizes } from "./factors.ts";

/** What is trained of a module, by its key in {@link LoraWeights}. */
export type Key =
  | "a"
  | "b"
  | "magnitude"
  | "scales"
  | "lambdaB"
  | "lambdaD"
  | "down"
  | "downBias"
  | "up"
  | "upBias";

/** What is held beside it: factors that it began with, or that all modules share. */
export type HeldKey = "a0" | "b0" | "a" | "b";

/** Numbers of a module's tensors, as PEFT has them or as the store does. */
export type Numbers = Partial<Readonly<Record<Key | HeldKey, Float32Array>>>;

/** An adapted module. */
export interface AdaptedModule extends FactorSizes {
  readonly name: string;
  /** Its number among the adapted ones, which keys what is random. */
  readonly index: number;
  readonly rank: number;
  readonly alpha: number;
  readonly scale: number;
  /** The most inputs and outputs of any adapted module. */
  readonly widest: Pick<FactorSizes, "inFeatures" | "outFeatures">;
}

/** How the store keeps a tensor of a module. */
export interface KeptTensor {
  readonly shape: readonly number[];
  /** The shape without what only fills it up; the same where absent. */
  readonly used?: readonly number[];
  readonly layout: Layout;
  /** From PEFT's shape to that of the store. */
  keep(numbers: Float32Array): Float32Array;
  /** {@link keep} the other way. */
  peft(kept: Float32Array): Float32Array;
}

/** A module's params in a graph. */
export interface InGraph {
  readonly params: Readonly<Partial<Record<Key | HeldKey, Value>>>;
  readonly scale: number;
  /** See {@link FactorSizes}. */
  readonly isFeedForward: boolean;
  /** In graphs that train, where the adapter drops out. */
  readonly dropout: Dropout | undefined;
}

/** A number on the straight way from the base (scaling 0) to `x` (scaling 1). */
export const towards = (base: number, x: number, scaling: number): number =>
  base + scaling * (x - base);

/** Changes rows of a tensor in place, as its checkpoint has them; the first has that number. */
export type Change = (values: Float32Array, firstRow: number) => void;

/** An adapter in PEFT's files where it is another LoRA than the one that is trained. */
export interface Written {
  /** Rank and alpha, of a module or of all. */
  sizes<S extends Pick<AdaptedModule, "rank" | "alpha">>(
    trained: S,
  ): Pick<AdaptedModule, "rank" | "alpha">;
  /** A module's tensors; the rank is the trained one. */
  numbers(trained: Numbers, sizes: Pick<AdaptedModule, "rank">): Numbers;
}

/** One kind of adapter. */
export interface AdapterMethod {
  /** What `adapter.method` calls it. */
  readonly name: string;
  /** What PEFT's config calls its kind; LORA where absent. */
  readonly peftType?: string;
  /** The field of PEFT's config that is true for it; absent for plain LoRA. */
  readonly field?: string;
  /** Names of the tensors behind those of a linear module, which PEFT gives them. */
  readonly linearNames: Readonly<Partial<Record<Key, string>>>;
  /** The same of a table of rows; absent where tables cannot be adapted. */
  readonly tableNames?: Readonly<Partial<Record<Key, string>>>;
  /** Tensors of a linear module that keep what they began with; none where absent. */
  readonly heldNames?: Readonly<Partial<Record<HeldKey, string>>>;
  /** What tells those of two modules apart that share them; its module where absent. */
  heldBy?(key: HeldKey, module: AdaptedModule): string;
  /** What PEFT's files have where that is more than what is trained. */
  readonly written?: Written;
  /** The modules that it changes, each with its rank, where that is not for the targets to say. */
  modules?(linear: ReadonlyMap<string, Matrix>): ReadonlyMap<string, number>;
  /** How the store keeps a tensor. */
  kept(key: Key | HeldKey, sizes: FactorSizes): KeptTensor;
  /**
   * What training starts from, in PEFT's shapes; the base's weights are at hand, and what was measured
   * for initial values that want it.
   */
  fresh(module: AdaptedModule, seed: number, base: Tensors, measured?: Measured): Numbers;
  /** Whether {@link linear} adds the layer's bias; it is added afterwards where absent. */
  readonly addsBias?: true;
  /** The linear layer as the adapter has it, its bias aside. */
  linear(graph: Graph, layer: LinearLayer, module: InGraph): Value;
  /**
   * The low-rank update where it is all that the method does, which is what the output head can be
   * adapted by; absent where there is more.
   */
  lowRank?(graph: Graph, module: InGraph): LowRank;
  /**
   * What a tensor is at scaling 0, in PEFT's shape; undefined for one that may keep its numbers. At
   * scalings between, every tensor goes the same part of the way.
   */
  atBase(key: Key | HeldKey, module: AdaptedModule, base: Tensors): Float32Array | undefined;
  /** The module at a scaling, for a folder: the same numbers as in the graph, or the same effect. */
  atScaling(weights: LoraWeights, scaling: number, base: Tensors): LoraWeights;
  /** What merging does to the module's weight; absent where no weight does the same. */
  merge?(weights: LoraWeights, base: Tensors): Change;
  /** The same of the module's bias; absent where it stays. */
  mergeBias?(weights: LoraWeights): Change | undefined;
}
