/**
 * Metadata of GGUF files: typed values under dotted keys.
 *
 * @module
 */

/** `gguf_metadata_value_type` of the values that are written here. */
export const VALUE_TYPES = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  array: 9,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;

type Scalar = "uint32" | "int32" | "float32" | "bool" | "string";

/** A value with its type. */
export interface MetadataValue {
  readonly type: Scalar;
  /** One value, or an array of them. */
  readonly value: number | boolean | string | readonly (number | boolean | string)[];
}

/** By key, in the order of the file. */
export type Metadata = ReadonlyMap<string, MetadataValue>;

export const uint32 = (value: number): MetadataValue => ({ type: "uint32", value });
export const float32 = (value: number): MetadataValue => ({ type: "float32", value });
export const bool = (value: boolean): MetadataValue => ({ type: "bool", value });
export const string = (value: string): MetadataValue => ({ type: "string", value });
export const strings = (value: readonly string[]): MetadataValue => ({ type: "string", value });
export const int32s = (value: readonly number[]): MetadataValue => ({ type: "int32", value });
export const float32s = (value: readonly number[]): MetadataValue => ({ type: "float32", value });
export const bools = (value: readonly boolean[]): MetadataValue => ({ type: "bool", value });
