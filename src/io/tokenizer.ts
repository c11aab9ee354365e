/**
 * Tokenizers of checkpoint folders, read from `tokenizer.json` by `@huggingface/tokenizers`.
 *
 * @module
 */

import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { exists, isObject, readJsonObject } from "./files.ts";

/** Turns text into token ids and back. */
export interface Tokenizer {
  /**
   * The ids of `text`, without the special tokens that a model wants around it. A special token
   * written out in `text` becomes its id; what the vocabulary lacks becomes its unknown token, or
   * nothing where there is none. Time can grow faster than the text, so split by document.
   */
  encode(text: string): number[];
  /** The text of `ids`, spaces as they are; special tokens are left out unless asked for. */
  decode(ids: readonly number[], options?: { skipSpecial?: boolean }): string;
  /** Id of the token that begins a document, or null if the model has none. */
  readonly bos: number | null;
  /** Id of the token that ends a document or a turn, or null if the model has none. */
  readonly eos: number | null;
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** Whether the model expects `bos` before each document. */
  readonly addsBos: boolean;
}

type Json = Record<string, unknown>;

/**
 * Loads the tokenizer of a checkpoint folder. The ids of BOS and EOS come from
 * `tokenizer_config.json`, else `special_tokens_map.json`, else `config.json`.
 *
 * @throws {FileError} If `tokenizer.json` is missing, damaged or of a kind that is not supported,
 * or a special token that is named is not in it.
 */
export function loadTokenizer(folder: string): Tokenizer {
  const path = join(folder, "tokenizer.json");
  const config = readOptional(folder, "tokenizer_config.json");
  const inner = construct(path, readJsonObject(path), config);
  const bos = specialId(folder, inner, config, "bos");
  const addsBos = bos !== null && (config["add_bos_token"] ?? inner.encode("a").ids[0] === bos);
  return {
    bos,
    eos: specialId(folder, inner, config, "eos"),
    vocabSize: 1 + inner.get_vocab().values().reduce((a, b) => Math.max(a, b), -1),
    addsBos: addsBos === true,
    encode: (text) => inner.encode(text, { add_special_tokens: false }).ids,
    decode: (ids, { skipSpecial = true } = {}) => decode(inner, ids, skipSpecial),
  };
}

function construct(path: string, tokenizer: Json, config: Json): HuggingFaceTokenizer {
  try {
    const inner = new HuggingFaceTokenizer({ added_tokens: [], ...tokenizer }, config);
    byteLevels(inner.pre_tokenizer).forEach(rememberPieces);
    return inner;
  } catch (fault) {
    throw new FileError(`Cannot use ${path}: ${(fault as Error).message}`, { cause: fault });
  }
}

type PreTokenizer = NonNullable<HuggingFaceTokenizer["pre_tokenizer"]>;
type ByteLevel = PreTokenizer & {
  pattern: RegExp;
  use_regex: boolean;
  add_prefix_space: boolean;
};

/** The byte-level pre-tokenizers of a tokenizer: itself, or parts of a sequence. */
function byteLevels(one: PreTokenizer | null): ByteLevel[] {
  if (one === null) return [];
  if ("tokenizers" in one) return (one.tokenizers as (PreTokenizer | null)[]).flatMap(byteLevels);
  return isByteLevel(one) ? [one] : [];
}

const isByteLevel = (one: PreTokenizer): one is ByteLevel => "byte_encoder" in one;

/** Pieces that are kept, with the characters that stand for their bytes. */
const MOST_PIECES = 50_000;
/** Longer pieces are not kept: V8 would keep the text that they were cut from. */
const LONGEST_PIECE = 12;

/**
 * Makes a byte-level pre-tokenizer keep what it made of each piece: most pieces of a text are words
 * that came before, and the library would go through their bytes each time.
 */
function rememberPieces(one: ByteLevel): void {
  const { pattern, use_regex: splits } = one;
  if (splits && one.add_prefix_space) return; // puts the space before it splits
  const own = one.pre_tokenize_text.bind(one);
  const known = new Map<string, string>();
  const bytesOf = (piece: string) => {
    const found = known.get(piece);
    if (found !== undefined) return found;
    const [bytes = ""] = own(piece);
    if (known.size >= MOST_PIECES) known.clear();
    if (piece.length <= LONGEST_PIECE) known.set(piece, bytes);
    return bytes;
  };
  one.use_regex = false; // own() is given pieces
  one.pre_tokenize_text = (text) =>
    splits ? text.match(pattern)?.map(bytesOf) ?? [] : [bytesOf(text)];
}

function decode(
  inner: HuggingFaceTokenizer,
  ids: readonly number[],
  skipSpecial: boolean,
): string {
  // The library throws at an empty array.
  if (ids.length === 0) return "";
  return inner.decode([...ids], {
    skip_special_tokens: skipSpecial,
    clean_up_tokenization_spaces: false,
  });
}

function specialId(
  folder: string,
  inner: HuggingFaceTokenizer,
  config: Json,
  kind: "bos" | "eos",
): number | null {
  const key = `${kind}_token`;
  // A null in the tokenizer's own config says that there is none, whatever the model's config has.
  if (config[key] === null) return null;
  const token = content(config[key]) ??
    content(readOptional(folder, "special_tokens_map.json")[key]);
  if (token === undefined) return modelId(folder, `${key}_id`);
  const id = inner.token_to_id(token);
  if (id !== undefined) return id;
  throw new FileError(
    `Cannot use the tokenizer in ${folder}: its ${key} "${token}" is not in tokenizer.json`,
  );
}

/** A special token is written as its text, or as an object that has the text as `content`. */
function content(token: unknown): string | undefined {
  const text = isObject(token) ? token["content"] : token;
  return typeof text === "string" ? text : undefined;
}

/** The id under `key` of `config.json`, the first where there are several. */
function modelId(folder: string, key: string): number | null {
  const value = readOptional(folder, "config.json")[key];
  const id = Array.isArray(value) ? value[0] : value;
  return typeof id === "number" ? id : null;
}

function readOptional(folder: string, name: string): Json {
  const path = join(folder, name);
  return exists(path) ? readJsonObject(path) : {};
}
