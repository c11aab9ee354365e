/**
 * Activations, as pieces that kernels import.
 *
 * @module
 */
import geluText from "../../kernels/shared/gelu_tanh.wgsl" with { type: "text" };
import siluText from "../../kernels/shared/silu.wgsl" with { type: "text" };
import type { Text } from "../gpu/kernel.ts";

/** SiLU, or GELU by its tanh approximation. */
export type Activation = "silu" | "gelu";

/** Each gives `activation` and `slope`. */
export const ACTIVATIONS: Readonly<Record<Activation, Text>> = {
  silu: { name: "shared/silu", text: siluText },
  gelu: { name: "shared/gelu_tanh", text: geluText },
};
