/**
 * What layers are built with.
 *
 * @module
 */
import type { NumberType, Value } from "../../graph/graph.ts";
import type { RowInputs } from "../family.ts";
import type { Adapt, Watch } from "./adapt.ts";

export interface NetOptions {
  readonly rows: RowInputs;
  /** Positions that the angle table covers. */
  readonly positions: number;
  /** How the checkpoint stores a tensor; throws where it lacks it or its shape is another. */
  readonly typeOf: (name: string, shape: readonly number[]) => NumberType;
  /** The Euclidean norms of the rows of a matrix of the checkpoint, for adapters that ask. */
  readonly rowNorms?: (name: string) => Float32Array;
  readonly adapt?: Adapt | undefined;
  readonly watch?: Watch | undefined;
  /** Full-parameter training: every tensor is a param. */
  readonly full?: boolean | undefined;
  /** Before the names of its weights, of a model beside another in one graph. */
  readonly prefix?: string | undefined;
  /** Where it trains: the seed of what is drawn at random. */
  readonly seed?: number | undefined;
  /** Where it trains: alpha of the noise on the embeddings of tokens; 0 or absent for none. */
  readonly noise?: number | undefined;
}

/**
 * An RMSNorm, y = x / sqrt(mean(x^2) + eps) * (unit + weight); or with `centred` a LayerNorm, which
 * takes the mean off x first and adds a bias at the end.
 */
export interface Norm {
  readonly eps: number;
  readonly centred?: boolean;
  /** 1 where the checkpoint stores weight - 1; 0 by default. */
  readonly unit?: 0 | 1;
}

export interface LinearOptions {
  /** Whether the checkpoint has a bias beside the weight. */
  readonly bias?: boolean | undefined;
  /** The residual stream, on top of which the output comes. */
  readonly residual?: Value | undefined;
}
