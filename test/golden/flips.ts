/** Changes of a model that its golden logits must notice. */
import type { Value } from "../../src/graph/graph.ts";
import { attention, type Decoder, decoder, gatedMlp } from "../../src/models/layers/decoder.ts";
import { type Family, Net } from "../../src/models/layers/net.ts";
import type { Frequencies } from "../../src/models/layers/rope.ts";
import { type Mutation, readGolden } from "./golden.ts";

/** Other fields of config.json, or other code. */
export type Flip = { readonly config?: Record<string, unknown> } & Mutation;

export const rope = (fields: Record<string, unknown>): Flip => ({
  config: { rope_parameters: { rope_type: "default", rope_theta: 100, ...fields } },
});
export const config = (fields: Record<string, unknown>): Flip => ({ config: fields });

/** Leaves out the biases of modules whose names end so. */
export const withoutBias = (ending: RegExp): Flip => ({
  Layers: class extends Net {
    override linear(...[x, module, out, options]: Parameters<Net["linear"]>): Value {
      const bias = options?.bias && !ending.test(module);
      return super.linear(x, module, out, { ...options, bias });
    }
  },
});

/** Leaves out the norms whose names end so. */
export const withoutNorm = (ending: RegExp): Flip => ({
  Layers: class extends Net {
    override norm(...[x, module, ...rest]: Parameters<Net["norm"]>): Value {
      return ending.test(module) ? x : super.norm(x, module, ...rest);
    }
  },
});

export const withoutRope: Flip = {
  Layers: class extends Net {
    override rope(x: Value): Value {
      return x;
    }
  },
};

export const otherScale: Flip = {
  Layers: class extends Net {
    override attention(...[q, k, v, heads, ...rest]: Parameters<Net["attention"]>): Value {
      return super.attention(q, k, v, { ...heads, scale: 1.05 * heads.scale }, ...rest);
    }
  },
};

/** Normalises q and k after the rotation instead of before. */
export class LateNorm extends Net {
  #norm: Parameters<Net["norm"]> | undefined;

  override norm(...norm: Parameters<Net["norm"]>): Value {
    if (!/[qk]_norm$/.test(norm[1])) return super.norm(...norm);
    this.#norm = norm;
    return norm[0];
  }

  override rope(x: Value, angles: Value, headDim: number): Value {
    const [, ...rest] = this.#norm!;
    return super.norm(super.rope(x, angles, headDim), ...rest);
  }
}

/** OLMo 2 with its norms before the branches. */
export const olmo2WithNormsBefore = {
  forward(net: Net, c: Decoder & { frequencies: Frequencies }) {
    const angles = net.angles(c.frequencies);
    return decoder(net, c, (h, layer) => {
      const x = net.norm(h, `${layer}.post_attention_layernorm`, c.norm);
      const options = { angles, norm: "whole", residual: h } as const;
      const middle = attention(net, x, `${layer}.self_attn`, c, options);
      const z = net.norm(middle, `${layer}.post_feedforward_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { residual: middle });
    });
  },
} as unknown as Family;

export const withoutEmbedScale: Flip = {
  Layers: class extends Net {
    override embed(module: string, vocabSize: number, hidden: number): Value {
      return super.embed(module, vocabSize, hidden);
    }
  },
};

export const withoutUnit: Flip = {
  Layers: class extends Net {
    override norm(...[x, module, norm, width]: Parameters<Net["norm"]>): Value {
      return super.norm(x, module, { eps: norm.eps }, width);
    }
  },
};

export const withSilu: Flip = {
  Layers: class extends Net {
    override glu(gate: Value, up: Value): Value {
      return super.glu(gate, up, "silu");
    }
  },
};

/** Exchanges the last two parts of matrices that hold so many. */
export const exchanged = (count: number): Flip => ({
  Layers: class extends Net {
    override split(x: Value, widths: readonly number[], heads?: number): Value[] {
      const parts = super.split(x, widths, heads);
      return parts.length === count ? [...parts.slice(0, -2), ...parts.slice(-2).reverse()] : parts;
    }
  },
});

export const GEMMA3 = readGolden("gemma3_text").config["rope_parameters"] as Record<string, object>;

/** Fields of the two angle tables of Gemma 3. */
export const gemma3Rope = (full: object, sliding: object): Flip => ({
  config: {
    rope_parameters: {
      full_attention: { ...GEMMA3["full_attention"], ...full },
      sliding_attention: { ...GEMMA3["sliding_attention"], ...sliding },
    },
  },
});
