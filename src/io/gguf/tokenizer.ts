/**
 * `tokenizer.json` and `tokenizer_config.json` out of the metadata of a GGUF file. Sources:
 * llama.cpp, `src/llama-vocab.cpp`, for what a file leaves unsaid; transformers,
 * `convert_slow_tokenizer.py`, for the merges behind SentencePiece's scores.
 *
 * @module
 */
import { Fields } from "./fields.ts";
import { PRE_TOKENIZERS, preTokenizerOf } from "./pre_tokenizer.ts";
import type { GgufFile } from "./reader.ts";

/** `llama_token_type`. */
export const TOKEN_TYPES = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** What llama.cpp takes where a file with scores does not say. */
const SENTENCE_PIECE_IDS: Readonly<Record<string, number>> = { bos: 1, eos: 2, unknown: 0 };

type Json = Record<string, unknown>;

/** The tokens of a file, and what they are. */
interface Vocabulary {
  readonly fields: Fields;
  readonly texts: readonly string[];
  readonly types: readonly number[];
  /** Whether merges are by SentencePiece's scores. */
  readonly scored: boolean;
}

function vocabularyOf(file: GgufFile): Vocabulary {
  const fields = new Fields(file);
  const kind = fields.text("tokenizer.ggml.model");
  if (kind !== "gpt2" && kind !== "llama") {
    fields.refuse("tokenizer.ggml.model", '"gpt2" or "llama"');
  }
  const texts = fields.list("tokenizer.ggml.tokens", "string");
  const types = fields.list("tokenizer.ggml.token_type", "number");
  if (types.length !== texts.length) {
    fields.refuse("tokenizer.ggml.token_type", `a list of ${texts.length}`);
  }
  return { fields, texts, types, scored: kind === "llama" };
}

/**
 * The tokenizer of the model in a file.
 *
 * @throws {FileError} for a kind that is not built, or a key that is missing.
 */
export function tokenizerOf(file: GgufFile): Json {
  const vocabulary = vocabularyOf(file);
  const { texts, types, scored } = vocabulary;
  const added = texts.flatMap((content, id) =>
    isAdded(types[id]!)
      ? [{
        ...{ id, content, special: types[id] !== TOKEN_TYPES.userDefined },
        ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
      }]
      : []
  );
  return {
    version: "1.0",
    added_tokens: added,
    ...scored ? spaces(vocabulary) : bytes(vocabulary),
  };
}

const isAdded = (type: number) =>
  type === TOKEN_TYPES.control || type === TOKEN_TYPES.userDefined || type === TOKEN_TYPES.unknown;

/** Ids by text, without those that only fill the table up. */
function idsOf({ texts, types }: Vocabulary): Map<string, number> {
  return new Map(
    texts.map((text, id) => [text, id] as const).filter(([, id]) =>
      types[id] !== TOKEN_TYPES.unused
    ),
  );
}

/** Byte-level, as GPT-2's. */
function bytes(vocabulary: Vocabulary): Json {
  const { fields } = vocabulary;
  const key = "tokenizer.ggml.pre";
  const steps = preTokenizerOf(fields.text(key));
  if (steps === undefined) return fields.refuse(key, `one of ${PRE_TOKENIZERS.join(", ")}`);
  const merges = fields.list("tokenizer.ggml.merges", "string");
  const unknown = fields.countIf("tokenizer.ggml.unknown_token_id");
  return {
    normalizer: steps.normalizer,
    pre_tokenizer: steps.preTokenizer,
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: unknown === undefined ? null : vocabulary.texts[unknown] ?? null,
      ignore_merges: steps.ignoresMerges,
      vocab: Object.fromEntries(idsOf(vocabulary)),
      merges, // as text, which every version of Hugging Face's library reads
    },
  };
}

