/**
 * Prompt tuning: the embeddings of virtual tokens in front of every document (Lester et al., 2021,
 * arXiv 2104.08691; PEFT's `PromptEmbedding`).
 *
 * @module
 */
import { normal } from "../../random.ts";
import type { PromptMethod, PromptSizes } from "./method.ts";

const EMBEDDINGS = "prompt.embeddings";

export const PROMPT_TUNING: PromptMethod = {
  name: "prompt_tuning",
  peftType: "PROMPT_TUNING",
  // The trained embeddings stand for themselves: PEFT needs no text, and no tokenizer for it.
  fields: {
    prompt_tuning_init: "RANDOM",
    prompt_tuning_init_text: null,
    tokenizer_kwargs: null,
    tokenizer_name_or_path: null,
  },
  readsText: true,
  dim: ({ hidden }) => hidden,
  heads: (_, { heads = null }: { heads?: number | null }) => heads,
  width: ({ hidden }) => hidden,

  params: ({ tokens, hidden }) =>
    new Map([[EMBEDDINGS, { shape: [tokens, hidden], layout: "rows" }]]),

  fresh({ tokens, hidden }: PromptSizes, seed) {
    const numbers = Float32Array.from({ length: tokens * hidden }, (_, i) => normal(seed, 0, i));
    return new Map([[EMBEDDINGS, numbers]]);
  },

  fromFile: (numbers) => new Map([[EMBEDDINGS, numbers]]),
  toFile: (numbers) => numbers.get(EMBEDDINGS)!,

  virtual: (param) => ({
    embeddings: (graph) => param(graph, EMBEDDINGS),
    attended: () => undefined,
  }),
};
