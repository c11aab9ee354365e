/**
 * Two small tokenizers of the kinds that models with chat templates have, with their special tokens:
 * byte-level BPE as in Llama 3 and Qwen, and SentencePiece's BPE as in Llama 2 and Mistral.
 */

import { Tokenizer } from "../../../src/deps/tokenizers.ts";
import type { RowTokenizer } from "../../../src/data/mod.ts";

/** Words that become single tokens, with the space before them. */
const WORDS = [
  "Hello",
  "you",
  "are",
  "the",
  "answer",
  "user",
  "assistant",
  "system",
  "INST",
  "ASS",
];

const PATTERN = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|` +
  String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

export const BYTE_LEVEL_SPECIAL = [
  "<s>",
  "</s>",
  "<|begin_of_text|>",
  "<|im_start|>",
  "<|im_end|>",
  "<|start_header_id|>",
  "<|end_header_id|>",
  "<|eot_id|>",
  "<start_of_turn>",
  "<end_of_turn>",
];

/** `tokenizer.json` of the byte-level kind. */
export function byteLevelTokenizer() {
  const { vocab, merges } = bpe(Object.values(byteCharacters()), "Ġ");
  const split = { type: "Split", pattern: { Regex: PATTERN }, behavior: "Isolated", invert: false };
  const bytes = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  return {
    ...tokenizer(vocab, merges, BYTE_LEVEL_SPECIAL, {}),
    normalizer: null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [split, { ...bytes, use_regex: false }] },
    post_processor: null,
    decoder: { ...bytes, use_regex: true },
  };
}

/** `tokenizer.json` of SentencePiece's kind. */
export function sentencePieceTokenizer() {
  const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i));
  const fallback = Array.from({ length: 256 }, (_, byte) => `<0x${hex(byte)}>`);
  const { vocab, merges } = bpe([...fallback, "▁", ...letters], "▁");
  const replace = (from: string, content: string) => ({
    type: "Replace",
    pattern: { String: from },
    content,
  });
  const options = { byte_fallback: true, fuse_unk: true, unk_token: "<unk>" };
  return {
    ...tokenizer(vocab, merges, ["<unk>", "<s>", "</s>"], options),
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "Prepend", prepend: "▁" }, replace(" ", "▁")],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [replace("▁", " "), { type: "ByteFallback" }, { type: "Fuse" }],
    },
  };
}

/** A row tokenizer over such a tokenizer, and its way back; `bos` null for a model that wants none. */
export function chatEncoder(
  json: ReturnType<typeof byteLevelTokenizer> | ReturnType<typeof sentencePieceTokenizer>,
  bos: string | null,
  eos: string,
): RowTokenizer & { decode(ids: Iterable<number>): string } {
  const inner = new Tokenizer(json, {});
  return {
    encode: (text) => inner.encode(text, { add_special_tokens: false }).ids,
    bos: bos === null ? null : inner.token_to_id(bos)!,
    eos: inner.token_to_id(eos)!,
    chat: {
      template: null,
      bosToken: bos ?? "",
      eosToken: eos,
      specialTokens: json.added_tokens.map(({ content }) => content),
    },
    decode: (ids) => {
      const list = [...ids];
      const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
      return list.length === 0 ? "" : inner.decode(list, options);
    },
  };
}

/** A vocabulary of single characters and of the words, merged from the left. */
function bpe(characters: readonly string[], space: string) {
  const vocab = [...characters];
  const merges: [string, string][] = [];
  for (const word of WORDS.flatMap((word) => [word, space + word])) {
    let made = word[0]!;
    for (const character of word.slice(1)) {
      if (!vocab.includes(made + character)) {
        vocab.push(made + character);
        merges.push([made, character]);
      }
      made += character;
    }
  }
  return { vocab, merges };
}

function tokenizer(
  vocab: readonly string[],
  merges: readonly [string, string][],
  special: readonly string[],
  options: Record<string, unknown>,
) {
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  const model = { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null };
  const names = { end_of_word_suffix: null, fuse_unk: false, byte_fallback: false };
  const ids = Object.fromEntries([...special, ...vocab].map((token, id) => [token, id]));
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, id) => ({ id, content, ...flags, special: true })),
    model: { ...model, ...names, ignore_merges: false, vocab: ids, merges, ...options },
  };
}

/** GPT-2's printable stand-in for each byte. */
function byteCharacters(): Record<number, string> {
  const characters: Record<number, string> = {};
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
    characters[byte] = String.fromCodePoint(isPrintable ? byte : next++);
  }
  return characters;
}
