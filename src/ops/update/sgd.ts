/**
 * Stochastic gradient descent with momentum.
 *
 * @module
 */
import text from "../../../kernels/sgd.wgsl" with { type: "text" };
import { updateEach } from "./flat.ts";
import { keeping, type UpdateRule } from "./rule.ts";

/** Settings of SGD. */
export interface SgdSettings {
  readonly momentum: number;
  /** Whether a step looks ahead by the momentum (Sutskever et al., 2013). */
  readonly nesterov: boolean;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

/** SGD with momentum, as torch has it: weight decay is a part of the gradient. */
export const sgd = ({ momentum, nesterov, clip }: SgdSettings): UpdateRule => ({
  moments: keeping("m"),
  stepSize: 3,
  step: (rate) => Float32Array.of(rate, momentum, clip),
  update(graph, state, groups) {
    const constants = { NESTEROV: nesterov };
    return updateEach(graph, { name: "sgd", text, moments: ["m"], constants }, state, groups);
  },
});
