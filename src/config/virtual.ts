/**
 * Keys of tokens that an adapter trains: virtual ones in front of every document, and lists of others.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { count } from "./kinds.ts";

/** Virtual tokens. */
export interface VirtualConfig {
  /** How many stand in front of every document, where the method trains such. */
  readonly num_virtual_tokens?: number;
  /** The text that they begin as. */
  readonly prompt_tuning_init_text?: string;
  /** Whether prefix tuning makes its keys and values of embeddings in training. */
  readonly prefix_projection?: boolean;
  /** How wide the hidden layers are that make virtual tokens in training. */
  readonly encoder_hidden_size?: number;
}

export const virtual = {
  num_virtual_tokens: count.exactOptional().describe(
    "with prompt_tuning, p_tuning and prefix_tuning, tokens that are trained in front of every document; " +
      "20 when absent, or those of prompt_tuning_init_text",
  ),
  prompt_tuning_init_text: z.string().min(1).exactOptional().describe(
    "with prompt_tuning, a text whose embeddings the virtual tokens begin as; random when absent",
  ),
  prefix_projection: z.boolean().exactOptional().describe(
    "with prefix_tuning, train an MLP that makes the keys and values of embeddings; false when absent",
  ),
  encoder_hidden_size: count.exactOptional().describe(
    "with p_tuning, or prefix_projection, the width of the MLP that makes the virtual tokens in " +
      "training; that of the embedding, or of a layer's keys, when absent",
  ),
};

/** Ids or texts of tokens. */
export const tokenList = z.array(z.union([z.int().min(0), z.string().min(1)]));
