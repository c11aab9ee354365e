/**
 * Trains the quickstart's tokenizer: byte-level BPE as in GPT-2, so that every text has tokens and
 * comes back unchanged.
 *
 * @module
 */

/** Begins every document. Its id is 0. */
export const BOS: string = "<s>";
/** Ends every document and every answer. Its id is 1. */
export const EOS: string = "</s>";

/** GPT-2's split into words, numbers, punctuation and spaces; merges never cross it. */
const PIECES = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** GPT-2's printable character for each byte: itself if visible, else one from U+0100 on. */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  let hidden = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const visible = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    return String.fromCodePoint(visible ? byte : hidden++);
  });
}

/** A trained byte-pair encoding. */
export interface Bpe {
  /** The token of each id. */
  readonly tokens: readonly string[];
  /** Pairs of tokens that join, the first learned first. */
  readonly merges: readonly (readonly [string, string])[];
}

/** A distinct piece of the text, as its current tokens, and how often it occurs. */
interface Piece {
  tokens: string[];
  readonly count: number;
}

/**
 * Byte-pair encoding (Sennrich et al. 2016) over bytes: joins the most frequent pair of neighbours
 * until there are `size` tokens; of equally frequent pairs, the first in code unit order. Throws a
 * RangeError where the text has too few pairs for that.
 */
export function trainBpe(texts: Iterable<string>, size: number): Bpe {
  const pieces = countPieces(texts);
  const tokens = [BOS, EOS, ...BYTE_CHARACTERS];
  const merges: [string, string][] = [];
  while (tokens.length < size) {
    const pair = mostFrequentPair(pieces);
    if (!pair) throw new RangeError(`Found text for ${tokens.length} tokens, wanted ${size}`);
    merges.push(pair);
    tokens.push(pair.join(""));
    for (const piece of pieces) piece.tokens = join(piece.tokens, pair);
  }
  return { tokens, merges };
}

function countPieces(texts: Iterable<string>): Piece[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(PIECES)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  const encoder = new TextEncoder();
  return [...counts].map(([piece, count]) => ({
    tokens: Array.from(encoder.encode(piece), (byte) => BYTE_CHARACTERS[byte]!),
    count,
  }));
}

function mostFrequentPair(pieces: readonly Piece[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { tokens, count } of pieces) {
    for (let i = 1; i < tokens.length; i++) {
      const pair = `${tokens[i - 1]} ${tokens[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  for (const [pair, count] of counts) {
    const most = best === undefined ? 0 : counts.get(best)!;
    if (count > most || (count === most && pair < best!)) best = pair;
  }
  return best?.split(" ") as [string, string] | undefined;
}

function join(tokens: string[], [left, right]: readonly [string, string]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const both = tokens[i] === left && tokens[i + 1] === right;
    joined.push(both ? left + right : tokens[i]!);
    if (both) i++;
  }
  return joined;
}

/**
 * The three files of a Hugging Face tokenizer, by name, for a model that takes `contextLength`
 * tokens. Encoding puts BOS first and adds no EOS.
 */
export function tokenizerFiles(bpe: Bpe, contextLength: number): Record<string, unknown> {
  const special = (content: string) => ({
    content,
    lstrip: false,
    normalized: false,
    rstrip: false,
    single_word: false,
    special: true,
  });
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [BOS, EOS].map((token, id) => ({ id, ...special(token) })),
      normalizer: null,
      pre_tokenizer: byteLevel(),
      post_processor: startsWithBos(),
      decoder: byteLevel(),
      model: bpeModel(bpe),
    },
    "tokenizer_config.json": {
      add_bos_token: true,
      add_eos_token: false,
      added_tokens_decoder: { 0: special(BOS), 1: special(EOS) },
      bos_token: BOS,
      clean_up_tokenization_spaces: false,
      eos_token: EOS,
      model_max_length: contextLength,
      tokenizer_class: "PreTrainedTokenizerFast",
    },
    "special_tokens_map.json": { bos_token: BOS, eos_token: EOS },
  };
}

const byteLevel = () => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
});

function startsWithBos() {
  const bos = { SpecialToken: { id: BOS, type_id: 0 } };
  const text = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  return {
    type: "TemplateProcessing",
    single: [bos, text("A", 0)],
    pair: [bos, text("A", 0), text("B", 1)],
    special_tokens: { [BOS]: { id: BOS, ids: [0], tokens: [BOS] } },
  };
}

function bpeModel({ tokens, merges }: Bpe) {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: merges.map((pair) => pair.join(" ")),
  };
}
