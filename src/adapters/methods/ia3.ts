/**
 * (IA)^3: the outputs of a module, each times a number of its own, y = l * (x W^T + b); or of a
 * feed-forward module its inputs, y = (l * x) W^T + b (Liu et al., 2022, arXiv 2205.05638; PEFT's
 * `IA3Layer`).
 *
 * @module
 */
import { bias as addBias, linear, scaleColumns } from "../../ops/mod.ts";
import type { LoraWeights } from "../peft/adapter.ts";
import type { FactorSizes } from "./factors.ts";
import { type AdapterMethod, towards } from "./method.ts";

/** How many numbers a module has. */
const sizeOf = ({ isFeedForward = false, inFeatures, outFeatures }: FactorSizes): number =>
  isFeedForward ? inFeatures : outFeatures;

const scaled = (scales: Float32Array, scaling: number): Float32Array =>
  scales.map((l) => towards(1, l, scaling));

export const IA3: AdapterMethod = {
  name: "ia3",
  peftType: "IA3",
  linearNames: { scales: "ia3_l" },
  addsBias: true,

  kept: (_key, sizes) => ({
    shape: [sizeOf(sizes)],
    layout: "rows",
    keep: (x) => x,
    peft: (x) => x,
  }),

  fresh: (module) => ({ scales: new Float32Array(sizeOf(module)).fill(1) }),

  linear(graph, { x, w, residual, bias }, { params, isFeedForward }) {
    const scales = params.scales!;
    const b = bias();
    if (isFeedForward) {
      const y = linear(graph, scaleColumns(graph, x, scales), w, { residual });
      return b ? addBias(graph, y, b) : y;
    }
    // Bias after residual as without an adapter, so that ones give the same bits.
    const y = scaleColumns(graph, linear(graph, x, w), scales, residual);
    return b ? addBias(graph, y, scaleColumns(graph, b, scales)) : y;
  },

  atBase: (_key, module) => new Float32Array(sizeOf(module)).fill(1),

  atScaling: (weights, scaling) => ({ ...weights, scales: scaled(weights.scales!, scaling) }),

  merge({ module, isFeedForward = false, scales }, base) {
    const name = `${module}.weight`;
    const width = base.get(name).shape[1]!;
    const ofColumns = base.isTransposed(name) !== isFeedForward;
    return (values, firstRow) => {
      for (let i = 0; i < values.length; i++) {
        values[i]! *= scales![ofColumns ? i % width : firstRow + Math.floor(i / width)]!;
      }
    };
  },

  mergeBias: ({ isFeedForward = false, scales }: LoraWeights) =>
    isFeedForward ? undefined : (values) => {
      for (let i = 0; i < values.length; i++) values[i]! *= scales![i]!;
    },
};
