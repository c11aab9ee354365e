/**
 * Folders whose matrices GPTQ or AWQ has stored in four bits, read as affine groups: a code less a zero
 * point, times a scale, is code x scale - zero point x scale, exactly so in f32 where scales have 16 bits.
 *
 * Both have their codes the other way round, [in, out], eight to a word: GPTQ those of eight inputs, AWQ
 * those of eight outputs, the even ones first.
 *
 * Method: Frantar et al. 2022, GPTQ (arXiv 2210.17323); Lin et al. 2023, AWQ (arXiv 2306.00978). Source
 * of the layouts: `qlinear_cuda_old.py` of AutoGPTQ; `gemm.py` of AutoAWQ.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { FORMATS } from "../../formats/mod.ts";
import { AFFINE_GROUP, AFFINE_HEAD } from "../../formats/groups/affine.ts";
import type { Checkpoint } from "../../io/checkpoint.ts";
import type { Dtype, TensorInfo } from "../../io/safetensors/safetensors.ts";
import {
  fieldsOf,
  floatRows,
  kept,
  type Packed,
  type PackedMatrix,
  partOf,
  refuse,
} from "./packed.ts";

const AFFINE = FORMATS.affine_4;
/** Codes of a word. */
const PER_WORD = 8;
/** Types of scales whose products with zero points are exact. */
const HALVES: readonly Dtype[] = ["F16", "BF16"];
/** Where in a word AWQ has the code of each of eight outputs. */
const AWQ_PLACES = [0, 4, 1, 5, 2, 6, 3, 7];

/** What differs between the two. */
interface Layout {
  /** Columns that share a scale; -1 for all of a row. */
  readonly group: number;
  /** Whether a word has codes of eight inputs, not of eight outputs. */
  readonly byInput: boolean;
  /** Where in a word the zero points, and the codes of outputs, lie. */
  readonly places: readonly number[];
  /** What is added to a zero point as it is stored. */
  readonly more: number;
}

/** @throws {FileError} where it is in other than four bits, or its parts do not fit each other. */
export function gptq(inner: Checkpoint): Packed {
  const fields = fieldsOf(inner.config["quantization_config"]);
  const { bits, group_size: group, checkpoint_format: version = "gptq" } = fields;
  const isKnown = version === "gptq" || version === "gptq_v2";
  if (bits !== 4 || !isKnown) {
    refuseFolder(inner, `GPTQ's ${bits} bits of format ${version}`, "4 of gptq or gptq_v2");
  }
  const places = Array.from({ length: PER_WORD }, (_, i) => i);
  const more = version === "gptq" ? 1 : 0;
  return packed(inner, { group: groupOf(inner, group), byInput: true, places, more });
}

/** The same of AWQ. */
export function awq(inner: Checkpoint): Packed {
  const fields = fieldsOf(inner.config["quantization_config"]);
  const { bits, group_size: group, version = "gemm", zero_point: hasZero = true } = fields;
  if (bits !== 4 || String(version).toLowerCase() !== "gemm" || hasZero !== true) {
    const zero = hasZero === true ? "with" : "without";
    refuseFolder(
      inner,
      `AWQ's ${bits} bits of version ${version} ${zero} zero points`,
      "4 of gemm with zero points",
    );
  }
  const layout = { byInput: false, places: AWQ_PLACES, more: 0 };
  return packed(inner, { group: groupOf(inner, group), ...layout });
}

function refuseFolder({ folder }: Checkpoint, found: string, wanted: string): never {
  throw new FileError(`${folder}: found ${found}, wanted ${wanted}`);
}

function groupOf(inner: Checkpoint, group: unknown): number {
  if (
    group === -1 ||
    (Number.isInteger(group) && Number(group) > 0 && Number(group) % AFFINE_GROUP === 0)
  ) {
    return Number(group);
  }
  return refuseFolder(inner, `groups of ${group}`, `a multiple of ${AFFINE_GROUP}, or -1`);
}

const PARTS = ["qweight", "qzeros", "scales", "g_idx"];

