/**
 * Lion.
 *
 * @module
 */
import text from "../../../kernels/lion.wgsl" with { type: "text" };
import { updateEach } from "./flat.ts";
import { keeping, type UpdateRule } from "./rule.ts";

/** Settings of Lion. */
export interface LionSettings {
  readonly beta1: number;
  readonly beta2: number;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

/** Lion (Chen et al., 2023, arXiv 2302.06675), as its authors' `lion_pytorch.py` has it. */
export const lion = ({ beta1, beta2, clip }: LionSettings): UpdateRule => ({
  moments: keeping("m"),
  stepSize: 6,
  step: (rate) => Float32Array.of(rate, beta1, beta2, 1 - beta1, 1 - beta2, clip),
  update: (graph, state, groups) =>
    updateEach(graph, { name: "lion", text, moments: ["m"] }, state, groups),
});
