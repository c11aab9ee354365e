/**
 * Seals: safetensors files that carry a SHA-256 of each tensor and of all else that they say, so that
 * a damaged one is known before it is used.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { FileError } from "../../errors.ts";
import { type SafetensorsFile, type TensorData, writeSafetensors } from "./safetensors.ts";

/** A tensor in memory. */
export type WholeTensor = TensorData & { readonly data: Uint8Array };

/** What the metadata have the hashes of tensors under, and that of themselves. */
const SEAL = "sha256";

const sha256 = (of: Uint8Array | string): string => createHash("sha256").update(of).digest("hex");

/** As {@linkcode writeSafetensors}, with hashes. */
export function writeSealed(
  path: string,
  tensors: readonly WholeTensor[],
  metadata: Readonly<Record<string, string>>,
): void {
  const hashes = tensors.map(({ name, data }) => [`${SEAL} ${name}`, sha256(data)] as const);
  const all = { ...metadata, ...Object.fromEntries(hashes) };
  writeSafetensors(path, tensors, { ...all, [SEAL]: sha256(canonical(all)) });
}

/**
 * The tensors of a sealed file, all of them, and what it says beside them.
 *
 * @throws {FileError} where a part is not what was written, which it names.
 */
export function readSealed(
  file: SafetensorsFile,
): { tensors: ReadonlyMap<string, Uint8Array>; metadata: Readonly<Record<string, string>> } {
  const { [SEAL]: seal, ...metadata } = file.metadata;
  if (seal === undefined) throw new FileError(`Cannot use ${file.path}: it carries no SHA-256`);
  if (seal !== sha256(canonical(metadata))) throw damaged(file, "its header");
  const tensors = new Map<string, Uint8Array>();
  for (const name of file.tensors.keys()) {
    const bytes = file.read(name);
    if (metadata[`${SEAL} ${name}`] !== sha256(bytes)) throw damaged(file, name);
    tensors.set(name, bytes);
  }
  const rest = Object.entries(metadata).filter(([key]) => !key.startsWith(`${SEAL} `));
  return { tensors, metadata: Object.fromEntries(rest) };
}

const canonical = (metadata: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1));

function damaged({ path }: SafetensorsFile, part: string): FileError {
  return new FileError(`Cannot use ${path}: ${part} is damaged, its SHA-256 is another`);
}
