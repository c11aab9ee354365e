/**
 * Encoders of virtual tokens: embeddings of their own, dense layers with an activation, and one or
 * more linear outputs. What they make is what PEFT's file holds.
 *
 * @module
 */
import type { Graph, Value } from "../../graph/graph.ts";
import { blocksOf, fromBlocks } from "../../models/weights.ts";
import { activate, type Activation, bias, linear } from "../../ops/mod.ts";
import { normal, random } from "../../random.ts";
import { pad } from "../methods/factors.ts";
import type { Numbers, PromptParam, PromptParams } from "./method.ts";

/** The embedding of the encoder, as its module in PEFT. */
const EMBEDDING = "embedding";

/** A linear layer: y = x W^T + b. */
interface Output {
  /** As its module in PEFT, or the part of one. */
  readonly name: string;
  readonly width: number;
}

/** What an encoder is made of. */
interface EncoderParts {
  readonly tokens: number;
  /** Width of its embedding. */
  readonly width: number;
  /** Width of its hidden layers. */
  readonly inner: number;
  readonly activation: keyof typeof CURVES & Activation;
  /** Names of the hidden layers. */
  readonly layers: readonly string[];
  /** In the order of a virtual token's row of the file. */
  readonly outputs: readonly Output[];
}

type Param = (graph: Graph, name: string) => Value;

/** An encoder, and how graphs have it. */
export interface Encoder extends Omit<PromptParams, "virtual"> {
  /** What comes out of the hidden layers, made once in a graph. */
  hidden(graph: Graph, param: Param): Value; // [tokens up to the next four, inner]
  encoded(graph: Graph, param: Param, output: Output): Value; // [tokens up to the next four, width]
}

/** The activations as the host has them. */
const CURVES = { relu: (x: number) => Math.max(x, 0), tanh: Math.tanh };

const paramOf = (module: string, tensor = "weight") => `prompt.${module}.${tensor}`;

/** Rows of products are multiples of 4: those that fill them stand for no token. */
export function encoderOf(parts: EncoderParts): Encoder {
  const { tokens, width, inner, activation, outputs } = parts;
  const rows = pad(tokens);
  const layers = parts.layers.map((name, i) => ({
    ...{ name, width: inner, inFeatures: i === 0 ? width : inner },
  }));
  const linears = [...layers, ...outputs.map((output) => ({ ...output, inFeatures: inner }))];
  const made = new WeakMap<Graph, Value>();

  const layer = (graph: Graph, param: Param, x: Value, name: string) => {
    const y = linear(graph, x, param(graph, paramOf(name)));
    return bias(graph, y, param(graph, paramOf(name, "bias")));
  };

  const hidden = (graph: Graph, param: Param) => {
    const found = made.get(graph) ?? layers.reduce(
      (x, { name }) => activate(graph, layer(graph, param, x, name), activation),
      param(graph, paramOf(EMBEDDING)),
    );
    made.set(graph, found);
    return found;
  };

  return {
    hidden,
    encoded: (graph, param, { name }) => layer(graph, param, hidden(graph, param), name),

    params: new Map<string, PromptParam>([
      [paramOf(EMBEDDING), { shape: [rows, width], layout: "rows" }],
      ...linears.flatMap(({ name, width, inFeatures }): [string, PromptParam][] => [
        [paramOf(name), { shape: [width, inFeatures], layout: "blocks" }],
        [paramOf(name, "bias"), { shape: [width], layout: "rows" }],
      ]),
    ]),

    /** As PyTorch: the embedding normal, weights and biases uniform in ±1 / sqrt(in). */
    fresh(seed) {
      const embedding = new Float32Array(rows * width);
      for (let i = 0; i < tokens * width; i++) embedding[i] = normal(seed, 0, i);
      const uniform = (param: number, length: number, inFeatures: number) =>
        Float32Array.from(
          { length },
          (_, i) => (2 * random(seed, param, i) - 1) / Math.sqrt(inFeatures),
        );
      const numbers = linears.flatMap(({ name, width, inFeatures }, i) => {
        const weight = uniform(2 * i + 1, width * inFeatures, inFeatures);
        return [
          [paramOf(name), blocksOf(weight, [width, inFeatures])],
          [paramOf(name, "bias"), uniform(2 * i + 2, width, inFeatures)],
        ] as const;
      });
      return new Map([[paramOf(EMBEDDING), embedding], ...numbers]);
    },

    /** In f64. */
    toFile(numbers) {
      const row = outputs.reduce((sum, { width }) => sum + width, 0);
      const all = new Float32Array(tokens * row);
      const embedding = numbers.get(paramOf(EMBEDDING))!;
      const apply = linears.map((of) => onHost(numbers, of));
      for (let token = 0; token < tokens; token++) {
        let x = Float64Array.from(embedding.subarray(token * width, (token + 1) * width));
        for (const dense of apply.slice(0, layers.length)) x = dense(x).map(CURVES[activation]);
        let column = token * row;
        for (const [i, { width }] of outputs.entries()) {
          all.set(apply[layers.length + i]!(x), column);
          column += width;
        }
      }
      return all;
    },
  };
}

/** A linear layer in f64. */
function onHost(numbers: Numbers, { name, width, inFeatures }: Output & { inFeatures: number }) {
  const weight = fromBlocks(numbers.get(paramOf(name))!, [width, inFeatures]);
  const shift = numbers.get(paramOf(name, "bias"))!;
  return (x: Float64Array): Float64Array<ArrayBuffer> =>
    Float64Array.from(shift, (sum, out) => {
      for (let i = 0; i < inFeatures; i++) sum += weight[out * inFeatures + i]! * x[i]!;
      return sum;
    });
}
