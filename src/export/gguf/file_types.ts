/**
 * The kinds of GGUF files, each with the types of its tensors as llama.cpp's `llama-quantize` chooses
 * them, with and without an importance matrix.
 *
 * Source: `llama_tensor_get_type_impl` and `tensor_type_fallback` of llama.cpp, `llama-quant.cpp`.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { fitting, FORMAT_NAMES, formatOf, FORMATS, type WeightFormat } from "../../formats/mod.ts";
import { type GgufType, TENSOR_TYPES } from "../../io/gguf/tensor_types.ts";

/** What llama.cpp gives to the experts of a mixture alone, which no model here has. */
const OF_EXPERTS = "MXFP4";

/** The types of tensors that are written: those of the weight formats. */
export const WRITTEN_TYPES = FORMAT_NAMES.map((name) => FORMATS[name].stored)
  .filter((stored): stored is GgufType =>
    Object.hasOwn(TENSOR_TYPES, stored) && stored !== OF_EXPERTS
  );

/** A kind of file. */
interface Kind {
  /** What its matrices have, but for those that are given more. */
  readonly most: GgufType;
  /** `llama_ftype`. */
  readonly fileType: number;
}

/** Kinds that are not named by the type of most of their matrices. */
const MIXTURES = {
  Q5_K_M: { most: "Q5_K", fileType: 17 },
  Q5_K_S: { most: "Q5_K", fileType: 16 },
  Q4_K_M: { most: "Q4_K", fileType: 15 },
  Q4_K_S: { most: "Q4_K", fileType: 14 },
} as const;

/** What the first `ffn_down` have where an importance matrix could make these go astray. */
const WITH_MINIMUM: Readonly<Partial<Record<GgufType, GgufType>>> = { Q4_0: "Q4_1", Q5_0: "Q5_1" };

const MIXED = Object.values(MIXTURES).map(({ most }) => most as GgufType);

/** All kinds by llama.cpp's names for them. */
export const FILE_TYPES: Readonly<Record<string, Kind>> = Object.fromEntries(
  WRITTEN_TYPES.flatMap((most): [string, Kind][] =>
    MIXED.includes(most)
      ? Object.entries(MIXTURES).filter(([, kind]) => kind.most === most)
      : [[most, { most, fileType: TENSOR_TYPES[most].fileType }]]
  ),
);

/** The kind of that name. @throws {ConfigError} where there is none. */
export function kindOf(type: string): Kind {
  if (Object.hasOwn(FILE_TYPES, type)) return FILE_TYPES[type]!;
  throw new ConfigError(
    `Cannot write a GGUF file of type "${type}"; wanted one of ${
      Object.keys(FILE_TYPES).join(", ")
    }`,
  );
}

/** What of a model decides the types of its tensors. */
export interface Sizes {
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values. */
  readonly groups: number;
  /** Whether the embedding is the output head too. */
  readonly tied: boolean;
  /** Whether matrices are rounded by an importance matrix. */
  readonly byImportance?: boolean | undefined;
}

/** The type of the matrix `name`, of rows of `columns`, in a file of `kind`, where they fill its blocks. */
export function typeIn(
  kind: string,
  name: string,
  columns: number,
  { layers, heads, groups, tied, byImportance = false }: Sizes,
): GgufType {
  const { most } = FILE_TYPES[kind]!;
  const { blockLength } = TENSOR_TYPES[most];
  if (blockLength === 1) return most;
  if (name === "output.weight" || (tied && name === "token_embd.weight")) {
    return most === "Q8_0" || columns % blockLength !== 0 ? "Q8_0" : "Q6_K";
  }
  const [, at, module] = /^blk\.(\d+)\.(.+)\.weight$/.exec(name) ?? [];
  const layer = Number(at);
  const isMiddling = kind === "Q4_K_M" || kind === "Q5_K_M";
  if (module === "attn_v" || module === "attn_qkv") {
    if (isMiddling && hasMoreBits(layer, layers)) return "Q6_K";
    const isLlama70B = layers === 80 && heads !== groups;
    const isRaised = (kind === "IQ4_NL" && heads / groups >= 4) ||
      (kind === "Q4_K_S" && layer < 4) || (most === "Q4_K" && isLlama70B);
    return isRaised ? "Q5_K" : most;
  }
  if (module === "ffn_down") {
    if (isMiddling && hasMoreBits(layer, layers)) return "Q6_K";
    if (layer >= Math.floor(layers / 8)) return most;
    if (byImportance && WITH_MINIMUM[most]) return WITH_MINIMUM[most];
    return kind === "Q4_K_S" || (kind === "IQ4_NL" && !byImportance) ? "Q5_K" : most;
  }
  return most;
}

/** Whether a layer is of the first or last eighth, or a third one of those between. */
function hasMoreBits(layer: number, layers: number): boolean {
  const eighth = Math.floor(layers / 8);
  return layer < eighth || layer >= Math.floor(7 * layers / 8) || (layer - eighth) % 3 === 2;
}

/** The type wanted, or what takes its place where its blocks do not fill a row; at the end F16. */
export function typeFor(wanted: GgufType, columns: number): GgufType {
  const name = fitting(formatOf(wanted)!, columns);
  return name === undefined ? "F16" : FORMATS[name].stored as GgufType;
}

/** A tensor's type, and the one that it would have if its rows were whole blocks. */
export interface Choice {
  readonly type: GgufType;
  readonly wanted: GgufType;
}

/** What {@link typeFor} changed, in words. */
export function fallbacks(choices: readonly Choice[]): string[] {
  const changed = Map.groupBy(
    choices.filter(({ type, wanted }) => type !== wanted),
    ({ type, wanted }) =>
      `${type}: their rows are no multiple of ${TENSOR_TYPES[wanted].blockLength}`,
  );
  return [...changed].map(([what, { length }]) => `${length} tensors are ${what}`);
}

/** How a type that is written rounds numbers. */
export function encodingOf(type: GgufType): WeightFormat {
  const name = formatOf(type);
  if (name === undefined) throw new TypeError(`No format writes ${type}`);
  return FORMATS[name];
}
