/**
 * A folder whose matrices bitsandbytes has stored in four or eight bits, read as nf4 and int8.
 *
 * Source: `QuantState.as_dict` and `from_dict` of bitsandbytes, `functional.py`; `Linear8bitLt`,
 * `nn/modules.py`.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { FORMATS } from "../../formats/mod.ts";
import { NF4_VALUES } from "../../formats/groups/nf4.ts";
import { unnestScales } from "../../formats/groups/nf4_double.ts";
import type { Checkpoint } from "../../io/checkpoint.ts";
import {
  fieldsOf,
  floatRows,
  kept,
  type Packed,
  type PackedMatrix,
  partOf,
  refuse,
} from "./packed.ts";

/** What the name of a matrix's description ends in. */
const STATE = ".quant_state.bitsandbytes__nf4";
/** The names of all tensors that go with a matrix of four bits. */
const BESIDE =
  /\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.bitsandbytes__\w+)$/;
const NF4 = FORMATS.nf4;
const INT8 = FORMATS.int8;
const { group: GROUP, groupBytes: GROUP_BYTES } = NF4;

/**
 * What `bnb_4bit_quant_type` nf4 stores, with and without double quantisation, or `load_in_8bit`.
 *
 * @throws {FileError} where it is in fp4, or a matrix is not described as those are.
 */
export function bitsandbytes(inner: Checkpoint): Packed {
  const { load_in_4bit, load_in_8bit, bnb_4bit_quant_type: type = "fp4" } = fieldsOf(
    inner.config["quantization_config"],
  );
  if (load_in_8bit === true) return eightBits(inner);
  if (load_in_4bit === true && type === "nf4") return fourBits(inner);
  const found = load_in_4bit === true ? `four bits of type ${type}` : "neither four nor eight bits";
  throw new FileError(`${inner.folder}: found bitsandbytes' ${found}, wanted nf4 or eight bits`);
}

function eightBits(inner: Checkpoint): Packed {
  const names = inner.tensors.keys().filter((name) => name.endsWith(".SCB")).toArray();
  const modules = names.map((name) => name.slice(0, -".SCB".length));
  return {
    matrices: modules.map((module) => eightBitMatrix(inner, module)),
    parts: new Set([...names, ...modules.map((module) => `${module}.weight_format`)]),
  };
}

/** Rows of signed bytes, and the largest number of each. */
function eightBitMatrix(inner: Checkpoint, module: string): PackedMatrix {
  const name = `${module}.weight`;
  const codes = inner.get(name);
  const [rows = 0, columns = 0] = codes.shape;
  partOf(inner, name, ["I8"], [rows, columns]);
  const { group, groupBytes } = INT8;
  if (columns % group !== 0) refuse(codes, `rows of ${columns}`, `rows of a multiple of ${group}`);
  const scales = partOf(inner, `${module}.SCB`, ["F32"], [rows]);
  const layout = inner.tensors.get(`${module}.weight_format`);
  if (layout && inner.read(layout.name)[0] !== 0) {
    refuse(layout, `layout ${inner.read(layout.name)[0]}`, "0, row by row");
  }
  const groups = (from: number, to: number) => {
    const bytes = inner.read(name, { offset: from * columns, length: (to - from) * columns });
    const largest = floatRows(inner, scales, from, to);
    const made = new Uint8Array(bytes.length / group * groupBytes);
    const view = new DataView(made.buffer);
    for (let i = 0, at = 0; i < bytes.length; i += group, at += groupBytes) {
      view.setFloat32(at, largest[Math.floor(i / columns)]!, true);
      made.set(bytes.subarray(i, i + group), at + groupBytes - group);
    }
    return made;
  };
  return { name, rows, columns, format: INT8, codes, groups };
}

function fourBits(inner: Checkpoint): Packed {
  const names = [...inner.tensors.keys()];
  const states = names.filter((name) => name.endsWith(STATE));
  return {
    matrices: states.map((state) => fourBitMatrix(inner, state)),
    parts: new Set(names.filter((name) => BESIDE.test(name))),
  };
}

/** @throws {FileError} where a matrix is described in another way than nf4 is. */
function fourBitMatrix(inner: Checkpoint, state: string): PackedMatrix {
  const name = state.slice(0, -STATE.length);
  const codes = inner.get(name);
  const fields = jsonIn(inner, state) ?? refuse(codes, "no description in JSON", "one");
  const { shape, blocksize } = fields;
  if (blocksize !== GROUP) refuse(codes, `blocks of ${blocksize}`, `blocks of ${GROUP}`);
  const [rows, columns] = Array.isArray(shape) && shape.length === 2 ? shape as number[] : [];
  if (!isCount(rows) || !isCount(columns)) {
    return refuse(codes, `the shape ${JSON.stringify(shape)}`, "a matrix");
  }
  if (columns % GROUP !== 0) refuse(codes, `rows of ${columns}`, `rows of a multiple of ${GROUP}`);
  const count = rows * columns / GROUP;
  if (codes.bytes !== count * GROUP / 2) {
    refuse(codes, `${codes.bytes} bytes`, `${count * GROUP / 2} for [${rows}, ${columns}]`);
  }
  const values = floatsIn(inner, `${name}.quant_map`);
  if (String(values) !== String(NF4_VALUES)) refuse(codes, "another map of codes", "that of nf4");
  const nested = typeof fields["nested_offset"] === "number";
  const found = inner.get(`${name}.absmax`).shape[0];
  if (found !== count) refuse(codes, `${found} scales`, `${count}`);
  const largest = kept(() => {
    const scales = nested ? nestedScales(inner, name, fields) : floatsIn(inner, `${name}.absmax`);
    const odd = scales.findIndex((scale) => !Number.isFinite(scale));
    if (odd >= 0) refuse(codes, `the scale ${scales[odd]} of block ${odd}`, "a finite one");
    return scales;
  });
  const groups = (from: number, to: number) => {
    const half = GROUP / 2;
    const range = { offset: from * columns / 2, length: (to - from) * columns / 2 };
    const packed = inner.read(name, range);
    const scales = largest();
    const first = from * columns / GROUP;
    const bytes = new Uint8Array(packed.length / half * GROUP_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < packed.length / half; i++) {
      view.setFloat32(i * GROUP_BYTES, scales[first + i]!, true);
      bytes.set(packed.subarray(i * half, (i + 1) * half), i * GROUP_BYTES + 4);
    }
    return bytes;
  };
  return { name, rows, columns, format: NF4, codes, groups };
}

/** Scales that are rounded to eight bits themselves. */
function nestedScales(
  inner: Checkpoint,
  name: string,
  fields: Readonly<Record<string, unknown>>,
): Float32Array {
  const codes = inner.read(`${name}.absmax`);
  const map = floatsIn(inner, `${name}.nested_quant_map`);
  const largest = floatsIn(inner, `${name}.nested_absmax`);
  const block = fields["nested_blocksize"] as number;
  const offset = Math.fround(fields["nested_offset"] as number);
  return unnestScales({ codes, largest, offset }, map, block);
}

function floatsIn(inner: Checkpoint, name: string): Float32Array {
  const tensor = inner.get(name);
  if (tensor.dtype !== "F32") refuse(tensor, tensor.dtype, "F32");
  return new Float32Array(inner.read(name).slice().buffer);
}

function jsonIn(inner: Checkpoint, name: string): Record<string, unknown> | null {
  try {
    return fieldsOf(JSON.parse(new TextDecoder().decode(inner.read(name))));
  } catch (fault) {
    if (fault instanceof SyntaxError) return null;
    throw fault;
  }
}

const isCount = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0;
