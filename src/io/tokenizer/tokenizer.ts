/**
 * Tokenizers of checkpoint folders, read from `tokenizer.json` by `@huggingface/tokenizers`.
 *
 * @module
 */

import { Tokenizer as HuggingFaceTokenizer } from "../../deps/tokenizers.ts";
import { FileError } from "../../errors.ts";
import { type AddedToken, AddedTokens } from "./added_tokens.ts";
import { refuseEndless } from "../pattern.ts";
import { isObject, kindOf } from "../files.ts";
import { modelFile, modelJson, requireJson } from "../model_files.ts";
import {
  bounded,
  correctDecoder,
  corrected,
  correctNormalizer,
  refuseEnormous,
} from "./tokenizer_json.ts";

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
  /** Every special token as text. */
  readonly specialTokens: readonly string[];
  /** Id of what stands for text that the vocabulary lacks, or null where nothing does. */
  readonly unknown: number | null;
  /** Whether some of a text is left out since the vocabulary lacks it and has nothing for it. */
  drops(text: string): boolean;
}

type Json = Record<string, unknown>;

/**
 * Loads the tokenizer of a checkpoint folder, or of a GGUF file. The ids of BOS and EOS come from
 * `tokenizer_config.json`, else `special_tokens_map.json`, else `config.json`.
 *
 * @param options With `from`, the folder of `tokenizer.json`, such as one of a resized vocabulary.
 * @throws {FileError} If `tokenizer.json` is missing, damaged or of a kind that is not supported,
 * or a special token that is named is not in it.
 */
export function loadTokenizer(folder: string, { from = folder } = {}): Tokenizer {
  const path = modelFile(from, "tokenizer.json");
  const config = modelJson(from, "tokenizer_config.json") ??
    readOptional(folder, "tokenizer_config.json");
  const json = requireJson(from, "tokenizer.json");
  checkIds(path, json);
  const { inner, encode, drops } = construct(path, json, config);
  const bos = specialId(folder, inner, config, "bos");
  const addsBos = bos !== null && (config["add_bos_token"] ?? inner.encode("a").ids[0] === bos);
  return {
    bos,
    eos: specialId(folder, inner, config, "eos"),
    vocabSize: 1 + inner.get_vocab().values().reduce((a, b) => Math.max(a, b), -1),
    addsBos: addsBos === true,
    specialTokens: specialTokens(json),
    unknown: inner.model?.unk_token_id ?? null,
    encode,
    drops,
    decode: (ids, { skipSpecial = true } = {}) => decode(inner, ids, skipSpecial),
  };
}

/** The patterns that a `tokenizer.json` splits or replaces by. */
function* patternsIn(part: unknown): Generator<string> {
  if (Array.isArray(part)) { for (const inner of part) yield* patternsIn(inner); }
  if (!isObject(part)) return;
  const { Regex: pattern } = part;
  if (typeof pattern === "string") yield pattern;
  for (const inner of Object.values(part)) yield* patternsIn(inner);
}

