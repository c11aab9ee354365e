/**
 * The pieces that matrix products are joined from: a body (tile), a store and a weight format.
 *
 * @module
 */
import noMore from "../../kernels/shared/no_more.wgsl" with { type: "text" };
import store from "../../kernels/shared/store.wgsl" with { type: "text" };
import storeBlocks from "../../kernels/shared/store_blocks.wgsl" with { type: "text" };
import storeResidual from "../../kernels/shared/store_residual.wgsl" with { type: "text" };
import tile16x8 from "../../kernels/shared/tile_16x8.wgsl" with { type: "text" };
import tile8x16 from "../../kernels/shared/tile_8x16.wgsl" with { type: "text" };
import tile8x8 from "../../kernels/shared/tile_8x8.wgsl" with { type: "text" };
import weightsBf16 from "../../kernels/shared/weights_bf16.wgsl" with { type: "text" };
import weightsF16 from "../../kernels/shared/weights_f16.wgsl" with { type: "text" };
import weightsF32 from "../../kernels/shared/weights_f32.wgsl" with { type: "text" };
import type { Constants, Text } from "../gpu/kernel.ts";
import { grid } from "../gpu/program.ts";
import type { NumberType, Target } from "../graph/graph.ts";

const text = (name: string, text: string): Text => ({ name: `shared/${name}`, text });

/** How a product leaves its result. */
export const STORES = {
  rows: text("store", store),
  residual: text("store_residual", storeResidual),
  blocks: text("store_blocks", storeBlocks),
} as const;

/** For products that end with K. */
export const NO_MORE: Text = text("no_more", noMore);

const WEIGHTS: Partial<Record<NumberType, Text>> = {
  f32: text("weights_f32", weightsF32),
  f16: text("weights_f16", weightsF16),
  bf16: text("weights_bf16", weightsBf16),
};

/** The loader of a weight format. */
export function weightsOf(type: NumberType): Text {
  const loader = WEIGHTS[type];
  if (!loader) throw new TypeError(`No kernel reads weights of ${type}`);
  return loader;
}

/** A body with the grid that covers an M x N result. */
export interface Tile {
  readonly text: Text;
  readonly constants: Constants;
  groups(m: number, n: number): [number, number];
}

function registerTile(name: string, source: string, rows: number, columns: number): Tile {
  return {
    text: text(name, source),
    constants: {},
    groups: (m, n) => grid(Math.ceil(Math.ceil(m / rows) * Math.ceil(n / columns) / 8)),
  };
}

const TILE_8X8 = registerTile("tile_8x8", tile8x8, 8, 8);
const TILE_8X16 = registerTile("tile_8x16", tile8x16, 8, 16);
const TILE_16X8 = registerTile("tile_16x8", tile16x8, 16, 8);

/** The body for an M x N result whose right operand is stored as `type`. */
export function chooseTile(_target: Target, m: number, n: number, type: NumberType): Tile {
  if (Math.min(m, n) < 16) return type === "f32" ? TILE_8X8 : TILE_8X16;
  return type === "f32" ? TILE_16X8 : TILE_8X16;
}
