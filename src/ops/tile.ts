/**
 * The pieces that matrix products are joined from: a body (tile), a store and a weight format.
 *
 * @module
 */
import noTail from "../../kernels/shared/no_tail.wgsl" with { type: "text" };
import store from "../../kernels/shared/store.wgsl" with { type: "text" };
import storeBlocks from "../../kernels/shared/store_blocks.wgsl" with { type: "text" };
import storeResidual from "../../kernels/shared/store_residual.wgsl" with { type: "text" };
import operands from "../../kernels/shared/operands.wgsl" with { type: "text" };
import rounds from "../../kernels/shared/rounds.wgsl" with { type: "text" };
import rank1Fma from "../../kernels/shared/rank1_fma.wgsl" with { type: "text" };
import stage from "../../kernels/shared/stage.wgsl" with { type: "text" };
import tileBroadcast16x8 from "../../kernels/shared/tile_broadcast_16x8.wgsl" with { type: "text" };
import tile16x16 from "../../kernels/shared/tile_16x16.wgsl" with { type: "text" };
import tile8x16 from "../../kernels/shared/tile_8x16.wgsl" with { type: "text" };
import tile8x8 from "../../kernels/shared/tile_8x8.wgsl" with { type: "text" };
import tileLanes from "../../kernels/shared/tile_lanes.wgsl" with { type: "text" };
import tileShared4x4 from "../../kernels/shared/tile_shared_4x4.wgsl" with { type: "text" };
import tileShared8x8 from "../../kernels/shared/tile_shared_8x8.wgsl" with { type: "text" };
import { FORMATS } from "../formats/mod.ts";
import type { KernelSet, Product } from "../gpu/device.ts";
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
export const NO_TAIL: Text = text("no_tail", noTail);

/** What 8 lanes have loaded, handed round. */
export const ROUNDS: Text = text("rounds", rounds);

/** One step of k of a 4x4 block. */
export const RANK1_FMA: Text = text("rank1_fma", rank1Fma);

/** What reads the blocks of a frozen matrix: the loader of its format, and what that imports. */
export function weightsOf(type: NumberType): Readonly<Record<string, Text>> {
  if (type === "u32") throw new TypeError("No kernel reads weights of u32");
  const { loader, pieces } = FORMATS[type];
  return { ...pieces, weights: loader };
}

/** A body with the grid that covers an M x N result, summed in so many parts. */
export interface Tile {
  /** The name of its text, and its constants. */
  readonly name: string;
  readonly text: Text;
  /** Pieces that the body imports by name. */
  readonly imports: Readonly<Record<string, Text>>;
  /** Types of the body that depend on its size. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly constants: Constants;
  /** Whether its lanes hand round what they load, which few adapters can. */
  readonly sharesLoads?: boolean;
  groups(m: number, n: number, splits?: number): [number, number];
}

function registerTile(name: string, source: string, rows: number, columns: number): Tile {
  return {
    name,
    text: text(name, source),
    imports: {},
    aliases: {},
    constants: {},
    groups: (m, n) => grid(Math.ceil(Math.ceil(m / rows) * Math.ceil(n / columns) / 8)),
  };
}

const SHARED_IMPORTS = {
  stage: text("stage", stage),
  operands: text("operands", operands),
  rank1_fma: RANK1_FMA,
};

/** A body of one workgroup a tile; `rows` x `columns` is the tile's size. */
function sharedTile(
  body: Text,
  { rows, columns, ...rest }:
    & Pick<Tile, "aliases" | "constants">
    & Record<"rows" | "columns", number>,
): Tile {
  return {
    name: [body.name.slice("shared/".length), ...Object.values(rest.constants)].join(" "),
    text: body,
    imports: SHARED_IMPORTS,
    ...rest,
    groups: (m, n, splits = 1) => grid(Math.ceil(m / rows) * Math.ceil(n / columns) * splits),
  };
}

/** What a body that stages its operands is told: see `kernels/shared/stage.wgsl`. */
interface Staging {
  WX: number;
  WY: number;
  BK: number;
  /** Teams that share out the k of one tile, where there are several. */
  TEAMS?: number;
}

/** A body whose invocations own `side` x `side` results each. */
function stagedTile(body: Text, side: number, staging: Staging): Tile {
  const [rows, columns] = [side * staging.WY, side * staging.WX];
  return sharedTile(body, {
    rows,
    columns,
    aliases: { Tile: `array<array<vec4f, ${(rows + columns) / 4}>, ${staging.BK}>` },
    constants: { ...staging },
  });
}

const SHARED_8X8 = text("tile_shared_8x8", tileShared8x8);
const SHARED_4X4 = text("tile_shared_4x4", tileShared4x4);
const SHARED_LANES = text("tile_lanes", tileLanes);

const shared8x8 = (WX: number, WY: number, BK: number, more: { TEAMS?: number } = {}): Tile =>
  stagedTile(SHARED_8X8, 8, { WX, WY, BK, ...more });

const shared4x4 = (WX: number, WY: number, BK: number, more: { TEAMS?: number } = {}): Tile =>
  stagedTile(SHARED_4X4, 4, { WX, WY, BK, ...more });

const lanes = (LANES: number, TEAMS: number): Tile =>
  sharedTile(SHARED_LANES, {
    rows: 8,
    columns: 4 * TEAMS,
    aliases: {},
    constants: { LANES, TEAMS },
  });

