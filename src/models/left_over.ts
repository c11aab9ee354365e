/**
 * What of a checkpoint a model's forward does not read, and a head that config.json denies.
 *
 * @module
 */
import type { Engine } from "../graph/compile.ts";
import type { Checkpoint } from "../io/checkpoint.ts";
import type { TensorInfo } from "../io/safetensors/safetensors.ts";
import type { Model } from "./model.ts";
import { unchanging } from "./virtual.ts";
import { HEAD, type Stored, Tensors } from "./stored.ts";

/** Bytes of two tables in hand at a time. */
const PIECE = 4 << 20;

/** Whether a checkpoint has been compared: it is asked for each module of a merge. */
const compared = new WeakMap<Checkpoint, boolean>();

/**
 * Whether a checkpoint has a head that differs from its embedding. Where config.json ties the two,
 * transformers 5 takes it for a head of its own then, which older versions overwrote.
 */
export function hasOwnHead(checkpoint: Checkpoint, stored: Stored): boolean {
  const known = compared.get(checkpoint);
  if (known !== undefined) return known;
  const names = new Tensors(checkpoint, stored);
  const [head, embedding] = [names.nameOf(HEAD), names.nameOf(names.embedding)];
  const { tensors } = checkpoint;
  const differs = tensors.has(head) && tensors.has(embedding) &&
    !areEqual(checkpoint, head, embedding);
  compared.set(checkpoint, differs);
  return differs;
}

function areEqual(checkpoint: Checkpoint, ...names: [string, string]): boolean {
  const [a, b] = names.map((name) => checkpoint.get(name)) as [TensorInfo, TensorInfo];
  if (a.dtype !== b.dtype || a.bytes !== b.bytes || String(a.shape) !== String(b.shape)) {
    return false;
  }
  const buffers = [new Uint8Array(PIECE), new Uint8Array(PIECE)];
  for (let offset = 0; offset < a.bytes; offset += PIECE) {
    const length = Math.min(PIECE, a.bytes - offset);
    const [x, y] = names.map((name, i) =>
      checkpoint.read(name, { offset, length, into: buffers[i]!.subarray(0, length) })
    );
    if (x!.some((byte, i) => byte !== y![i])) return false;
  }
  return true;
}

/** What files hold beside a model, and nothing is lost without: tables of angles and of masks. */
const BUFFERS = /(^|\.)(rotary_emb\.inv_freq|attn\.(masked_)?bias|attention\.(masked_)?bias)$/;
/** Copies of the table that T5's encoder and decoder share. */
const COPIES = /^(encoder|decoder)\.embed_tokens\.weight$/;

/** Kinds of names that are written out. */
const MOST_KINDS = 8;

/** Names of the tensors that no graph of a model reads, in the order of its files. */
export function unreadTensors(engine: Engine, model: Model): string[] {
  const { graph, tables } = model.lossGraph(engine, { T: 8, adapt: unchanging(model) });
  const read = new Set(
    graph.values.filter(({ kind, name }) => kind === "weight" && !tables.has(name))
      .map(({ name }) => model.tensors.nameOf(name)),
  );
  return [...model.checkpoint.tensors.keys()].filter((name) =>
    !read.has(name) && !BUFFERS.test(name) && !COPIES.test(name) &&
    !(model.config.tied && model.tensors.isHead(name))
  );
}

/** What is worth saying of a model before it is used, a line each. */
export function notesOf(engine: Engine, model: Model): string[] {
  const { checkpoint: { folder }, tensors, hasDeniedHead } = model;
  const unread = unreadTensors(engine, model);
  return [
    ...hasDeniedHead
      ? [
        `${folder}: config.json ties embedding and head, but ${tensors.nameOf(HEAD)} differs ` +
        "from the embedding, so it is the head (as in transformers 5)",
      ]
      : [],
    ...unread.length > 0
      ? [`${folder}: ${unread.length} tensors are not read: ${kindsOf(unread)}`]
      : [],
  ];
}

/** Names that differ in their numbers alone as one, with a count. */
function kindsOf(names: readonly string[]): string {
  const kinds = Map.groupBy(names, (name) => name.replace(/\d+/g, "*"));
  const words = [...kinds].map(([kind, of]) => of.length === 1 ? of[0]! : `${kind} (${of.length})`);
  const more = words.length - MOST_KINDS;
  return [...words.slice(0, MOST_KINDS), ...(more > 0 ? [`${more} kinds more`] : [])].join(", ");
}
