import type { KernelSet } from "../../src/gpu/device.ts";
import { attention, slidingWindow } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/attention.ts";
import * as twin from "../../src/reference/sliding_window.ts";

/** Documents of 27 and 13 rows. */
const T = 40;
const start = Uint32Array.from({ length: T }, (_, i) => i < 27 ? 0 : 27);
const end = start.map((first) => first === 0 ? 27 : T);

for (
  const [window, D, kernelSet] of [
    [1, 8, "register"],
    [6, 8, "register"],
    [100, 8, "register"],
    [11, 32, "shared"],
  ] as [number, number, KernelSet][]
) {
  const [H, G, scale] = [2, 1, 1 / Math.sqrt(D)];
  testOp({
    name: `attention() in windows of ${window} rows`,
    given: {
      q: { shape: [T, H * D] },
      k: { shape: [T, G * D], scaled: false }, // both scaled, all softmax rows would be one-hot
      v: { shape: [T, G * D] },
      start: { shape: [T], type: "u32", data: start },
      end: { shape: [T], type: "u32", data: end },
    },
    build(graph, { q, k, v, start, end }) {
      const docs = slidingWindow(graph, { start: start!, end: end! }, window);
      return { y: attention(graph, q!, k!, v!, docs, { heads: H, groups: G, headDim: D, scale }) };
    },
    twin({ q, k, v }) {
      const { first } = twin.slidingWindow({ start, end }, window);
      return { y: reference.attention(q!, k!, v!, first, { T, H, G, D, SCALE: scale }) };
    },
    // One row alone has a probability of 1, whatever q and k are.
    gradient: { of: "y", by: window === 1 ? ["v"] : ["q", "k", "v"] },
  }, [kernelSet]);
}
