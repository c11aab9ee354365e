/**
 * The tokenizer of a checkpoint folder as llama.cpp's metadata. Sources: `conversion/base.py` and
 * `gguf/vocab.py` of llama.cpp.
 *
 * @module
 */
import { chatTemplateSources } from "../../data/templates/chat_facts.ts";
import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import { loadTokenizer } from "../../io/tokenizer/tokenizer.ts";
import {
  bool,
  float32s,
  int32s,
  type MetadataValue,
  string,
  strings,
  uint32,
} from "../../io/gguf/metadata.ts";
import { preTokenizerName } from "../../io/gguf/pre_tokenizer.ts";
import { TOKEN_TYPES as TYPE } from "../../io/gguf/tokenizer.ts";
import { modelFile, modelJson, requireJson } from "../../io/model_files.ts";

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
}

/** What is read of `tokenizer.json`. */
interface TokenizerJson {
  readonly model: Readonly<Record<string, unknown>>;
  readonly vocab: ReadonlyMap<number, string>;
  readonly added: ReadonlyMap<number, AddedToken>;
  /** Pairs that are merged, first come first. */
  readonly merges: readonly (readonly [string, string])[];
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * `tokenizer.*` of a model with `vocabSize` rows in its embedding.
 *
 * @throws {FileError} where the tokenizer is of a kind that llama.cpp or this export does not know.
 */
export function vocabularyMetadata(folder: string, vocabSize: number): Map<string, MetadataValue> {
  const path = modelFile(folder, "tokenizer.json");
  const tokenizer = readTokenizer(requireJson(folder, "tokenizer.json"), path);
  const { model, json } = tokenizer;
  const isSentencePiece = model["byte_fallback"] === true;
  const { texts, types } = tokensOf(tokenizer, vocabSize, isSentencePiece, path);
  const { addsBos } = loadTokenizer(folder);
  return new Map<string, MetadataValue>([
    ["tokenizer.ggml.model", string(isSentencePiece ? "llama" : "gpt2")],
    [
      "tokenizer.ggml.pre",
      string(isSentencePiece ? "default" : preTokenizerName(json["pre_tokenizer"], model, path)),
    ],
    ["tokenizer.ggml.tokens", strings(texts)],
    ...(isSentencePiece
      ? [
        ["tokenizer.ggml.scores", float32s(scoresOf(tokenizer, vocabSize))] as const,
        ["tokenizer.ggml.add_space_prefix", bool(prependsSpace(json))] as const,
      ]
      : [["tokenizer.ggml.merges", strings(mergesOf(tokenizer))] as const]),
    ["tokenizer.ggml.token_type", int32s(types)],
    ...specialIds(folder, tokenizer, vocabSize),
    ["tokenizer.ggml.add_bos_token", bool(addsBos)],
    ["tokenizer.ggml.add_eos_token", bool(false)],
    ...templates(folder),
  ]);
}

/** The default template, and others by their names. */
function templates(folder: string): [string, MetadataValue][] {
  const { default: own, ...named } = Object.fromEntries(chatTemplateSources(folder));
  const names = Object.keys(named);
  return [
    ...(names.length > 0 ? [["tokenizer.chat_templates", strings(names)] as const] : []),
    ...Object.entries(named).map(([name, text]) =>
      [`tokenizer.chat_template.${name}`, string(text)] as const
    ),
    ...(own === undefined ? [] : [["tokenizer.chat_template", string(own)] as const]),
  ].map(([key, value]) => [key, value]);
}

function readTokenizer(json: Record<string, unknown>, path: string): TokenizerJson {
  const { model, added_tokens } = json;
  if (!isObject(model) || model["type"] !== "BPE" || !isObject(model["vocab"])) {
    const found = isObject(model) ? JSON.stringify(model["type"]) : "nothing";
    throw new FileError(`Cannot export ${path}: its model is ${found}, wanted "BPE"`);
  }
  const vocab = new Map(Object.entries(model["vocab"]).map(([text, id]) => [id as number, text]));
  const added = (Array.isArray(added_tokens) ? added_tokens : []) as AddedToken[];
  const merges = (model["merges"] as (string | [string, string])[]).map((merge) =>
    typeof merge === "string" ? merge.split(" ") as [string, string] : merge
  );
  return { model, vocab, added: new Map(added.map((token) => [token.id, token])), merges, json };
}

function tokensOf(
  { model, vocab, added }: TokenizerJson,
  vocabSize: number,
  isSentencePiece: boolean,
  path: string,
): { texts: string[]; types: number[] } {
  const largest = [...vocab.keys(), ...added.keys()].reduce((a, b) => Math.max(a, b), -1);
  if (largest >= vocabSize) {
    throw new FileError(
      `Cannot export ${path}: it has token ${largest}, but the model only ${vocabSize} rows`,
    );
  }
  const texts: string[] = [];
  const types: number[] = [];
  for (let id = 0; id < vocabSize; id++) {
    const special = added.get(id);
    const text = special?.content ?? vocab.get(id);
    const isControl = special && (special.special === true || looksSpecial(special.content));
    if (text === undefined) {
      texts.push(`[PAD${id}]`);
      types.push(TYPE.unused);
    } else if (special) {
      texts.push(isControl ? text : text.replaceAll("▁", " "));
      types.push(isControl ? TYPE.control : TYPE.userDefined);
    } else {
      texts.push(text);
      const isByte = isSentencePiece && /^<0x[0-9A-Fa-f]{2}>$/.test(text);
      types.push(isByte ? TYPE.byte : text === model["unk_token"] ? TYPE.unknown : TYPE.normal);
    }
  }
  return { texts, types };
}

/** Some models mark added tokens that ought to be control tokens as not special. */
function looksSpecial(token: string): boolean {
  return ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].includes(token) ||
    /^<\|.*\|>$|^<｜.*｜>$|^<unused.*>$/s.test(token);
}

