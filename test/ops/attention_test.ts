import { attention } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/attention.ts";

interface Sizes {
  H: number;
  G: number;
  D: number;
  /** Lengths of the documents. */
  lengths: number[];
  cap?: number;
}

function attentionCase({ H, G, D, lengths, cap }: Sizes): OpCase {
  const start: number[] = [];
  const end: number[] = [];
  for (const length of lengths) {
    const first = start.length;
    for (let i = 0; i < length; i++) {
      start.push(first);
      end.push(first + length);
    }
  }
  const T = start.length;
  const scale = 1 / Math.sqrt(D);
  return {
    name: `attention() of ${H} heads in ${G} groups over documents of ${lengths}${
      cap ? `, capped at ${cap}` : ""
    }`,
    given: {
      q: { shape: [T, H * D] },
      k: { shape: [T, G * D], scaled: false }, // both scaled, all softmax rows would be one-hot
      v: { shape: [T, G * D] },
      start: { shape: [T], type: "u32", data: start },
      end: { shape: [T], type: "u32", data: end },
    },
    build(graph, { q, k, v, start, end }) {
      const docs = { start: start!, end: end! };
      const heads = { heads: H, groups: G, headDim: D, scale, cap };
      return { y: attention(graph, q!, k!, v!, docs, heads) };
    },
    twin({ q, k, v, start }) {
      const sizes = { T, H, G, D, SCALE: scale, CAP: cap ?? 0 };
      return { y: reference.attention(q!, k!, v!, Uint32Array.from(start!), sizes) };
    },
    gradient: { of: "y", by: ["q", "k", "v"] },
  };
}

testOp(attentionCase({ H: 6, G: 3, D: 8, lengths: [5, 11, 1, 7] }));
testOp(attentionCase({ H: 2, G: 2, D: 16, lengths: [16] }));
testOp(attentionCase({ H: 3, G: 1, D: 8, lengths: [13, 11] }));
testOp(attentionCase({ H: 4, G: 2, D: 8, lengths: [9, 7], cap: 0.3 }));
testOp(attentionCase({ H: 2, G: 1, D: 64, lengths: [11, 1, 12] })); // lanes have columns of one head
