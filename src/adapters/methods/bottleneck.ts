/**
 * Bottleneck adapters: y = z + s (up(act(down(x)))) behind the attention or the feed-forward layer of a
 * block, z the residual stream with what the layer adds. x is z (Pfeiffer et al., 2020, arXiv
 * 2005.00247), what the layer adds alone (Houlsby et al., 2019, arXiv 1902.00751), or the stream before
 * it (He et al., 2021, arXiv 2110.04366): `SeqBnConfig`, `DoubleSeqBnConfig` and `ParBnConfig` of
 * AdapterHub's library, of decoders that normalise before a layer.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import type { LinearLayer } from "../../models/layers/adapt.ts";
import { blocksOf, fromBlocks } from "../../models/weights.ts";
import {
  activate,
  type Activation,
  add,
  bias as addBias,
  linear,
  scale as times,
} from "../../ops/mod.ts";
import { normal, random } from "../../random.ts";
import { type FactorSizes, pad, resize } from "./factors.ts";
import type { AdapterMethod, HeldKey, KeptTensor, Key } from "./method.ts";

/** What an adapter reads. */
export type Reads = "sum" | "branch" | "residual";

/** What one is made of. */
export interface BottleneckSettings {
  /** Behind the attention. */
  readonly attention: boolean;
  /** Behind the feed-forward layer. */
  readonly output: boolean;
  readonly reads: Reads;
  readonly activation: Activation;
  /** Factor of what it adds. */
  readonly scaling: number;
  /** `bert` draws both matrices, `mam_adapter` begins as the base. */
  readonly init: "bert" | "mam_adapter";
  /** The width of a block's adapters, 0 where it has none; for fresh ones alone. */
  widthOf(hidden: number, block: number): number;
}

/** What blocks are called, and the last modules of their two layers. */
export const PLACES = [
  { block: "model.layers", attention: "self_attn.o_proj", output: "mlp.down_proj" },
  { block: "transformer.h", attention: "attn.c_proj", output: "mlp.c_proj" },
] as const;

/** The models whose blocks are those of AdapterHub's classes. */
export const BOTTLENECK_MODELS: readonly string[] = ["llama", "mistral", "gpt2"];

/** The standard deviation of `bert`. */
const DEVIATION = 0.02;

const matrix = (rows: number, columns: number, own: readonly [number, number]): KeptTensor => ({
  shape: [rows, columns],
  layout: "blocks",
  keep: (x) => blocksOf(resize(x, own, [rows, columns]), [rows, columns]),
  peft: (x) => resize(fromBlocks(x, [rows, columns]), [rows, columns], own),
});

const vector = (size: number, own: number): KeptTensor => ({
  shape: [size],
  layout: "rows",
  keep: (x) => resize(x, [1, own], [1, size]),
  peft: (x) => x.slice(0, own),
});

/** Widths are padded with zeros, whose activations and gradients are zero. */
function kept(key: Key | HeldKey, { rank, outFeatures: hidden }: FactorSizes): KeptTensor {
  const width = pad(rank);
  switch (key) {
    case "down":
      return matrix(width, hidden, [rank, hidden]);
    case "downBias":
      return vector(width, rank);
    case "up":
      return matrix(hidden, width, [hidden, rank]);
    default:
      return vector(hidden, hidden);
  }
}

/** The residual stream as the base has it, and what the adapter reads. */
function readBy(graph: Graph, { x, w, residual, bias, module }: LinearLayer, reads: Reads) {
  if (!residual) throw new ConfigError(`Found ${module} beside no residual stream, wanted one`);
  const b = bias();
  const biased = (y: Value) => b ? addBias(graph, y, b) : y;
  if (reads !== "branch") {
    const z = biased(linear(graph, x, w, { residual }));
    return { z, read: reads === "sum" ? z : residual };
  }
  const branch = linear(graph, x, w);
  // Bias after residual as without an adapter, so that nothing added gives the same bits.
  const z = biased(add(graph, residual, branch));
  return { z, read: biased(branch) };
}

/** The method of some settings. */
export function bottleneck(settings: BottleneckSettings): AdapterMethod {
  const { reads, activation, scaling, init } = settings;
  return {
    name: "bottleneck",
    linearNames: {
      down: "adapter_down.weight",
      downBias: "adapter_down.bias",
      up: "adapter_up.weight",
      upBias: "adapter_up.bias",
    },
    addsBias: true,
    kept,

    modules(linear) {
      const found = new Map<string, number>();
      for (const [name, [hidden]] of linear) {
        const place = PLACES.find(({ block }) => name.startsWith(`${block}.`));
        const [, number = "", ending = ""] = /^.*?\.(\d+)\.(.*)$/.exec(name) ?? [];
        const isOne = (settings.attention && ending === place?.attention) ||
          (settings.output && ending === place?.output);
        const width = isOne ? settings.widthOf(hidden, Number(number)) : 0;
        if (width > 0) found.set(name, width);
      }
      return found;
    },

    fresh({ index, rank, outFeatures: hidden }, seed) {
      const [down, up] = [new Float32Array(rank * hidden), new Float32Array(hidden * rank)];
      const bound = 1 / Math.sqrt(hidden);
      for (let i = 0; i < down.length; i++) {
        down[i] = init === "bert"
          ? DEVIATION * normal(seed, 2 * index, i)
          : bound * (2 * random(seed, 2 * index, i) - 1);
        up[i] = init === "bert" ? DEVIATION * normal(seed, 2 * index + 1, i) : 0;
      }
      return { down, up, downBias: new Float32Array(rank), upBias: new Float32Array(hidden) };
    },

    linear(graph, layer, { params: { down, downBias, up, upBias } }) {
      const { z, read } = readBy(graph, layer, reads);
      const inner = activate(
        graph,
        addBias(graph, linear(graph, read, down!), downBias!),
        activation,
      );
      if (scaling === 1) return addBias(graph, linear(graph, inner, up!, { residual: z }), upBias!);
      return add(
        graph,
        z,
        times(graph, addBias(graph, linear(graph, inner, up!), upBias!), scaling),
      );
    },

    /** Nothing is added where the last layer is zero. */
    atBase: (key, { rank, outFeatures: hidden }) =>
      key === "up"
        ? new Float32Array(hidden * rank)
        : key === "upBias"
        ? new Float32Array(hidden)
        : undefined,

    atScaling: (weights, scaling) => ({
      ...weights,
      up: weights.up!.map((x) => scaling * x),
      upBias: weights.upBias!.map((x) => scaling * x),
    }),
  };
}