function packed(inner: Checkpoint, layout: Layout): Packed {
  const modules = inner.tensors.keys().filter((name) => name.endsWith(".qweight"))
    .map((name) => name.slice(0, -".qweight".length)).toArray();
  return {
    matrices: modules.map((module) => matrixOf(inner, module, layout)),
    parts: new Set(modules.flatMap((module) => PARTS.map((part) => `${module}.${part}`))),
  };
}

function matrixOf(inner: Checkpoint, module: string, layout: Layout): PackedMatrix {
  const codes = inner.get(`${module}.qweight`);
  const [tall = 0, wide = 0] = codes.shape;
  const columns = layout.byInput ? tall * PER_WORD : tall;
  const rows = layout.byInput ? wide : wide * PER_WORD;
  partOf(inner, codes.name, ["I32"], [tall, wide]);
  const group = layout.group === -1 ? columns : layout.group;
  if (columns % group !== 0 || group % AFFINE_GROUP !== 0) {
    refuse(codes, `rows of ${columns} in groups of ${group}`, "whole groups");
  }
  const zeros = partOf(inner, `${module}.qzeros`, ["I32"], [columns / group, rows / PER_WORD]);
  const scales = partOf(inner, `${module}.scales`, HALVES, [columns / group, rows]);
  refuseOrder(inner, `${module}.g_idx`, group);
  const whole = kept(() => turned(inner, { codes, zeros, scales }, { ...layout, group }));
  const rowBytes = columns / AFFINE_GROUP * AFFINE.groupBytes;
  const groups = (from: number, to: number) => whole().slice(from * rowBytes, to * rowBytes);
  return { name: `${module}.weight`, rows, columns, format: AFFINE, codes, groups };
}

/** @throws {FileError} where the groups are not of neighbours: `desc_act`. */
function refuseOrder(inner: Checkpoint, name: string, group: number): void {
  const tensor = inner.tensors.get(name);
  if (!tensor) return;
  const order = words(inner, tensor);
  const odd = order.findIndex((found, i) => found !== Math.floor(i / group));
  if (odd < 0) return;
  const wanted = `${Math.floor(odd / group)}: groups of neighbours, not in the order of desc_act`;
  refuse(tensor, `group ${order[odd]} of column ${odd}`, wanted);
}

const words = (inner: Checkpoint, { name }: TensorInfo) =>
  new Uint32Array(inner.read(name).slice().buffer);

/** All rows of a matrix as affine groups. */
function turned(
  inner: Checkpoint,
  parts: Record<"codes" | "zeros" | "scales", TensorInfo>,
  { group, byInput, places, more }: Layout,
): Uint8Array {
  const { shape: [count = 0, rows = 0] } = parts.scales;
  const columns = count * group;
  const [codes, zeros] = [words(inner, parts.codes), words(inner, parts.zeros)];
  const scales = floatRows(inner, parts.scales, 0, count);
  const bytes = new Uint8Array(rows * columns / AFFINE_GROUP * AFFINE.groupBytes);
  const view = new DataView(bytes.buffer);
  const wide = rows / PER_WORD;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    const [word, shift] = [Math.floor(row / PER_WORD), 4 * places[row % PER_WORD]!];
    const codeOf = byInput
      ? (column: number) => codes[(column >> 3) * rows + row]! >>> 4 * (column & 7) & 15
      : (column: number) => codes[column * wide + word]! >>> shift & 15;
    for (let first = 0; first < columns; first += AFFINE_GROUP, at += AFFINE.groupBytes) {
      const of = Math.floor(first / group);
      const scale = scales[of * rows + row]!;
      // A zero point of 16 would not fit in four bits: AutoGPTQ's kernels take it for 0.
      const zero = (zeros[of * wide + word]! >>> shift) + more & 15;
      view.setFloat32(at, scale, true);
      view.setFloat32(at + 4, -scale * zero, true);
      for (let i = 0; i < AFFINE_GROUP; i += 2) {
        bytes[at + AFFINE_HEAD + i / 2] = codeOf(first + i) | codeOf(first + i + 1) << 4;
      }
    }
  }
  return bytes;
}
