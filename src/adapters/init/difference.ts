/**
 * LoRA that starts as a part of its weight. PEFT takes scale B0 A0 out of the base for that, and
 * writes what has been learnt by the difference on the untouched base, scale (B A - B0 A0): one plain
 * LoRA of twice the rank, [A; A0] and [B, -B0] (its `subtract_mutated_init`). Here the base keeps its
 * numbers while it trains too, and that LoRA is what the graph has: A and B are trained, A0 and B0
 * held. So a strength goes from the base, bit for bit, to what was trained, and whoever asks for the
 * base gets it.
 *
 * @module
 */
import type { Graph } from "../../graph/graph.ts";
import { join } from "../../ops/mod.ts";
import { LORA } from "../methods/lora.ts";
import type { AdapterMethod, InGraph } from "../methods/method.ts";
import type { Init } from "./init.ts";

/** LoRA with those initial values. */
export function startingFrom(init: Init, rslora: boolean): AdapterMethod {
  return init.isOfBase ? difference(init, rslora) : { ...LORA, fresh: init.factors };
}

function difference(init: Init, rslora: boolean): AdapterMethod {
  const { tableNames: _, ...lora } = LORA;
  return {
    ...lora,
    heldNames: { a0: "lora_A.start", b0: "lora_B.start" },
    kept: (key, sizes) => LORA.kept(key === "a" || key === "a0" ? "a" : "b", sizes),
    fresh(module, seed, base, measured) {
      const { a, b } = init.factors(module, seed, base, measured);
      return { a, b, a0: a, b0: b.map((x) => -x) };
    },
    linear: (graph, layer, module) => LORA.linear(graph, layer, joined(graph, module)),
    lowRank: (graph, module) => LORA.lowRank!(graph, joined(graph, module)),
    /** Zeros for B and B0: nothing is left of either product. */
    atBase: (key, module, base) => LORA.atBase(key === "b0" ? "b" : key, module, base),
    written: {
      sizes: ({ rank, alpha }) => ({ rank: 2 * rank, alpha: alpha * (rslora ? Math.SQRT2 : 2) }),
      numbers: ({ a, b, a0, b0 }, { rank }) => ({
        a: Float32Array.of(...a!, ...a0!),
        b: sideBySide(b!, b0!, rank),
      }),
    },
  };
}

/** The factors of the trained product and of the held one as those of one. */
function joined(graph: Graph, module: InGraph): InGraph {
  const { a, b, a0, b0 } = module.params;
  const params = {
    a: join(graph, [a!, a0!], "rows"),
    b: join(graph, [b!, b0!], "columns"),
  };
  return { ...module, params };
}

/** Two row-major matrices of so many columns each, as one. */
function sideBySide(left: Float32Array, right: Float32Array, columns: number): Float32Array {
  const both = new Float32Array(left.length + right.length);
  for (let from = 0; from < left.length; from += columns) {
    both.set(left.subarray(from, from + columns), 2 * from);
    both.set(right.subarray(from, from + columns), 2 * from + columns);
  }
  return both;
}
