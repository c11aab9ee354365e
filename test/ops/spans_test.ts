/** Attention of rows that see other keys than those before them, with a bias by distance. */
import { attention, distanceBias } from "../../src/ops/mod.ts";
import { type Given, testOp } from "../harness.ts";
import * as reference from "../../src/reference/attention.ts";
import * as twin from "../../src/reference/distance_bias.ts";

/** Rows that queries and keys of each document take. */
type Lengths = readonly (readonly [queries: number, keys: number])[];

/** What rows see where each document's queries see all of its keys; beyond are rows of none. */
function spans(lengths: Lengths, T: number) {
  const ranges = { start: [], stop: [], first: [], end: [] } as Record<string, number[]>;
  const { start, stop, first, end } = ranges as Record<keyof typeof ranges, number[]>;
  let [queries, keys] = [0, 0];
  for (const [q, k] of lengths) {
    for (let i = 0; i < q; i++) (start!.push(keys), stop!.push(keys + k));
    for (let j = 0; j < k; j++) (first!.push(queries), end!.push(queries + q));
    queries += q;
    keys += k;
  }
  while (start!.length < T) (start!.push(keys), stop!.push(keys));
  while (first!.length < T) (first!.push(queries), end!.push(queries));
  return ranges;
}

interface Sizes {
  H: number;
  G: number;
  D: number;
  T: number;
  lengths: Lengths;
  biased?: boolean;
  causal?: boolean;
  cap?: number;
}

function spansCase({ H, G, D, T, lengths, biased = false, causal = false, cap }: Sizes) {
  const ranges = spans(lengths, T);
  const stop = causal ? ranges["start"]!.map((_, i) => i + 1) : ranges["stop"]!;
  const u32 = (data: number[]): Given => ({ shape: [T], type: "u32", data });
  const scale = cap ? 0.7 : D > 32 ? 1 / Math.sqrt(D) : 1;
  const kinds = [biased && "biased", causal && "causal", cap && `capped at ${cap}`].filter(Boolean);
  testOp({
    name: `attention() of ${H} heads in ${G} groups over spans of ${lengths.join(" and ")} in ${T}${
      kinds.map((kind) => `, ${kind}`).join("")
    }`,
    given: {
      q: { shape: [T, H * D] },
      k: { shape: [T, G * D], scaled: false }, // both scaled, all softmax rows would be one-hot
      v: { shape: [T, G * D] },
      bias: { shape: [H, 2 * T], scaled: false },
      ...Object.fromEntries(Object.entries(ranges).map(([name, data]) => [name, u32(data)])),
    },
    build(graph, { q, k, v, bias, start, stop, first, end }) {
      const span = causal ? undefined : { stop: stop!, first: first! };
      const docs = { start: start!, end: end!, span };
      const heads = { heads: H, groups: G, headDim: D, scale, cap };
      return { y: attention(graph, q!, k!, v!, docs, heads, biased ? bias : undefined) };
    },
    twin({ q, k, v, bias, start }) {
      const added = biased ? { bias: bias! } : {};
      const sizes = { T, H, G, D, SCALE: scale, CAP: cap ?? 0, stop: Uint32Array.from(stop) };
      return {
        y: reference.attention(q!, k!, v!, Uint32Array.from(start!), { ...sizes, ...added }),
      };
    },
    gradient: { of: "y", by: ["q", "k", "v"] },
  }, ["register", "shared"]);
}

/** An encoder: each document's rows see all of its rows. */
const whole = (...lengths: number[]) => lengths.map((length) => [length, length] as const);

spansCase({ H: 3, G: 3, D: 8, T: 24, lengths: whole(5, 11, 1, 4) });
spansCase({ H: 3, G: 3, D: 8, T: 24, lengths: whole(9, 13), biased: true });
spansCase({ H: 2, G: 1, D: 8, T: 24, lengths: whole(7, 17), biased: true, causal: true });
spansCase({ H: 4, G: 2, D: 8, T: 32, lengths: [[3, 13], [19, 2], [1, 9]] });
spansCase({ H: 2, G: 2, D: 16, T: 24, lengths: [[13, 1], [1, 20]], biased: true });
spansCase({ H: 2, G: 2, D: 8, T: 24, lengths: [[2, 15], [17, 3]], cap: 0.3 });
spansCase({ H: 2, G: 1, D: 64, T: 24, lengths: [[3, 13], [14, 4], [1, 3]] });
spansCase({ H: 1, G: 1, D: 32, T: 40, lengths: [[2, 37]] }); // flash would serve such heads

testOp({
  name: "distanceBias()",
  given: {
    table: { shape: [5, 3] },
    bucket: { shape: [22], type: "u32", data: Array.from({ length: 22 }, (_, i) => i * i % 5) },
  },
  build: (graph, { table, bucket }) => ({ bias: distanceBias(graph, table!, bucket!) }),
  twin: ({ table, bucket }) => ({
    bias: twin.distanceBias(table!, Uint32Array.from(bucket!), 3),
  }),
});
