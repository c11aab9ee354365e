/**
 * Importance matrices: how much an error in each column of a matrix counts, which is the mean of the
 * squares of what that column is multiplied by; and the GGUF files that llama.cpp's `llama-imatrix`
 * writes of them and `llama-quantize` reads.
 *
 * Source: llama.cpp, `tools/imatrix/imatrix.cpp` and `common/imatrix-loader.cpp`.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { type Architecture, moduleName } from "../../io/gguf/architectures.ts";
import { type MetadataValue, string, strings, uint32 } from "../../io/gguf/metadata.ts";
import { type GgufFile, openGguf } from "../../io/gguf/reader.ts";
import { type Exported, writeProven } from "../proven.ts";

/** An importance matrix for each of a model's matrices that has one. */
export interface ImportanceMatrix {
  /** By the tensor's name in a GGUF file: the sum of squares of each column's activations, [columns]. */
  readonly sums: ReadonlyMap<string, Float32Array>;
  /** Tokens that they are sums over, by the same names. */
  readonly counts: ReadonlyMap<string, number>;
  /** Files of the text. */
  readonly datasets: readonly string[];
  /** Pieces of text that were read one after another; llama.cpp counts them. */
  readonly chunks: number;
}

const [SUMS, COUNTS] = [".in_sum2", ".counts"];
const CHUNKS = "imatrix.chunk_count";
const CHUNK_SIZE = "imatrix.chunk_size";

/** Of sums by modules of a checkpoint: under the names that a GGUF file has for them. */
export function importanceOf(
  architecture: Architecture,
  { modules, tokens }: {
    readonly modules: ReadonlyMap<string, Float32Array>;
    readonly tokens: number;
  },
  datasets: readonly string[],
): ImportanceMatrix {
  const named = [...modules].flatMap(([module, sums]) => {
    const name = moduleName(architecture, module);
    return name === undefined ? [] : [[`${name}.weight`, sums] as const];
  });
  return {
    sums: new Map(named),
    counts: new Map(named.map(([name]) => [name, tokens])),
    ...{ datasets, chunks: 1 },
  };
}

/**
 * What errors in each column of the matrix `name` count, as llama.cpp's quantiser takes it: the mean
 * of squares, 1 where nothing was counted; undefined where the matrix has none.
 *
 * @throws {FileError} where it has another number of columns, or one that is no finite number from 0 on.
 */
export function columnsOf(
  { sums, counts }: ImportanceMatrix,
  name: string,
  columns: number,
): Float32Array | undefined {
  const found = sums.get(name);
  if (found === undefined) return undefined;
  const fault = (what: string) => new FileError(`Importance matrix: tensor "${name}" ${what}`);
  if (found.length !== columns) {
    throw fault(`has ${found.length} columns there, wanted ${columns} as in the model`);
  }
  const bad = found.find((sum) => !(sum >= 0 && sum < Infinity));
  if (bad !== undefined) throw fault(`has a sum of ${bad}, wanted a finite number from 0 on`);
  const count = counts.get(name)!;
  return found.map((sum) => count > 0 ? sum / count : 1);
}

/** What a file says of the importance matrix that it was rounded by. */
export function importanceMetadata(
  { sums, datasets, chunks }: ImportanceMatrix,
  file: string,
): [string, MetadataValue][] {
  return [
    ["quantize.imatrix.file", string(file)],
    ...datasets.slice(0, 1).map((path): [string, MetadataValue] => [
      "quantize.imatrix.dataset",
      string(path),
    ]),
    ["quantize.imatrix.entries_count", uint32(sums.size)],
    ["quantize.imatrix.chunks_count", uint32(chunks)],
  ];
}

/**
 * Writes an importance matrix for llama.cpp.
 *
 * @throws {FileError} as {@link writeProven}.
 */
export function writeImportance(out: string, matrix: ImportanceMatrix): Exported {
  const { sums, counts, datasets, chunks } = matrix;
  const metadata = new Map<string, MetadataValue>([
    ["general.type", string("imatrix")],
    ["imatrix.datasets", strings(datasets)],
    [CHUNKS, uint32(chunks)],
    [CHUNK_SIZE, uint32(Math.ceil(Math.max(...counts.values()) / chunks))],
  ]);
  const tensor = (name: string, numbers: Float32Array) => ({
    ...{ name, type: "F32" as const, shape: [numbers.length] },
    data: () => [new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)],
  });
  const tensors = [...sums.keys()].sort().flatMap((name) => [
    tensor(`${name}${SUMS}`, sums.get(name)!),
    tensor(`${name}${COUNTS}`, Float32Array.of(counts.get(name)!)),
  ]);
  return writeProven(out, metadata, tensors, []);
}

/**
 * Reads an importance matrix of llama.cpp, in GGUF.
 *
 * @throws {FileError} where the file is damaged, of the older form or none of an importance matrix.
 */
export function readImportance(path: string): ImportanceMatrix {
  using file = openGguf(path);
  const kind = file.metadata.get("general.type");
  if (kind !== "imatrix") {
    throw new FileError(
      `${path}: found a GGUF file of ${
        kind ?? "no type"
      }, wanted an importance matrix of llama-imatrix`,
    );
  }
  const names = [...file.tensors.keys()].filter((name) => name.endsWith(SUMS))
    .map((name) => name.slice(0, -SUMS.length));
  if (names.length === 0) throw new FileError(`${path}: found no ${SUMS} tensor, wanted some`);
  const [datasets, chunks] = ["imatrix.datasets", CHUNKS].map((key) => file.metadata.get(key));
  const counts = new Map(names.map((name) => [name, countOf(file, name)]));
  return {
    sums: new Map(names.map((name) => [name, floatsOf(file, `${name}${SUMS}`)])),
    counts,
    datasets: Array.isArray(datasets) ? datasets.map(String) : [],
    chunks: typeof chunks === "number" && chunks > 0 ? chunks : 1,
  };
}

/** Rounded, as llama.cpp rounds it. */
function countOf(file: GgufFile, name: string): number {
  const counts = floatsOf(file, `${name}${COUNTS}`);
  if (counts.length === 1 && counts[0]! >= 0 && Number.isFinite(counts[0])) {
    return Math.round(counts[0]!);
  }
  throw new FileError(
    `${file.path}: found ${
      counts.length === 1 ? counts[0] : `${counts.length} counts`
    } for tensor ` +
      `"${name}", wanted one count of tokens: matrices of experts are not built`,
  );
}

function floatsOf(file: GgufFile, name: string): Float32Array {
  const type = file.tensors.get(name)?.type;
  if (type === "F32") return new Float32Array(file.read(name).buffer);
  throw new FileError(`${file.path}: found ${type ?? "no"} tensor "${name}", wanted one of F32`);
}
