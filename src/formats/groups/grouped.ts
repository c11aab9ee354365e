/**
 * Formats of groups of columns that share scales, 32 as ggml defines them or 64: a group of a file
 * is re-laid without a change of value.
 *
 * On the device the groups of four neighbouring rows lie together, 8 or 16 4x4 blocks with their
 * scales: a cell. Cells run along the rows of blocks as 4x4 blocks do; `cells` of them are one unit
 * of whole 16-byte words, so that the number of a block gives its cell whatever the shape of the
 * matrix.
 *
 * @module
 */
import type { WeightFormat } from "../format.ts";
import { type GroupImportance, meanSquare } from "../importance.ts";
import { aligned } from "../plain.ts";

/** Columns that share scales in ggml's formats. */
export const GROUP = 32;

/** Where the group of one row of a cell lies. */
export interface Place {
  /** Of the file, in halves of 16 bits. */
  readonly file: Uint16Array;
  readonly at: number;
  /** The file in bytes, for groups of an odd number of them: they begin at byte 2 `at`. */
  readonly bytes: Uint8Array;
  /** Of the device. */
  readonly device: Uint16Array;
  /** Where the unit begins, which cell of it this is, and which row of the cell. */
  readonly unit: number;
  readonly cell: number;
  readonly row: number;
}

/** What a grouped format says of itself. */
export interface Grouped {
  readonly stored: string;
  /** Columns of a group; 32 where absent. */
  readonly group?: number;
  readonly groupBytes: number;
  readonly scales: readonly number[];
  readonly powers?: readonly number[];
  readonly overflowsAt: number;
  /** Cells of a unit, and its bytes, a multiple of 16. */
  readonly cells: number;
  readonly unitBytes: number;
  readonly loader: WeightFormat["loader"];
  readonly pieces?: WeightFormat["pieces"];
  readonly fallback?: WeightFormat["fallback"];
  /**
   * Rounds the numbers of a group from `from` on into the group of a file that begins at `at`.
   * `weights` [group] are what errors count, where {@link Grouped.weigh} is there and was asked.
   */
  encode(
    values: Float32Array,
    from: number,
    group: DataView,
    at: number,
    weights?: Float32Array,
  ): void;
  /** What errors in the numbers of a group count by the importance of their columns, [group]. */
  weigh?(of: GroupImportance): Float32Array;
  /** The other way. */
  decode(group: DataView, at: number, values: Float32Array, to: number): void;
  /** Copies a group of a file to its place on the device. */
  pack(place: Place): void;
  /** The other way. */
  unpack(place: Place): void;
}

/** The format of groups that `g` describes. */
export function grouped(g: Grouped): WeightFormat {
  const { stored, group = GROUP, groupBytes, cells, unitBytes } = g;
  const { scales, powers = [], overflowsAt, loader, pieces, fallback } = g;
  const bytes = (rows: number, columns: number) =>
    Math.ceil(rows * columns / (4 * group * cells)) * unitBytes;
  const move = (file: Uint16Array, device: Uint16Array, columns: number, way: Grouped["pack"]) => {
    const perRow = columns / group;
    const inBytes = new Uint8Array(file.buffer);
    const rows = file.length / (perRow * groupBytes / 2);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < perRow; i++) {
        const cell = Math.floor(row / 4) * perRow + i;
        const unit = Math.floor(cell / cells) * unitBytes / 2;
        const at = (row * perRow + i) * groupBytes / 2;
        way({ file, at, bytes: inBytes, device, unit, cell: cell % cells, row: row % 4 });
      }
    }
  };
  /** What errors in the group count that begins at `from`; groups are asked for in their order. */
  const weightsBy = (values: Float32Array, columns: number, importance: Float32Array) => {
    let rowSquares = 0;
    return (from: number) => {
      const column = from % columns;
      if (column === 0) rowSquares = meanSquare(values.subarray(from, from + columns));
      const x = values.subarray(from, from + group);
      return g.weigh!({ x, importance: importance.subarray(column, column + group), rowSquares });
    };
  };
  return {
    ...{ stored, group, groupBytes, scales, powers, overflowsAt, bytes, loader, pieces, fallback },
    heedsImportance: g.weigh !== undefined,
    encode(values, columns, importance) {
      const view = new DataView(new ArrayBuffer(values.length / group * groupBytes));
      const weights = importance && g.weigh && weightsBy(values, columns, importance);
      for (let from = 0, at = 0; from < values.length; from += group, at += groupBytes) {
        g.encode(values, from, view, at, weights?.(from));
      }
      return new Uint8Array(view.buffer);
    },
    decode({ buffer, byteOffset, byteLength }) {
      const view = new DataView(buffer, byteOffset, byteLength);
      const values = new Float32Array(byteLength / groupBytes * group);
      for (let to = 0, at = 0; to < values.length; to += group, at += groupBytes) {
        g.decode(view, at, values, to);
      }
      return values;
    },
    pack(rows, columns) {
      const file = new Uint16Array(aligned(rows, 2));
      const count = rows.byteLength / groupBytes * group / columns;
      const device = new Uint16Array(bytes(count, columns) / 2);
      move(file, device, columns, g.pack);
      return new Uint8Array(device.buffer);
    },
    unpack(packed, rows, columns) {
      const file = new Uint16Array(rows * columns / group * groupBytes / 2);
      move(file, new Uint16Array(aligned(packed, 2)), columns, g.unpack);
      return new Uint8Array(file.buffer);
    },
  };
}
