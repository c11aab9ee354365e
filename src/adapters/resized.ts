/**
 * Adapters of a base whose vocabulary was resized: PEFT writes its tables of tokens whole beside the
 * factors, whether or not its config names them.
 *
 * @module
 */
import { ConfigError, FileError } from "../errors.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import { storedOf } from "../models/mod.ts";
import { type Table, withTables } from "../models/resized.ts";
import { HEAD, Tensors } from "../models/stored.ts";
import type { PeftAdapter, WholeTensor } from "./peft/adapter.ts";

/**
 * The base that an adapter was trained on: with the tables that the adapter has in place of its own,
 * or the base itself where there are none.
 *
 * @throws {FileError} where the tables have different numbers of rows, or other columns than those
 * of the base.
 */
export function resizedBy(base: Checkpoint, adapter: PeftAdapter): Checkpoint {
  const tensors = new Tensors(base, storedOf(base.config["model_type"]));
  const tables = tablesOf(tensors, adapter);
  if (tables.length === 0) return base;
  const [first] = tables;
  const [rows, columns] = first!.shape as [number, number];
  const wanted = base.get(tensors.nameOf(tensors.embedding)).shape[1];
  const odd = tables.find(({ shape }) =>
    shape.length !== 2 || shape[0] !== rows || shape[1] !== wanted
  );
  if (odd) {
    throw new FileError(
      `Cannot use the adapter on ${base.folder}: of its resized vocabulary it has a ${odd.name} of ` +
        `[${odd.shape}], wanted [${rows},${wanted ?? columns}]`,
    );
  }
  return withTables(base, tables, { vocab_size: rows });
}

/** How many tokens an adapter has tables of its own for; null where it takes those of the base. */
export function resizesOf(base: Checkpoint, adapter: PeftAdapter): number | null {
  const tensors = new Tensors(base, storedOf(base.config["model_type"]));
  return tablesOf(tensors, adapter)[0]?.shape[0] ?? null;
}

/**
 * For where base and adapter must have the same tables.
 *
 * @throws {ConfigError} where the adapter has its own.
 */
export function refuseResized(base: Checkpoint, adapter: PeftAdapter, wanted: string): void {
  const rows = resizesOf(base, adapter);
  if (rows === null) return;
  const tensors = new Tensors(base, storedOf(base.config["model_type"]));
  const own = tensors.get(tensors.embedding).shape[0];
  throw new ConfigError(
    `Found an adapter of a resized vocabulary: its tables have ${rows} rows, those of ` +
      `${base.folder} ${own}; ${wanted}`,
  );
}

/** The tables of an adapter that stand in place of the base's, by the names of the base's files. */
function tablesOf(tensors: Tensors, { tables = [], carried = [], whole = [] }: PeftAdapter) {
  const isTable = ({ name }: WholeTensor) => name === tensors.embedding || tensors.isHead(name);
  const { tensors: stored } = tensors.checkpoint;
  const rows = stored.get(tensors.nameOf(tensors.embedding))?.shape[0];
  if (rows === undefined) return [];
  const grown = [...carried, ...whole].filter((tensor) =>
    isTable(tensor) && tensor.shape[0] !== rows
  );
  const found = [...tables.filter(isTable), ...grown].map((tensor): Table => ({
    ...tensor,
    name: tensors.isHead(tensor.name) && !stored.has(HEAD)
      ? tensor.name
      : tensors.nameOf(tensor.name),
    dtype: tensor.dtype ?? "F32",
    file: "the adapter",
  }));
  const embedding = found.find(({ name }) => name === tensors.nameOf(tensors.embedding));
  const hasHead = stored.has(HEAD);
  // The head that PEFT writes beside a tied table is that table again.
  return found.filter((table) =>
    table === embedding || hasHead || !embedding || !areEqual(table.numbers, embedding.numbers)
  );
}

const areEqual = (a: Float32Array, b: Float32Array): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);
