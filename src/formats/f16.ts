/**
 * f16: half precision.
 *
 * @module
 */
import loader from "../../kernels/shared/weights_f16.wgsl" with { type: "text" };
import type { WeightFormat } from "./format.ts";
import { plain } from "./plain.ts";

export const f16: WeightFormat = plain("F16", { name: "shared/weights_f16", text: loader });
