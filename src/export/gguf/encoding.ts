/**
 * The tensor types that are written: those of the weight formats.
 *
 * @module
 */
import {
  FORMAT_NAMES,
  formatOf,
  formatOfTables,
  FORMATS,
  type WeightFormat,
} from "../../formats/mod.ts";
import { type GgufType, TENSOR_TYPES } from "../../io/gguf/tensor_types.ts";

/** Their names in GGUF files. */
export const WRITTEN_TYPES = FORMAT_NAMES.map((name) => FORMATS[name].stored)
  .filter((stored): stored is GgufType => Object.hasOwn(TENSOR_TYPES, stored));

/** The type of embedding and head in a file of `type`. */
export function typeOfTables(type: GgufType): GgufType {
  return FORMATS[formatOfTables(formatOf(type)!)].stored as GgufType;
}

/** How a type that is written rounds numbers. */
export function encodingOf(type: GgufType): WeightFormat {
  const name = formatOf(type);
  if (name === undefined) throw new TypeError(`No format writes ${type}`);
  return FORMATS[name];
}
