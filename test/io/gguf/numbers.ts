import { encodingOf } from "../../../src/export/gguf/file_types.ts";
import type { GgufFile } from "../../../src/io/gguf/reader.ts";

/** The numbers of a tensor of a GGUF file. */
export function ggufNumbers(file: GgufFile, name: string): Float32Array<ArrayBuffer> {
  return encodingOf(file.tensors.get(name)!.type).decode(file.read(name));
}
