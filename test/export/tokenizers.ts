/** Small tokenizers of the two kinds that llama.cpp knows, for tests of exports. */

const SPECIALS = ["<unk>", "<s>", "</s>", "<|endoftext|>"];

const added = (contents: readonly string[], special = true) =>
  contents.map((content, id) => ({
    ...{ id, content, special },
    ...{ lstrip: false, normalized: false, rstrip: false, single_word: false },
  }));

/** Byte-level as GPT-2's: letters, two merges, and tokens that fill it up. */
export function byteTokenizer(size = 96): Record<string, unknown> {
  const letters = [..."abcdefghijklmnopqrstuvwxyzĠ.,0123456789", "th", "the"];
  const fillers = Array.from(
    { length: size - SPECIALS.length - letters.length },
    (_, i) => `z${i}`,
  );
  const tokens = [...SPECIALS, ...letters, ...fillers];
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  return {
    version: "1.0",
    added_tokens: added(SPECIALS),
    normalizer: null,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: false,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: { type: "BPE", vocab, merges: ["t h", "th e"], unk_token: "<unk>" },
  };
}

/** As SentencePiece's: bytes as a fallback, a space before the text. */
export function spaceTokenizer(): Record<string, unknown> {
  const bytes = Array.from(
    { length: 256 },
    (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const letters = ["▁t", "▁th", "he", "▁the", "▁", ..."abcdefghijklmnopqrstuvwxyz."];
  const tokens = [...SPECIALS, ...bytes, ...letters];
  return {
    version: "1.0",
    added_tokens: [
      ...added(SPECIALS),
      { ...added(["▁▁"], false)[0], id: tokens.length },
    ],
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: "▁" },
        { type: "Replace", pattern: { String: " " }, content: "▁" },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, {
        type: "ByteFallback",
      }, { type: "Fuse" }],
    },
    model: {
      ...{ type: "BPE", byte_fallback: true, fuse_unk: true, unk_token: "<unk>" },
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: [["▁", "t"], ["h", "e"], ["▁t", "h"], ["▁t", "he"]],
    },
  };
}
