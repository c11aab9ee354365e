/**
 * Prompt tuning: the embeddings of virtual tokens in front of every document (Lester et al., 2021,
 * arXiv 2104.08691; PEFT's `PromptEmbedding`).
 *
 * @module
 */
import { normal } from "../../random.ts";
import type { PromptMethod } from "./method.ts";

const EMBEDDINGS = "prompt.embeddings";

/** What methods have in common whose virtual tokens are embeddings. */
export const EMBEDDED: Pick<PromptMethod, "dim" | "heads" | "width" | "plain"> = {
  dim: ({ hidden }) => hidden,
  heads: (_, { heads = null }: { heads?: number | null }) => heads,
  width: ({ hidden }) => hidden,

  plain: ({ tokens, hidden }) => ({
    params: new Map([[EMBEDDINGS, { shape: [tokens, hidden], layout: "rows" }]]),

    fresh(seed) {
      const numbers = Float32Array.from({ length: tokens * hidden }, (_, i) => normal(seed, 0, i));
      return new Map([[EMBEDDINGS, numbers]]);
    },

    fromFile: (numbers) => new Map([[EMBEDDINGS, numbers]]),
    toFile: (numbers) => numbers.get(EMBEDDINGS)!,

    virtual: (param) => ({
      embeddings: (graph) => param(graph, EMBEDDINGS),
      attended: () => undefined,
    }),
  }),
};

export const PROMPT_TUNING: PromptMethod = {
  ...EMBEDDED,
  name: "prompt_tuning",
  peftType: "PROMPT_TUNING",
  // The trained embeddings stand for themselves: PEFT needs no text, and no tokenizer for it.
  fields: {
    prompt_tuning_init: "RANDOM",
    prompt_tuning_init_text: null,
    tokenizer_kwargs: null,
    tokenizer_name_or_path: null,
  },
  encodes: () => false,
};
