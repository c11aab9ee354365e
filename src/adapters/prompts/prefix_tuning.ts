/**
 * Prefix tuning: keys and values of virtual tokens in every layer, which every document sees (Li and
 * Liang, 2021, arXiv 2101.00190; PEFT's `PrefixEncoder`), by themselves or, with PEFT's projection,
 * made in training of embeddings. Keys are not turned by their positions.
 *
 * @module
 */
import { ATTENDED, type Attended } from "../../models/layers/adapt.ts";
import { normal } from "../../random.ts";
import { encoderOf } from "./encoder.ts";
import type { PlainPrompt, PromptMethod, PromptSizes } from "./method.ts";

const partOf = (layer: number, part: string) => `layers.${layer}.${part}`;
const paramOf = (layer: number, part: string) => `prompt.${partOf(layer, part)}`;

const widthOf = ({ layers, keyWidth }: PromptSizes) => 2 * layers * keyWidth;

/** Layer and part in the order of a virtual token's row in the file. */
function* partsOf({ layers }: PromptSizes): Generator<[layer: number, part: Attended]> {
  for (let layer = 0; layer < layers; layer++) for (const part of ATTENDED) yield [layer, part];
}

/** Params with where each lies in such a row. */
const columnsOf = (sizes: PromptSizes) =>
  [...partsOf(sizes)].map(([layer, part], i) => ({
    name: paramOf(layer, part),
    column: i * sizes.keyWidth,
  }));

export const PREFIX_TUNING: PromptMethod = {
  name: "prefix_tuning",
  peftType: "PREFIX_TUNING",
  fields: { encoder_hidden_size: null, init_weights: null, prefix_projection: false },
  dim: ({ keyWidth }) => keyWidth,
  heads: ({ hidden, keyWidth }, config: { heads?: number; groups?: number; headDim?: number }) => {
    const { heads, groups = heads, headDim = heads && hidden / heads } = config;
    return groups && groups * headDim! === keyWidth ? groups : null;
  },
  width: widthOf,
  encodes: ({ prefix_projection = false }) => prefix_projection,

  plain(sizes): PlainPrompt {
    const { tokens, keyWidth } = sizes;
    const [width, columns] = [widthOf(sizes), columnsOf(sizes)];
    return {
      params: new Map(
        columns.map(({ name }) => [name, { shape: [tokens, keyWidth], layout: "rows" }] as const),
      ),

      fresh: (seed) =>
        new Map(
          columns.map(({ name }, index) => [
            name,
            Float32Array.from({ length: tokens * keyWidth }, (_, i) => normal(seed, index, i)),
          ]),
        ),

      fromFile: (numbers) =>
        new Map(
          columns.map(({ name, column }) => {
            const part = new Float32Array(tokens * keyWidth);
            for (let token = 0; token < tokens; token++) {
              const from = token * width + column;
              part.set(numbers.subarray(from, from + keyWidth), token * keyWidth);
            }
            return [name, part];
          }),
        ),

      toFile(numbers) {
        const all = new Float32Array(tokens * width);
        for (const { name, column } of columns) {
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
  },

  encoder(sizes, inner) {
    const { tokens, keyWidth: width } = sizes;
    const outputOf = (layer: number, part: Attended) => ({
      name: `transform.2.${partOf(layer, part)}`,
      width,
    });
    const { encoded, hidden, ...params } = encoderOf({
      ...{ tokens, width, inner, activation: "tanh", layers: ["transform.0"] },
      outputs: [...partsOf(sizes)].map((of) => outputOf(...of)),
    });
    return {
      ...params,
      virtual: (param) => ({
        embeddings(graph) {
          hidden(graph, param); // before any layer, of which backward may make parts again
          return undefined;
        },
        attended: (graph, layer, part) => encoded(graph, param, outputOf(layer, part)),
      }),
    };
  },
};
