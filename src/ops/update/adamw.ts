/**
 * AdamW.
 *
 * @module
 */
import text from "../../../kernels/adamw.wgsl" with { type: "text" };
import { updateEach } from "./flat.ts";
import { keeping, type UpdateRule } from "./rule.ts";

/** Settings of AdamW. */
export interface AdamwSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

/** AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101), in torch's order of operations. */
export const adamw = ({ beta1, beta2, epsilon, clip }: AdamwSettings): UpdateRule => ({
  moments: keeping("m", "v"),
  stepSize: 9,
  step(rate, t) {
    const corrections = [1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)];
    const rest = [1 - beta1, 1 - beta2];
    return Float32Array.of(rate, ...corrections, beta1, beta2, ...rest, epsilon, clip);
  },
  update: (graph, state, groups) =>
    updateEach(graph, { name: "adamw", text, moments: ["m", "v"] }, state, groups),
});
