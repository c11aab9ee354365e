/**
 * A folder whose matrices mlx has stored in affine groups or in MXFP4, as mlx-lm's `convert` writes it.
 *
 * Source: `mx.quantize` of mlx (affine and mxfp4); `quantize_model` of mlx-lm, `utils.py`, for the key
 * `quantization` with its entries by module.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { type FormatName, FORMATS } from "../../formats/mod.ts";
import { AFFINE_GROUP, AFFINE_HEAD } from "../../formats/groups/affine.ts";
import { MXFP4_NAN } from "../../formats/groups/mxfp4.ts";
import type { Checkpoint } from "../../io/checkpoint.ts";
import {
  fieldsOf,
  floatRows,
  FLOATS,
  type Packed,
  type PackedMatrix,
  partOf,
  refuse,
} from "./packed.ts";

/** Columns that may share an affine scale: one group of its format, or two. */
const GROUPS = [AFFINE_GROUP, 2 * AFFINE_GROUP];
const BITS = [2, 3, 4, 5, 6, 8];
const MXFP4 = FORMATS.mxfp4;

/** Whether a folder says that mlx made it smaller. */
export const isMlx = ({ config }: Checkpoint): boolean =>
  typeof fieldsOf(config["quantization"])["group_size"] === "number";

/** @throws {FileError} where a matrix is in another mode, or its parts do not fit each other. */
export function mlx(inner: Checkpoint): Packed {
  const modules = inner.tensors.keys().filter((name) => name.endsWith(".scales"))
    .map((name) => name.slice(0, -".scales".length)).toArray();
  refuseAlone(inner, modules);
  return {
    matrices: modules.map((module) => matrixOf(inner, module)),
    parts: new Set(modules.flatMap((module) => [`${module}.scales`, `${module}.biases`])),
  };
}

/** @throws {FileError} where codes have no scales. */
function refuseAlone(inner: Checkpoint, modules: readonly string[]): void {
  for (const tensor of inner.tensors.values()) {
    const module = tensor.name.replace(/\.weight$/, "");
    if (tensor.dtype === "U32" && !modules.includes(module)) {
      refuse(tensor, `codes of U32 and no "${module}.scales"`, "both");
    }
  }
}

/** A module's matrix, as its own entry says that it is stored, or as that of all does. */
function matrixOf(inner: Checkpoint, module: string): PackedMatrix {
  const { config, folder } = inner;
  const all = fieldsOf(config["quantization"]);
  const { group_size: group, bits, mode = "affine" } = { ...all, ...fieldsOf(all[module]) };
  const isAffine = mode === "affine" && GROUPS.includes(Number(group)) &&
    BITS.includes(Number(bits));
  if (isAffine) return affine(inner, module, Number(group), Number(bits));
  if (mode === "mxfp4" && group === MXFP4.group && bits === 4) return powers(inner, module);
  throw new FileError(
    `${folder}: found ${module} in ${bits} bits of mlx's ${mode} in groups of ${group}, wanted ` +
      `${BITS.join(", ")} bits of affine in groups of ${GROUPS.join(" or ")}, or mxfp4`,
  );
}

/** The codes and scales of a module, and their shape. */
function partsOf(
  inner: Checkpoint,
  module: string,
  { group, bits }: Record<"group" | "bits", number>,
) {
  const name = `${module}.weight`;
  const { shape: [rows = 0, perRow = 0] } = inner.get(`${module}.scales`);
  const columns = perRow * group;
  const codes = partOf(inner, name, ["U32"], [rows, columns * bits / 32]);
  const rowBytes = columns * bits / 8;
  const read = (from: number, to: number) =>
    inner.read(name, { offset: from * rowBytes, length: (to - from) * rowBytes });
  return { name, rows, columns, codes, shape: [rows, perRow], read };
}

function affine(inner: Checkpoint, module: string, group: number, bits: number): PackedMatrix {
  const { shape, read, ...matrix } = partsOf(inner, module, { group, bits });
  const [scales, biases] = ["scales", "biases"].map((part) =>
    partOf(inner, `${module}.${part}`, FLOATS, shape)
  );
  const format = FORMATS[`affine_${bits}` as FormatName];
  const codeBytes = format.groupBytes - AFFINE_HEAD;
  const shared = group / AFFINE_GROUP;
  const groups = (from: number, to: number) => {
    const codes = read(from, to);
    const scale = floatRows(inner, scales!, from, to);
    const bias = floatRows(inner, biases!, from, to);
    const made = new Uint8Array(codes.length / codeBytes * format.groupBytes);
    const view = new DataView(made.buffer);
    for (let i = 0, at = 0; at < made.length; i++, at += format.groupBytes) {
      view.setFloat32(at, scale[Math.floor(i / shared)]!, true);
      view.setFloat32(at + 4, bias[Math.floor(i / shared)]!, true);
      made.set(codes.subarray(i * codeBytes, (i + 1) * codeBytes), at + AFFINE_HEAD);
    }
    return made;
  };
  return { ...matrix, format, groups };
}

/** Codes of neighbours in a byte, where ggml's lie half a group apart; powers of two as scales. */
function powers(inner: Checkpoint, module: string): PackedMatrix {
  const { shape, read, ...matrix } = partsOf(inner, module, { group: MXFP4.group, bits: 4 });
  const scales = partOf(inner, `${module}.scales`, ["U8"], shape);
  const perRow = shape[1]!;
  const half = MXFP4.group / 2;
  const groups = (from: number, to: number) => {
    const codes = read(from, to);
    const power = inner.read(scales.name, { offset: from * perRow, length: (to - from) * perRow });
    const odd = power.indexOf(MXFP4_NAN);
    if (odd >= 0) {
      const [row, group] = [from + Math.floor(odd / perRow), odd % perRow];
      refuse(scales, `NaN at [${row}, ${group}]`, "a finite number");
    }
    const made = new Uint8Array(power.length * MXFP4.groupBytes);
    for (const [i, scale] of power.entries()) {
      const at = i * MXFP4.groupBytes;
      made[at] = scale;
      const code = (n: number) => codes[i * half + (n >> 1)]! >> 4 * (n & 1) & 15;
      for (let n = 0; n < half; n++) made[at + 1 + n] = code(n) | code(n + half) << 4;
    }
    return made;
  };
  return { ...matrix, format: MXFP4, groups };
}
