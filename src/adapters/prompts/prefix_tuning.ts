/**
 * Prefix tuning: keys and values of virtual tokens in every layer, which every document sees (Li and
 * Liang, 2021, arXiv 2101.00190; PEFT's `PrefixEncoder` without projection). Keys are not turned by
 * their positions.
 *
 * @module
 */
import { normal } from "../../random.ts";
import { ATTENDED } from "../../models/layers/adapt.ts";
import type { PromptMethod, PromptSizes } from "./method.ts";

const paramOf = (layer: number, part: string) => `prompt.layers.${layer}.${part}`;

/** Params with where each lies in a virtual token's row of the file. */
function* partsOf({ layers, keyWidth }: PromptSizes) {
  for (let layer = 0; layer < layers; layer++) {
    for (const [i, part] of ATTENDED.entries()) {
      yield { name: paramOf(layer, part), column: (2 * layer + i) * keyWidth };
    }
  }
}

export const PREFIX_TUNING: PromptMethod = {
  name: "prefix_tuning",
  peftType: "PREFIX_TUNING",
  fields: { encoder_hidden_size: null, init_weights: null, prefix_projection: false },
  readsText: false,
  dim: ({ keyWidth }) => keyWidth,
  heads: ({ hidden, keyWidth }, config: { heads?: number; groups?: number; headDim?: number }) => {
    const { heads, groups = heads, headDim = heads && hidden / heads } = config;
    return groups && groups * headDim! === keyWidth ? groups : null;
  },
  width: ({ layers, keyWidth }) => 2 * layers * keyWidth,

  params: (sizes) =>
    new Map(
      partsOf(sizes).map(({ name }) =>
        [name, { shape: [sizes.tokens, sizes.keyWidth], layout: "rows" }] as const
      ),
    ),

  fresh(sizes, seed) {
    const { tokens, keyWidth } = sizes;
    return new Map(
      partsOf(sizes).map(({ name }, index) => [
        name,
        Float32Array.from({ length: tokens * keyWidth }, (_, i) => normal(seed, index, i)),
      ]),
    );
  },

  fromFile(numbers, sizes) {
    const { tokens, keyWidth } = sizes;
    const width = PREFIX_TUNING.width(sizes);
    return new Map(
      partsOf(sizes).map(({ name, column }) => {
        const part = new Float32Array(tokens * keyWidth);
        for (let token = 0; token < tokens; token++) {
          const from = token * width + column;
          part.set(numbers.subarray(from, from + keyWidth), token * keyWidth);
        }
        return [name, part];
      }),
    );
  },

  toFile(numbers, sizes) {
    const { tokens, keyWidth } = sizes;
    const width = PREFIX_TUNING.width(sizes);
    const all = new Float32Array(tokens * width);
    for (const { name, column } of partsOf(sizes)) {
      const part = numbers.get(name)!;
      for (let token = 0; token < tokens; token++) {
        const row = part.subarray(token * keyWidth, (token + 1) * keyWidth);
        all.set(row, token * width + column);
      }
    }
    return all;
  },

  virtual: (param) => ({
    embeddings: () => undefined,
    attended: (graph, layer, part) => param(graph, paramOf(layer, part)),
  }),
};