function construct(path: string, tokenizer: Json, config: Json) {
  for (const part of ["normalizer", "pre_tokenizer", "decoder"]) {
    refuseEnormous(path, tokenizer[part]);
    for (const pattern of patternsIn(tokenizer[part])) refuseEndless(pattern, path);
  }
  try {
    const { added_tokens = [] } = tokenizer;
    const parts = {
      ...tokenizer,
      added_tokens,
      normalizer: corrected(tokenizer["normalizer"]),
      pre_tokenizer: corrected(tokenizer["pre_tokenizer"]),
    };
    const inner = new HuggingFaceTokenizer(parts, config);
    byteLevels(inner.pre_tokenizer).forEach(rememberPieces);
    correctNormalizer(inner.normalizer);
    correctDecoder(inner.decoder);
    const encoder = encoderOf(inner, added_tokens as AddedToken[]);
    const encode = (text: string) => wholeIds(path, encoder(text));
    return { inner, encode, drops: dropsOf(inner, tokenizer["model"]) };
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

/** A model of an odd kind may have no id for a piece, and say nothing of it. */
function wholeIds(path: string, ids: number[]): number[] {
  if (ids.every(Number.isInteger)) return ids;
  throw new FileError(`Cannot use ${path}: its model makes a token of a text that has no id`);
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

/** The library takes ids as they are, and they become rows of the embedding. */
/** Tables are as long as the largest id; the largest vocabularies have some 260,000 tokens. */
const MOST_IDS = 2 ** 24;

function checkIds(path: string, { added_tokens: added, model }: Json): void {
  const { type } = isObject(model) ? model : {};
  if (type !== undefined && typeof type !== "string") {
    throw new FileError(`Cannot use ${path}: model.type is ${kindOf(type)}, wanted its name`);
  }
  const vocab = isObject(model) && isObject(model["vocab"]) ? Object.entries(model["vocab"]) : [];
  const more = (Array.isArray(added) ? added : []).filter(isObject)
    .map(({ content, id }) => [content, id] as const);
  for (const [token, id] of [...vocab, ...more]) {
    if (Number.isInteger(id) && id as number >= 0 && id as number < MOST_IDS) continue;
    throw new FileError(
      `Cannot use ${path}: token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}, ` +
        `wanted a whole number from 0 on, below ${MOST_IDS}`,
    );
  }
}

/**
 * Encodes as the original: added tokens are taken out of the text, those that ask for it out of the
 * normalised text, and the rest goes through normaliser, pre-tokeniser and model.
 */
function encoderOf(inner: HuggingFaceTokenizer, added: readonly AddedToken[]) {
  const { normalizer, pre_tokenizer, model } = inner;
  const normalize = (text: string) => normalizer ? bounded(normalizer(text), text) : text;
  const isNormalized = ({ normalized, special }: AddedToken) => normalized ?? !special;
  const [late, early] = [true, false].map((wanted) =>
    new AddedTokens(
      added.filter((token) => isNormalized(token) === wanted)
        .map((token) => [wanted ? normalize(token.content) : token.content, token]),
    )
  ) as [AddedTokens, AddedTokens];
  const idsOf = (text: string, isFirst: boolean): number[] => {
    // A Metaspace may prepend its space to the first section only, which has index 0.
    const words = pre_tokenizer?.(text, { section_index: isFirst ? 0 : 1 }) ?? [text];
    return model!(words).map((token) => model!.tokens_to_ids.get(token) ?? model!.unk_token_id!);
  };
  return (text: string): number[] =>
    early.split(text).flatMap((piece) => {
      if ("id" in piece) return [piece.id];
      return late.split(normalize(piece.text)).flatMap((part) =>
        "id" in part ? [part.id] : idsOf(part.text, piece.from === 0 && part.from === 0)
      );
    });
}

/** Text is left out by models of pairs without bytes and without an unknown token. */
function dropsOf(inner: HuggingFaceTokenizer, json: unknown): (text: string) => boolean {
  const { normalizer, pre_tokenizer, model } = inner;
  const { type, byte_fallback } = isObject(json) ? json : {};
  const isPairs = type === "BPE" || isObject(json) && "merges" in json;
  const knowsAll = byte_fallback === true || byteLevels(pre_tokenizer).length > 0;
  if (!isPairs || knowsAll || (model?.unk_token_id ?? null) !== null) return () => false;
  return (text) => {
    const words = pre_tokenizer?.(normalizer ? normalizer(text) : text) ?? [text];
    return words.some((word) =>
      [...word].some((character) => !model!.tokens_to_ids.has(character))
    );
  };
}

/** The special tokens of a `tokenizer.json`, as text. */
export function specialTokens({ added_tokens: added }: Json): string[] {
  return (Array.isArray(added) ? added : []).filter(isObject)
    .filter(({ special, content }) => special === true && typeof content === "string")
    .map(({ content }) => content as string).filter((content) => content !== "");
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
  return modelJson(folder, name) ?? {};
}
