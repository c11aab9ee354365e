/**
 * bf16: the upper half of f32.
 *
 * @module
 */
import loader from "../../kernels/shared/weights_bf16.wgsl" with { type: "text" };
import type { WeightFormat } from "./format.ts";
import { plain } from "./plain.ts";

export const bf16: WeightFormat = plain("BF16", { name: "shared/weights_bf16", text: loader });
