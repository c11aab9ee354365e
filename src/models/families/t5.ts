/**
 * The T5 family with FLAN-T5 and T0: an encoder and a decoder, RMSNorm before each branch, scores
 * without a scale and with a bias by distance, which the first layer's table has for all of them.
 *
 * @module
 */
import { wordOf } from "../../io/json.ts";
import type { Value } from "../../graph/graph.ts";
import type { Activation } from "../../ops/mod.ts";
import type { ConfigReader } from "../config.ts";
import { ACTIVATIONS, type Decoder, MOST_HEAD_DIM, MOST_LAYERS } from "../layers/decoder.ts";
import type { CrossAttentionCache, Family, Net } from "../layers/net.ts";
import type { Buckets } from "../layers/relative.ts";
import { HEAD } from "../stored.ts";

interface T5 extends Decoder {
  /** Whether the last hidden state is scaled, which is so where head and embedding were trained as one. */
  readonly scaled: boolean;
  readonly decoderLayers: number;
  readonly activation: Activation;
  readonly isGated: boolean;
  readonly buckets: Omit<Buckets, "bothWays">;
  readonly target: { readonly start: number; readonly pad: number };
}

const EMBEDDING = "shared";
const EMBEDDING_WEIGHT = `${EMBEDDING}.weight`;
const GATED = "gated-";

export const t5: Family<T5> = {
  modelTypes: ["t5"],
  stored: {
    embedding: EMBEDDING_WEIGHT,
    aliases: { [EMBEDDING_WEIGHT]: "encoder.embed_tokens.weight", [HEAD]: EMBEDDING_WEIGHT },
  },

  parse(config: ConfigReader): T5 {
    config.only("is_encoder_decoder", [true]);
    const heads = config.count("num_heads", 8);
    const headDim = config.count("d_kv", 64, MOST_HEAD_DIM);
    if (headDim % 8 !== 0) config.refuse("d_kv", headDim, "a multiple of 8");
    const layers = config.count("num_layers", 6, MOST_LAYERS);
    // transformers 5 writes tie_word_embeddings as true whatever the model is.
    const tied = config.flag("scale_decoder_outputs", config.flag("tie_word_embeddings", true));
    const vocabSize = config.count("vocab_size", 32_128);
    const pad = config.id("pad_token_id", vocabSize, 0);
    const target = { pad, start: config.id("decoder_start_token_id", vocabSize, pad) };
    return {
      ...{ vocabSize, heads, groups: heads, headDim, layers, tied, scaled: tied, target },
      context: config.count("n_positions", 512),
      hidden: config.count("d_model", 512),
      inner: config.count("d_ff", 2048),
      decoderLayers: config.count("num_decoder_layers", layers, MOST_LAYERS),
      norm: { eps: config.epsilon("layer_norm_epsilon", 1e-6) },
      ...readFeedForward(config),
      buckets: readBuckets(config),
    };
  },

  encode(net: Net, c: T5): CrossAttentionCache {
    const bias = biasOf(net, c, "encoder");
    let h = net.embed(EMBEDDING, c.vocabSize, c.hidden);
    for (let i = 0; i < c.layers; i++) {
      const block = `encoder.block.${i}.layer`;
      h = net.block(() => {
        const middle = selfAttention(net, c, h, `${block}.0`, bias);
        return feedForward(net, c, middle, `${block}.1`);
      });
    }
    const x = net.norm(h, "encoder.final_layer_norm", c.norm);
    return Array.from({ length: c.decoderLayers }, (_, i) => {
      const [k, v] = projections(net, c, x, `${decoderBlock(i)}.1.EncDecAttention`, ["k", "v"]);
      return [k!, v!] as const;
    });
  },

  forward(net: Net, c: T5, memory?: CrossAttentionCache) {
    const bias = biasOf(net, c, "decoder");
    let h = net.embed(EMBEDDING, c.vocabSize, c.hidden);
    for (let i = 0; i < c.decoderLayers; i++) {
      const block = decoderBlock(i);
      h = net.block(() => {
        const begun = selfAttention(net, c, h, `${block}.0`, bias);
        const x = net.norm(begun, `${block}.1.layer_norm`, c.norm);
        const module = `${block}.1.EncDecAttention`;
        const [q] = projections(net, c, x, module, ["q"]);
        const y = net.crossAttention(q!, memory, i, sizesOf(c));
        const middle = net.linear(y, `${module}.o`, c.hidden, { residual: begun });
        return feedForward(net, c, middle, `${block}.2`);
      });
    }
    const hidden = net.norm(h, "decoder.final_layer_norm", c.norm);
    return {
      hidden: c.scaled ? net.scale(hidden, 1 / Math.sqrt(c.hidden)) : hidden,
      ...net.head(c.vocabSize, c.hidden, c.tied ? EMBEDDING : undefined),
    };
  },
};

const decoderBlock = (i: number): string => `decoder.block.${i}.layer`;

const sizesOf = ({ heads, groups, headDim }: T5) => ({ heads, groups, headDim, scale: 1 });

const biasOf = (net: Net, c: T5, stack: "encoder" | "decoder"): Value =>
  net.distanceBias(`${stack}.block.0.layer.0.SelfAttention.relative_attention_bias`, c.heads, {
    ...c.buckets,
    bothWays: stack === "encoder",
  });

const projections = (net: Net, c: T5, x: Value, module: string, parts: readonly string[]) =>
  parts.map((part) => net.linear(x, `${module}.${part}`, c.heads * c.headDim));

function selfAttention(net: Net, c: T5, h: Value, layer: string, bias: Value): Value {
  const x = net.norm(h, `${layer}.layer_norm`, c.norm);
  const module = `${layer}.SelfAttention`;
  const [q, k, v] = projections(net, c, x, module, ["q", "k", "v"]);
  const y = net.attention(q!, k!, v!, sizesOf(c), undefined, bias);
  return net.linear(y, `${module}.o`, c.hidden, { residual: h });
}

function feedForward(net: Net, c: T5, h: Value, layer: string): Value {
  const x = net.norm(h, `${layer}.layer_norm`, c.norm);
  const module = `${layer}.DenseReluDense`;
  const up = (part: string) => net.linear(x, `${module}.${part}`, c.inner);
  const y = c.isGated
    ? net.glu(up("wi_0"), up("wi_1"), c.activation)
    : net.activate(up("wi"), c.activation);
  return net.linear(y, `${module}.wo`, c.hidden, { residual: h });
}

/** `relu`, or `gated-` before a name; `gated-gelu` is the tanh approximation for history's sake. */
function readFeedForward(config: ConfigReader): Pick<T5, "activation" | "isGated"> {
  const key = "feed_forward_proj";
  const names = Object.keys(ACTIVATIONS);
  config.only(key, [...names, ...names.map((name) => GATED + name)]);
  const found = wordOf(config.fields[key] ?? "relu");
  const isGated = found.startsWith(GATED);
  const name = isGated ? found.slice(GATED.length) : found;
  return { isGated, activation: ACTIVATIONS[isGated && name === "gelu" ? "gelu_new" : name]! };
}

function readBuckets(config: ConfigReader): T5["buckets"] {
  const count = config.count("relative_attention_num_buckets", 32);
  if (count < 4) config.refuse("relative_attention_num_buckets", count, "a whole number from 4 on");
  const farthest = config.count("relative_attention_max_distance", 128);
  if (2 * farthest > count) return { count, farthest };
  config.refuse("relative_attention_max_distance", farthest, `more than half of ${count} buckets`);
}