/** As SentencePiece's, with bytes for what the vocabulary lacks. */
function spaces(vocabulary: Vocabulary): Json {
  const { fields, texts, types } = vocabulary;
  const prefix = fields.flag("tokenizer.ggml.add_space_prefix", true);
  const replace = (from: string, to: string) => ({
    ...{ type: "Replace", pattern: { String: from }, content: to },
  });
  const unknown = types.indexOf(TOKEN_TYPES.unknown);
  const steps = [replace(" ", "▁")];
  const decoders = [
    replace("▁", " "),
    { type: "ByteFallback" },
    { type: "Fuse" },
    ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
  ];
  return {
    normalizer: {
      type: "Sequence",
      normalizers: prefix ? [{ type: "Prepend", prepend: "▁" }, ...steps] : steps,
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Sequence", decoders },
    model: {
      type: "BPE",
      unk_token: texts[unknown < 0 ? SENTENCE_PIECE_IDS["unknown"]! : unknown],
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(idsOf(vocabulary)),
      merges: mergesOf(vocabulary).map((pair) => pair.join(" ")),
    },
  };
}

/** Every way to make a token of two others, the highest score first. */
function mergesOf(vocabulary: Vocabulary): [string, string][] {
  const { fields, texts, types } = vocabulary;
  const scores = fields.list("tokenizer.ggml.scores", "number");
  const ids = idsOf(vocabulary);
  const found: { pair: [string, string]; score: number; sizes: [number, number] }[] = [];
  for (const [id, text] of texts.entries()) {
    if (types[id] !== TOKEN_TYPES.normal) continue;
    const letters = [...text];
    const own = [];
    for (let cut = 1; cut < letters.length; cut++) {
      const [left, right] = [letters.slice(0, cut).join(""), letters.slice(cut).join("")];
      if (!ids.has(left) || !ids.has(right)) continue;
      const sizes: [number, number] = [cut, letters.length - cut];
      own.push({ pair: [left, right] as [string, string], score: scores[id]!, sizes });
    }
    own.sort((a, b) =>
      ids.get(a.pair[0])! - ids.get(b.pair[0])! || ids.get(a.pair[1])! - ids.get(b.pair[1])!
    );
    found.push(...own);
  }
  found.sort((a, b) => b.score - a.score || b.sizes[0] - a.sizes[0] || b.sizes[1] - a.sizes[1]);
  return found.map(({ pair }) => pair);
}

/** Special tokens, the chat template, and whether a document begins with BOS. */
export function tokenizerConfigOf(file: GgufFile): Json {
  const { fields, texts, scored } = vocabularyOf(file);
  const named = (kind: string) => {
    const id = fields.countIf(`tokenizer.ggml.${kind}_token_id`) ??
      (scored ? SENTENCE_PIECE_IDS[kind] : undefined);
    if (id === undefined) return null;
    return texts[id] ??
      fields.refuse(`tokenizer.ggml.${kind}_token_id`, `less than ${texts.length}`);
  };
  const pre = scored ? undefined : preTokenizerOf(fields.text("tokenizer.ggml.pre"));
  const template = chatTemplates(file);
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: named("bos"),
    eos_token: named("eos"),
    unk_token: named("unknown"),
    pad_token: named("padding"),
    add_bos_token: fields.flag("tokenizer.ggml.add_bos_token", scored || pre?.addsBos === true),
    clean_up_tokenization_spaces: false,
    ...(template !== undefined && { chat_template: template }),
  };
}

/** One text, or a list where there are others with names. */
function chatTemplates({ metadata }: GgufFile): unknown {
  const own = metadata.get("tokenizer.chat_template");
  const names = metadata.get("tokenizer.chat_templates");
  const named = (Array.isArray(names) ? names : []).map((name) => ({
    name,
    template: metadata.get(`tokenizer.chat_template.${name}`),
  })).filter(({ template }) => typeof template === "string");
  if (typeof own !== "string") return named.length > 0 ? named : undefined;
  return named.length > 0 ? [{ name: "default", template: own }, ...named] : own;
}

/** Every token that ends an answer. */
export function generationConfigOf(file: GgufFile): Json {
  const fields = new Fields(file);
  const id = (kind: string) => fields.countIf(`tokenizer.ggml.${kind}_token_id`);
  const ends = new Set([id("eos"), id("eot")].filter((end) => end !== undefined));
  return { bos_token_id: id("bos"), eos_token_id: [...ends], pad_token_id: id("padding") };
}
