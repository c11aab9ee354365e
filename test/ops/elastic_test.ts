import { elastic, sum } from "../../src/ops/mod.ts";
import { assertClose, noise, testOp } from "../harness.ts";
import { elastic as twin } from "../../src/reference/elastic.ts";
import { matmulNn, matmulNt, matmulTn } from "../../src/reference/matmul.ts";

/** Fewer vec4s than parts, and more. */
const sizes = [[12, 20], [148, 132]] as const;
const [rank, scale] = [8, 0.5];

interface Update {
  a: Float64Array; // [rank, inner]
  b: Float64Array; // [out, rank]
  f: Float64Array; // [out, inner]
  weight: Float64Array; // [1]
}

/** The penalty of an update and its gradients, in f64. */
function penalty({ a, b, f, weight }: Update, out: number, inner: number) {
  const x = matmulNn(b, a, { M: out, N: inner, K: rank, SCALE: scale });
  const { loss, dx } = twin(x, f, weight[0]!);
  return {
    loss: Float64Array.of(loss),
    da: matmulTn(b, dx, { M: rank, N: inner, K: out, SCALE: scale }),
    db: matmulNt(dx, a, { M: out, N: rank, K: inner, SCALE: scale }),
  };
}

for (const [out, inner] of sizes) {
  testOp({
    name: `elastic() ${out}x${inner}`,
    given: {
      a: { shape: [rank, inner] },
      b: { shape: [out, rank] },
      f: { shape: [out, inner], scaled: false },
      weight: { shape: [1], data: [0.7], scaled: false },
    },
    build(graph, { a, b, f, weight }) {
      const options = { fisher: f!, weight: weight! };
      const { loss: before } = elastic(graph, { a: a!, b: b!, scale }, options);
      const twice = elastic(graph, { a: a!, b: b!, scale }, { ...options, before });
      const { loss, da, db } = elastic(graph, { a: a!, b: b!, scale }, options);
      return { loss: sum(graph, loss), twice: sum(graph, twice.loss), da, db };
    },
    twin: (given) => {
      const { loss, ...gradients } = penalty(given as unknown as Update, out, inner);
      return { loss, twice: loss.map((x) => 2 * x), ...gradients };
    },
  }, ["register", "shared"]);
}

Deno.test("the twin's gradients are the slopes of its penalty", () => {
  const [out, inner] = sizes[0];
  const of = (length: number, seed: number) => Float64Array.from(noise(length, seed));
  const at = {
    a: of(rank * inner, 1),
    b: of(out * rank, 2),
    f: of(out * inner, 3),
    weight: Float64Array.of(0.7),
  };
  const { da, db } = penalty(at, out, inner);
  for (const [name, gradient] of [["a", da], ["b", db]] as const) {
    const slopes = gradient.map((_, i) => {
      const lossAt = (step: number) => {
        const moved = at[name].map((x, j) => i === j ? x + step : x);
        return penalty({ ...at, [name]: moved }, out, inner).loss[0]!;
      };
      return (lossAt(1e-5) - lossAt(-1e-5)) / 2e-5;
    });
    assertClose(gradient, slopes, 1e-8, `d${name}`);
  }
});
