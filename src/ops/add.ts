/**
 * Sum of two values.
 *
 * @module
 */
import text from "../../kernels/add.wgsl" with { type: "text" };
import { bytesOf, type Graph, type Op, type Value } from "../graph/graph.ts";
import { perSixteen } from "./launch.ts";

/**
 * y = a + b, number by number.
 *
 * @throws {RangeError} where the shapes differ.
 */
export function add(graph: Graph, a: Value, b: Value): Value {
  if (String(a.shape) !== String(b.shape)) {
    throw new RangeError(`Cannot add [${a.shape}] and [${b.shape}]`);
  }
  return graph.call(ADD, { a, b }, { y: { shape: a.shape, layout: a.layout } }, {}).y;
}

export const ADD: Op<{ a: Value; b: Value }, { y: Value }> = {
  name: "add",
  launches({ ins: { a, b }, outs: { y } }) {
    const numbers = bytesOf(y) / 4;
    return [{
      kernel: { name: "add", text },
      constants: { N: numbers },
      bind: [a, b, y],
      groups: perSixteen(numbers),
    }];
  },
  backward(_graph, { ins: { a, b }, outs: { y } }, gradients) {
    const dy = gradients.of(y)!;
    if (a.needs) gradients.add(a, dy);
    if (b.needs) gradients.add(b, dy);
  },
};