/**
 * llama.cpp merges the pair whose whole has the highest score; the whole that is merged first gets
 * the highest, as SentencePiece numbers them. A token that nothing merges into keeps the lowest.
 */
function scoresOf({ vocab, added, merges }: TokenizerJson, vocabSize: number): number[] {
  const rank = new Map<string, number>();
  for (const [left, right] of merges) {
    const whole = left + right;
    if (!rank.has(whole)) rank.set(whole, rank.size);
  }
  return Array.from({ length: vocabSize }, (_, id) => {
    const text = vocab.get(id);
    if (text === undefined) return -10_000;
    if (added.has(id)) return -1000;
    return -(rank.get(text) ?? rank.size);
  });
}

/** Merges as text; a space inside a part is written as the byte-level alphabet writes it. */
function mergesOf({ merges }: TokenizerJson): string[] {
  return merges.map((pair) => pair.map((part) => part.replaceAll(" ", "Ġ")).join(" "));
}

/** Whether a space comes before the text: by its normalizer or its pre-tokenizer. */
function prependsSpace(json: Readonly<Record<string, unknown>>): boolean {
  const steps = [json["normalizer"], json["pre_tokenizer"]].flatMap(stepsOf);
  return steps.some(({ type, prepend_scheme: scheme, add_prefix_space: prefix }) =>
    type === "Prepend" ||
    (type === "Metaspace" && (scheme === undefined ? prefix !== false : scheme !== "never"))
  );
}

function stepsOf(step: unknown): Record<string, unknown>[] {
  if (!isObject(step)) return [];
  const inner = step["normalizers"] ?? step["pretokenizers"];
  return Array.isArray(inner) ? inner.flatMap(stepsOf) : [step];
}

const SPECIAL = {
  bos: "bos",
  eos: "eos",
  unk: "unknown",
  sep: "seperator", // sic
  pad: "padding",
  mask: "mask",
};

/** Ids of special tokens: as the tokenizer names them, else as `config.json` counts them. */
function specialIds(
  folder: string,
  { vocab, added }: TokenizerJson,
  vocabSize: number,
): [string, MetadataValue][] {
  const read = (name: string) => modelJson(folder, name) ?? {};
  const named = { ...read("special_tokens_map.json"), ...read("tokenizer_config.json") };
  const counted = read("config.json");
  const ids = new Map([...vocab, ...[...added].map(([id, t]) => [id, t.content] as const)]
    .map(([id, text]) => [text, id]));
  return Object.entries(SPECIAL).flatMap(([kind, name]) => {
    const token = named[`${kind}_token`];
    const text = isObject(token) ? token["content"] : token;
    const own = counted[`${kind}_token_id`];
    const id = ids.get(text as string) ?? (Array.isArray(own) ? own[0] : own);
    const isThere = Number.isSafeInteger(id) && id >= 0 && id < vocabSize;
    return isThere ? [[`tokenizer.ggml.${name}_token_id`, uint32(id)]] : [];
  });
}
