/**
 * What the graphs of a model are asked for, and what they come with.
 *
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import type { Contents } from "../graph/resources.ts";
import type { Adapt, Matrix, Watch } from "./layers/adapt.ts";
import type { LongAngles } from "./layers/rope.ts";
import type { Model } from "./model.ts";

/** `nll` of the next token, or `kl`: the divergence from what the base, or a teacher, predicts. */
export type Loss = "nll" | "kl";

/** Another model over the same vocabulary, by whose predictions a model is trained. */
export interface Teacher {
  readonly model: Model;
  /** Which divergence from its predictions, as `linearKl()` has it. */
  readonly beta: number;
}

export interface LossGraphOptions {
  /** Rows of the packed micro-batch. */
  T: number;
  /** `nll` by default. */
  loss?: Loss;
  /** What `kl` is the divergence from; the base where absent. */
  teacher?: Teacher | undefined;
  /** What all logits are divided by; 1 by default. */
  temperature?: number | undefined;
  adapt?: Adapt | undefined;
  watch?: Watch | undefined;
  /** Adds the backward of everything that is trained. */
  train?: boolean;
  /** Every tensor of the checkpoint is trained. */
  full?: boolean;
  recompute?: boolean;
  /** Of what is drawn at random where `train` is set; 0 by default. */
  seed?: number;
  /** Alpha of the noise on embeddings where `train` is set (NEFTune); none by default. */
  noise?: number | undefined;
}

export interface DecodeGraphOptions {
  /** Rows of a replay, a multiple of 4. */
  T: number;
  /** Tokens that each sequence's part of the cache holds, a multiple of 8. */
  context: number;
  /** Sequences under way at a time; 1 by default. */
  slots?: number;
  /** Rows of a replay that may want scores, a multiple of 4. */
  scored: number;
  adapt?: Adapt | undefined;
  /** Every tensor of the checkpoint is trained. */
  full?: boolean;
}

/** What an adapter can change of a model, by the names of its forward. */
export interface Modules {
  /** The output head among them. */
  readonly linear: ReadonlyMap<string, Matrix>;
  /** Embeddings and learned positions. */
  readonly tables: ReadonlyMap<string, Matrix>;
  /** Shapes of all tensors; a tied head has one of its own. */
  readonly tensors: ReadonlyMap<string, readonly number[]>;
  /** Width of the embedding of tokens. */
  readonly hidden: number;
  /** Widths of the keys of all heads together, layer by layer. */
  readonly keyWidths: readonly number[];
}

/** A graph with the tables that its weights need beside the checkpoint. */
export interface ModelGraph {
  readonly graph: Graph;
  readonly tables: ReadonlyMap<string, Contents>;
  /** The model of its weights whose names begin with `TEACHER`. */
  readonly teacher?: Model | undefined;
  /** For graphs over a cache; undefined where all texts turn alike. */
  readonly long?: LongAngles | undefined;
}

/** The graph of a loss, and the supervised rows that each gate of its replays opens the head for. */
export type LossGraph = ModelGraph & { readonly chunk: number };
