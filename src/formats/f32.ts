/**
 * f32: numbers of 32 bits.
 *
 * @module
 */
import loader from "../../kernels/shared/weights_f32.wgsl" with { type: "text" };
import type { WeightFormat } from "./format.ts";
import { plain } from "./plain.ts";

export const f32: WeightFormat = plain("F32", { name: "shared/weights_f32", text: loader });
