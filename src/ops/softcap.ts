/**
 * Scores kept within bounds, as Gemma 2 does (2024, arXiv 2408.00118).
 *
 * @module
 */
import pieceText from "../../kernels/shared/softcap.wgsl" with { type: "text" };
import text from "../../kernels/softcap.wgsl" with { type: "text" };
import type { Text } from "../gpu/kernel.ts";
import type { Launch, Value } from "../graph/graph.ts";
import { perSixteen, sizeOf } from "./launch.ts";

/** `softcap` and its slope, for kernels that cap as they go. */
export const SOFTCAP: Text = { name: "shared/softcap", text: pieceText };

/** x = cap * tanh(x / cap), in place. */
export const softcapLaunch = (x: Value, cap: number): Launch => ({
  kernel: { name: "softcap", text, imports: { softcap: SOFTCAP } },
  constants: { N: sizeOf(x), CAP: cap },
  bind: [x],
  groups: perSixteen(sizeOf(x)),
});
