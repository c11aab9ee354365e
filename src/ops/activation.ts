/**
 * Activations, as pieces that kernels import.
 *
 * @module
 */
import geluErfText from "../../kernels/shared/gelu_erf.wgsl" with { type: "text" };
import geluText from "../../kernels/shared/gelu_tanh.wgsl" with { type: "text" };
import reluText from "../../kernels/shared/relu.wgsl" with { type: "text" };
import siluText from "../../kernels/shared/silu.wgsl" with { type: "text" };
import tanhText from "../../kernels/shared/tanh.wgsl" with { type: "text" };
import type { Text } from "../gpu/kernel.ts";

/** SiLU, GELU by its tanh approximation, GELU itself, ReLU, or tanh. */
export type Activation = "silu" | "gelu" | "gelu_erf" | "relu" | "tanh";

/** Each gives `activation` and `slope`. */
export const ACTIVATIONS: Readonly<Record<Activation, Text>> = {
  silu: { name: "shared/silu", text: siluText },
  gelu: { name: "shared/gelu_tanh", text: geluText },
  gelu_erf: { name: "shared/gelu_erf", text: geluErfText },
  relu: { name: "shared/relu", text: reluText },
  tanh: { name: "shared/tanh", text: tanhText },
};
