/**
 * The products that a graph makes, found by asking its ops for their launches.
 *
 * @module
 */
import type { Device, Product } from "../gpu/device.ts";
import { targetOf } from "../graph/compile.ts";
import type { Graph } from "../graph/graph.ts";
import { tilesFor } from "../ops/tile.ts";

/** A product, and how often a replay makes it. */
export interface Counted {
  readonly product: Product;
  readonly times: number;
}

/**
 * The products of some graphs for which there is more than one tile, most work first. Those of one
 * class are one, as large as the largest.
 */
export function productsOf(device: Device, graphs: readonly Graph[]): Counted[] {
  const classes = new Map<string, { product: Product; times: number }>();
  const target = {
    ...targetOf(device),
    tuned(product: Product) {
      const name = productClass(device, product);
      const found = classes.getOrInsertComputed(name, () => ({ product, times: 0 }));
      found.times++;
      if (flopsOf(product) > flopsOf(found.product)) found.product = product;
      return undefined;
    },
  };
  for (const { calls } of graphs) for (const call of calls) call.op.launches(call, target);
  const work = ({ product, times }: Counted) => times * flopsOf(product);
  return [...classes.values()].filter(({ product }) => tilesFor(device, product).length > 1)
    .sort((a, b) => work(b) - work(a));
}

/** Products that are tuned as one: sizes count by the power of two above them. */
export function productClass(
  { kernelSet, matrixReads }: Pick<Device, "kernelSet" | "matrixReads">,
  { kernel, type, m, n, k, splits = 1 }: Product,
): string {
  const sizes = [m, n, k].map((size) => 2 ** Math.ceil(Math.log2(size)));
  const parts = splits === 1 ? "" : ` in ${splits}`;
  return `${kernelSet} ${matrixReads} ${kernel} ${type} ${sizes.join("x")}${parts}`;
}

/** Operations of a product. */
export const flopsOf = ({ m, n, k }: Product): number => 2 * m * n * k;