/** Bodies in registers, for each class of products. The tuner tries them all. */
const REGISTER = {
  /** Out of buffers, a result of at least {@link MANY_REGISTER_TILES} of them. */
  large: registerTile("tile_16x16", tile16x16, 16, 16),
  /** A result of fewer. */
  small: registerTile("tile_8x16", tile8x16, 8, 16),
  /**
   * f32 products with the rank of an adapter, and all through textures: there larger tiles take up
   * to four times as long to compile, and gain nothing without AVX-512, up to a third with it.
   */
  thin: registerTile("tile_8x8", tile8x8, 8, 8),
  /** Through textures, where lanes share loads: results of 48 columns and more. */
  wide: {
    ...registerTile("tile_broadcast_16x8", tileBroadcast16x8, 16, 8),
    imports: { rounds: ROUNDS },
    sharesLoads: true,
    groups: (m: number, n: number) => grid(Math.ceil(m / 16) * Math.ceil(n / 64)),
  },
};

/** The fewest columns of a result that keep most lanes of the wide tile busy. */
const WIDE = 48;

/** The fewest 16 x 16 tiles that keep 16 cores busy and repay the longer compilation. */
const MANY_REGISTER_TILES = 256;

/**
 * Bodies in workgroup memory for each class of products. The first of a list is the choice, by
 * reasoning and not by measurement; `deno task tune` measures which of the list is fastest.
 */
export const SHARED = {
  /** A result of many tiles. */
  large: [shared8x8(8, 8, 16), shared8x8(16, 16, 16), shared4x4(16, 16, 16)],
  /** A result of too few tiles to keep a large GPU busy with one wave or two each. */
  middle: [shared8x8(8, 8, 16, { TEAMS: 2 }), shared8x8(8, 8, 16), shared4x4(8, 8, 16)],
  /** A result of fewer. */
  small: [
    shared4x4(8, 8, 16, { TEAMS: 2 }),
    shared4x4(8, 8, 32),
    shared8x8(8, 8, 16, { TEAMS: 2 }),
  ],
  /** Few rows. */
  wide: [shared4x4(4, 4, 16, { TEAMS: 8 }), shared4x4(16, 4, 32), shared8x8(16, 4, 16)],
  /** Few columns. */
  tall: [shared4x4(4, 4, 16, { TEAMS: 8 }), shared4x4(4, 16, 32), shared4x4(8, 8, 32)],
  /** Few rows or columns of long sums that lie along k in memory. */
  lanes: [lanes(16, 4), lanes(32, 2), lanes(64, 1)],
} as const satisfies Readonly<Record<string, readonly [Tile, ...Tile[]]>>;

/** A result of at most this many rows or columns is thin: the rank of an adapter, for one. */
const THIN = 64;

/** A result of at most this many rows is that of a few tokens, as generation makes them. */
const FEW_TOKENS = 16;

/** The fewest 64 x 64 tiles that keep a GPU busy; WebGPU does not tell how many cores it has. */
const MANY_TILES = 256;

/** The fewest that are worth their size where two teams share each. */
const SOME_TILES = 64;

/** Where tiles are chosen for. */
type Adapter = Pick<Target, "kernelSet" | "matrixReads" | "sharesLoads" | "tuned">;

/** All tiles by name, for each set of kernels. */
export const TILES: Readonly<Record<KernelSet, Map<string, Tile>>> = {
  register: byName(Object.values(REGISTER)),
  shared: byName(Object.values(SHARED).flat()),
};

function byName(tiles: readonly Tile[]): Map<string, Tile> {
  return new Map(tiles.map((tile) => [tile.name, tile]));
}

/** The body for a product: the fastest that was measured, or else the default. */
export function chooseTile(adapter: Adapter, product: Product): Tile {
  const tuned = adapter.tuned(product);
  const found = tuned === undefined ? undefined : TILES[adapter.kernelSet].get(tuned);
  const isBuilt = found && (adapter.sharesLoads || !found.sharesLoads);
  return isBuilt ? found : tilesFor(adapter, product)[0];
}

/** The bodies that suit a product, the default first. */
export function tilesFor(
  { kernelSet, matrixReads, sharesLoads }: Omit<Adapter, "tuned">,
  product: Product,
): readonly [Tile, ...Tile[]] {
  if (kernelSet === "shared") return SHARED[sharedClass(product)];
  const { thin, small, large, wide } = REGISTER;
  if (product.type === "f32" && Math.min(product.m, product.n) < 16) return [thin];
  if (sharesLoads && product.n >= WIDE) return [wide, thin, small, large];
  if (matrixReads === "texture") return [thin, small, large];
  const tiles = Math.ceil(product.m / 16) * Math.ceil(product.n / 16);
  return tiles < MANY_REGISTER_TILES ? [small, large, thin] : [large, small, thin];
}

/** Tiles of 64 x 64 results, the parts of their sums counted one by one. */
const tilesOf = ({ m, n, splits = 1 }: Pick<Product, "m" | "n" | "splits">): number =>
  Math.ceil(m / 64) * Math.ceil(n / 64) * splits;

/** Which list of {@link SHARED} a product belongs to. */
export function sharedClass(product: Product): keyof typeof SHARED {
  const { m, n, alongK } = product;
  if (alongK && (m <= FEW_TOKENS || n <= THIN)) return "lanes";
  if (m <= THIN) return "wide";
  if (n <= THIN) return "tall";
  const tiles = tilesOf(product);
  if (tiles < SOME_TILES) return "small";
  return tiles < MANY_TILES ? "middle" : "large";
}

/** Into how many parts workgroups split a long sum, where its result has few tiles: at most 16. */
export function splitsOf(kernelSet: KernelSet, { m, n }: Pick<Product, "m" | "n">): number {
  if (kernelSet === "register" || Math.min(m, n) <= THIN) return 1;
  const wanted = 2 * MANY_TILES / tilesOf({ m, n });
  return 2 ** Math.min(4, Math.max(0, Math.ceil(Math.log2(wanted))));
}
