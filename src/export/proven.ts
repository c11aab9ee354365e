/**
 * Writes a GGUF file under another name, reads it back and compares it before it gets its own.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { LORA, nameOfMethod } from "../adapters/methods/mod.ts";
import type { PeftAdapter } from "../adapters/peft/folder.ts";
import { FileError } from "../errors.ts";
import { exists } from "../io/files.ts";
import { remove, rename } from "../io/folders.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";
import type { Metadata } from "../io/gguf/metadata.ts";
import { type GgufFile, openGguf } from "../io/gguf/reader.ts";
import { type GgufTensor, writeGguf } from "../io/gguf/writer.ts";

/** What was written. */
export interface Exported {
  /** How many tensors. */
  readonly tensors: number;
  /** Bytes of the tensors. */
  readonly bytes: number;
  /** What the reader of the file should know, in words. */
  readonly notes: readonly string[];
}

/**
 * Writes the file `out`; `refuse` may throw once all tensors are written, and nothing is left then.
 *
 * @throws {FileError} where `out` is taken, the disk refuses, or it gives back other bytes.
 */
export function writeProven(
  out: string,
  metadata: Metadata,
  tensors: readonly GgufTensor[],
  notes: readonly string[],
  refuse: () => void = () => {},
): Exported {
  if (exists(out)) throw new FileError(`Cannot write ${out}: it is there already`);
  const unproven = `${out}.unproven`;
  const hashed = tensors.map(withHash);
  writeGguf(unproven, metadata, hashed);
  try {
    refuse();
    using file = openGguf(unproven);
    compare(file, metadata, hashed);
    rename(unproven, out);
    const bytes = file.tensors.values().reduce((sum, tensor) => sum + tensor.bytes, 0);
    return { tensors: tensors.length, bytes, notes };
  } catch (fault) {
    remove(unproven);
    throw fault;
  }
}

/** A tensor that remembers a hash of its bytes, which may have cost much to make. */
interface HashedTensor extends GgufTensor {
  hash(): string;
}

function withHash(tensor: GgufTensor): HashedTensor {
  const hash = createHash("sha256");
  return {
    ...tensor,
    *data() {
      for (const piece of tensor.data()) {
        hash.update(piece);
        yield piece;
      }
    },
    hash: () => hash.digest("hex"),
  };
}

/** Bytes of a tensor that are read back at a time. */
const PIECE = 1 << 22;

/** Compares every value, and a hash of every tensor, with what was to be written. */
function compare(file: GgufFile, metadata: Metadata, tensors: readonly HashedTensor[]): void {
  const fault = (what: string) => new FileError(`Cannot trust ${file.path}: ${what}`);
  for (const [key, { type, value }] of metadata) {
    const found = JSON.stringify(file.metadata.get(key));
    const wanted = type === "float32" ? toFloat32(value) : value;
    if (found !== JSON.stringify(wanted)) throw fault(`"${key}" reads back as ${found}`);
  }
  for (const [i, { name, shape, type, hash }] of tensors.entries()) {
    tell("reading tensors back", i, tensors.length);
    const there = file.tensors.get(name);
    if (there?.type !== type || String(there.shape) !== String(shape)) {
      throw fault(`tensor "${name}" reads back as ${there?.type} [${there?.shape}]`);
    }
    const found = createHash("sha256");
    for (let at = 0; at < there.bytes; at += PIECE) {
      heed();
      found.update(file.read(name, at, Math.min(PIECE, there.bytes - at)));
    }
    if (found.digest("hex") !== hash()) throw fault(`tensor "${name}" reads back as other bytes`);
  }
}

/**
 * Refuses an adapter that a format cannot hold.
 *
 * @throws {FileError} where it has tensors in place of the base's, or is of another method than LoRA.
 */
export function refuseBeyondLora(adapter: PeftAdapter, kind: string): void {
  const { whole = [], tables = [], tokens = [], config } = adapter;
  const name = nameOfMethod(config);
  if (name !== LORA.name) {
    throw new FileError(
      `Cannot export the adapter: ${kind} holds plain LoRA alone, found ${name}` +
        (adapter.prompt ? "" : "; merge it and export the model"),
    );
  }
  if (tokens.length > 0) {
    throw new FileError(
      `Cannot export the adapter: ${kind} cannot hold rows of ${tokens[0]!.module} by themselves ` +
        "(trainable_token_indices); merge it and export the model",
    );
  }
  const [first] = [...whole, ...tables];
  if (first === undefined) return;
  throw new FileError(
    `Cannot export the adapter: ${kind} cannot hold the whole tensor "${first.name}" ` +
      "(modules_to_save, bias, a resized vocabulary); merge it and export the model",
  );
}

function toFloat32(value: unknown): unknown {
  return Array.isArray(value) ? value.map(Math.fround) : Math.fround(value as number);
}
