/**
 * What a model family is: how to read its config, and its forward.
 *
 * @module
 */
import type { Graph, Value } from "../graph/graph.ts";
import { type CacheRows, type Documents, type LowRank, scale } from "../ops/mod.ts";
import type { ConfigReader } from "./config.ts";
import type { Net } from "./layers/net.ts";
import type { Stored } from "./stored.ts";

/** One model family: how to read its config, and its forward. Everything else follows from these. */
export interface Family<Config extends FamilyConfig = FamilyConfig> {
  /** `model_type` in config.json. */
  readonly modelTypes: readonly string[];
  /** @throws {FileError} for a field that is missing, of the wrong kind, or not built. */
  parse(config: ConfigReader): Config;
  forward(net: Net, config: Config, memory?: CrossAttentionCache): Output;
  /** Of an encoder and a decoder: what the decoder's layers read of the source. */
  encode?(net: Net, config: Config): CrossAttentionCache;
  /** Where its checkpoints differ from the names and shapes that `forward` uses. */
  readonly stored?: Stored;
}

/** Keys and values of the source's rows, for the cross attention of each layer of a decoder. */
export type CrossAttentionCache = readonly (readonly [k: Value, v: Value])[];

/** What a forward ends in. */
export interface Output {
  readonly hidden: Value; // [T, hidden]
  readonly head: Value; // [vocabulary, hidden]
  /** The head's low-rank update, if it has one. */
  readonly adapter?: LowRank | undefined;
  /** Logits z become cap * tanh(z / cap); absent where they stay as they are. */
  readonly cap?: number | undefined;
}

/**
 * An output whose logits are divided by a temperature: cap * tanh(z / cap) / t is that of z / t under a
 * cap of cap / t.
 */
export function warmed(graph: Graph, output: Output, temperature = 1): Output {
  if (temperature === 1) return output;
  const { hidden, cap } = output;
  return {
    ...output,
    hidden: scale(graph, hidden, 1 / temperature),
    cap: cap && cap / temperature,
  };
}

/** What everyone may ask of a family's config. */
export interface FamilyConfig {
  readonly vocabSize: number;
  /** The longest sequence that the model was made for. */
  readonly context: number;
  /** Whether the embedding is the head too. */
  readonly tied: boolean;
  /**
   * What the decoder begins with, and what it reads in place of unsupervised tokens, where an encoder
   * reads the prompt; absent for decoders alone.
   */
  readonly target?: { readonly start: number; readonly pad: number };
}

/**
 * The rows of one replay: packed documents, whose rows see what is before them, or all of their
 * document in an encoder; or the next rows of cached sequences.
 */
export type RowInputs =
  & { readonly token: Value; readonly position: Value }
  & (
    | (Pick<Documents, "start" | "end"> & {
      readonly kind: "packed";
      readonly bothWays?: boolean;
      /** Which rows of the source each row sees. */
      readonly source?: Documents | undefined;
    })
    | (CacheRows & {
      readonly kind: "cached";
      /** Sequences that the cache has room for, and tokens of each. */
      readonly slots: number;
      readonly context: number;
      /** The last row of each row's source [T], and how many there may be. */
      readonly source?: { readonly last: Value; readonly context: number } | undefined;
    })
  );
