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
}

export const virtual = {
  num_virtual_tokens: count.exactOptional().describe(
    "with prompt_tuning and prefix_tuning, tokens that are trained in front of every document; 20 when " +
      "absent, or those of prompt_tuning_init_text",
  ),
  prompt_tuning_init_text: z.string().min(1).exactOptional().describe(
    "with prompt_tuning, a text whose embeddings the virtual tokens begin as; random when absent",
  ),
};

/** Ids or texts of tokens. */
export const tokenList = z.array(z.union([z.int().min(0), z.string().min(1)]));
