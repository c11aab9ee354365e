/**
 * Sums of products of columns over the rows of all replays: what a covariance is made of.
 *
 * @module
 */
import type { Graph, Value } from "../graph/graph.ts";
import { matmul } from "./matmul.ts";

/**
 * Adds x^T y to `products` [in, columns], a state, for x [T, in] and y [T, columns]; nothing flows
 * back.
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function addProducts(graph: Graph, x: Value, y: Value, products: Value): Value {
  if (String(products.shape) !== String([x.shape[1], y.shape[1]])) {
    throw new RangeError(
      `${products.name} is [${products.shape}] but the products are [${x.shape[1]},${y.shape[1]}]`,
    );
  }
  return matmul(graph, "tn", x, y, { before: products });
}
