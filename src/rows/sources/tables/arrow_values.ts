/**
 * Values of Arrow as JSON, as Python's `datasets` writes it.
 *
 * @module
 */
import { type DataType, type Field, type Schema, Type } from "../../../deps/arrow.ts";
import { fraction, rawJson, textOf } from "./parquet_values.ts";

/** Makes a value, which is not null, one that `JSON.stringify` writes as it is meant. */
type Plain = (value: unknown) => unknown;

/** Writes rows of this schema as JSON. */
export function jsonOf({ fields }: Schema): (row: Record<string, unknown>) => string {
  const plain = structOf(fields);
  return (row) => JSON.stringify(plain(row));
}

/** @throws {Error} for a type that no row of text has. */
function plainOf(type: DataType): Plain {
  switch (type.typeId) {
    case Type.Dictionary:
      return plainOf(type.dictionary);
    case Type.Float:
      return (value) => fraction(value as number);
    case Type.Binary:
    case Type.LargeBinary:
    case Type.BinaryView:
    case Type.FixedSizeBinary:
      return (value) => textOf(value as Uint8Array);
    case Type.List:
    case Type.LargeList:
    case Type.ListView:
    case Type.LargeListView:
    case Type.FixedSizeList: {
      const item = orNull(plainOf(type.children[0]!.type));
      return (value) => Array.from(value as ArrayLike<unknown>, item);
    }
    case Type.Struct:
      return structOf(type.children) as Plain;
    case Type.Union:
    case Type.Interval:
    case Type.Map:
    case Type.RunEndEncoded:
      throw new Error(`found a column of the type ${nameOf(type.typeId)}`);
    default:
      return (value) => typeof value === "bigint" ? rawJson(String(value)) : value;
  }
}

function structOf(fields: readonly Field[]): (value: Record<string, unknown>) => unknown {
  const plain = fields.map(({ name, type }) => [name, orNull(plainOf(type))] as const);
  return (value) => Object.fromEntries(plain.map(([name, of]) => [name, of(value[name])]));
}

const orNull = (plain: Plain): Plain => (value) => value === null ? null : plain(value);

const nameOf = (id: number): string =>
  Object.entries(Type).find(([, of]) => of === id)?.[0] ?? String(id);
