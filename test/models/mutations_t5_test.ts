/** Each flag of an encoder with a decoder, flipped: the golden logits must notice. */
import type { Graph, Value } from "../../src/graph/graph.ts";
import { Net, type NetOptions, type RowInputs } from "../../src/models/layers/net.ts";
import { config, type Flip, otherScale, withoutNorm, withSilu } from "../golden/flips.ts";
import { testFlips } from "./test_flips.ts";

/** Other rows of the encoder, which see both ways, or of the decoder. */
const otherRows = (
  stack: "encoder" | "decoder",
  change: (rows: RowInputs & { kind: "packed" }) => object,
): Flip => ({
  Layers: class extends Net {
    constructor(graph: Graph, options: NetOptions) {
      const rows = options.rows as RowInputs & { kind: "packed" };
      const isMeant = Boolean(rows.bothWays) === (stack === "encoder");
      const changed = isMeant ? { ...rows, ...change(rows) } as RowInputs : rows;
      super(graph, { ...options, rows: changed });
    }
  },
});

/** Another bias of the scores. */
const otherBias = (change: (...args: Parameters<Net["distanceBias"]>) => typeof args): Flip => ({
  Layers: class extends Net {
    override distanceBias(...args: Parameters<Net["distanceBias"]>): Value {
      return super.distanceBias(...change(...args));
    }
  },
});

/** Buckets of the other kind in one of the stacks. */
const otherDirection = (stack: RegExp): Flip =>
  otherBias((module, heads, buckets) => {
    const bothWays = stack.test(module) ? !buckets.bothWays : buckets.bothWays;
    return [module, heads, { ...buckets, bothWays }];
  });

/** The bias in some layers only. */
const biasIn = (hasBias: (layer: number) => boolean): Flip => ({
  Layers: class extends Net {
    #attention = 0;

    override attention(...[q, k, v, heads, window, bias]: Parameters<Net["attention"]>): Value {
      const used = hasBias(this.#attention++) ? bias : undefined;
      return super.attention(q, k, v, heads, window, used);
    }
  },
});

const otherCross = (
  change: (...args: Parameters<Net["crossAttention"]>) => typeof args,
): Flip => ({
  Layers: class extends Net {
    override crossAttention(...args: Parameters<Net["crossAttention"]>): Value {
      return super.crossAttention(...change(...args));
    }
  },
});

const EVERYWHERE: Record<string, Flip> = {
  "another scale of self-attention": otherScale,
  "another scale of cross attention": otherCross((q, memory, layer, heads) => {
    return [q, memory, layer, { ...heads, scale: 1.05 * heads.scale }];
  }),
  "the scale of other families": {
    Layers: class extends Net {
      override attention(...[q, k, v, heads, ...rest]: Parameters<Net["attention"]>): Value {
        return super.attention(q, k, v, { ...heads, scale: heads.headDim ** -0.5 }, ...rest);
      }
    },
  },
  "no bias by distance": biasIn(() => false),
  "a bias in the first layers only": biasIn((layer) => layer === 0),
  "the encoder's buckets one way": otherDirection(/^encoder/),
  "the decoder's buckets both ways": otherDirection(/^decoder/),
  "distances that end nearer": config({ relative_attention_max_distance: 9 }),
  "the farthest distance by default": config({ relative_attention_max_distance: undefined }),
  "a table of the other stack": otherBias((module, ...rest) => [
    module.replace(/^encoder|^decoder/, (stack) => stack === "encoder" ? "decoder" : "encoder"),
    ...rest,
  ]),
  "an encoder that sees what is before only": otherRows("encoder", () => ({ bothWays: false })),
  "a decoder that sees all": otherRows("decoder", () => ({ bothWays: true })),
  "a decoder without its source's bounds": otherRows("decoder", ({ start, end, source }) => ({
    source: { ...source, start, end },
  })),
  "another layer's keys and values": otherCross((q, memory, layer, heads) => {
    return [q, memory!.toReversed(), layer, heads];
  }),
  "keys and values exchanged": otherCross((q, memory, layer, heads) => {
    return [q, memory!.map(([k, v]) => [v, k] as const), layer, heads];
  }),
  "another eps": config({ layer_norm_epsilon: 1e-5 }),
  "the eps by default": config({ layer_norm_epsilon: undefined }),
  "no norm before self-attention": withoutNorm(/\.layer\.0\.layer_norm$/),
  "no norm before cross attention": withoutNorm(/^decoder.*\.layer\.1\.layer_norm$/),
  "no norm before the encoder's feed-forward layer": withoutNorm(/^encoder.*\.1\.layer_norm$/),
  "no norm before the decoder's feed-forward layer": withoutNorm(/^decoder.*\.2\.layer_norm$/),
  "no norm at the encoder's end": withoutNorm(/^encoder\.final_layer_norm$/),
  "no norm at the decoder's end": withoutNorm(/^decoder\.final_layer_norm$/),
  "fewer layers of the encoder": config({ num_layers: 1, num_decoder_layers: 2 }),
  "fewer layers of the decoder": config({ num_decoder_layers: 1 }),
};

testFlips({
  t5: {
    "no scale of the logits": config({ scale_decoder_outputs: false }),
    "no scale of the logits by another spelling": config({
      ...{ scale_decoder_outputs: undefined, tie_word_embeddings: false },
    }),
    "as many layers of the decoder": config({ num_decoder_layers: null }),
    "GELU instead of ReLU": config({ feed_forward_proj: "gelu_new" }),
    "no activation": {
      Layers: class extends Net {
        override activate(x: Value): Value {
          return x;
        }
      },
    },
  },
  t5_gated: {
    "a tied head, scaled": config({ scale_decoder_outputs: true }),
    "a tied head, scaled, by another spelling": config({ scale_decoder_outputs: undefined }),
    "SiLU instead of GELU": withSilu,
    "ReLU instead of GELU": config({ feed_forward_proj: "gated-relu" }),
    "GELU itself": {
      Layers: class extends Net {
        override glu(gate: Value, up: Value): Value {
          return super.glu(gate, up, "gelu_erf");
        }
      },
    },
    "gate and up exchanged": {
      Layers: class extends Net {
        override glu(...[gate, up, activation]: Parameters<Net["glu"]>): Value {
          return super.glu(up, gate, activation);
        }
      },
    },
  },
}, EVERYWHERE);
