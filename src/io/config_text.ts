/**
 * `config.json` as text. JSON.parse forgets that 30.0 was not 30, and Python tells them apart:
 * transformers refuses a whole number where it wants a float.
 *
 * @module
 */
import type { Dtype } from "./safetensors/dtype.ts";
import { requireText } from "./model_files.ts";

const NAMES: Partial<Record<Dtype, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** Either spelling of the element type, as transformers 4 and 5 write it. */
const ENTRY = /"(torch_dtype|dtype)"(\s*:\s*)(?:"[^"]*"|null)/g;

const TIE = /"(tie_word_embeddings)"(\s*:\s*)(?:true|false|null)/g;

const VOCABULARY = /"(vocab_size)"(\s*:\s*)\d+/g;

/** What a model that was made of another one says otherwise. */
export interface ConfigChanges {
  readonly dtype?: Dtype | undefined;
  /** Whether embedding and head are no longer tied. */
  readonly untie?: boolean | undefined;
  /** Rows of the tables of tokens; null for what there is. */
  readonly vocabSize?: number | null;
}

/**
 * The text of a checkpoint folder's `config.json`, digit for digit but for the changes. Another
 * element type is no quantisation any more: then it says nothing of one.
 *
 * @throws {FileError} If there is none.
 */
export function configText(folder: string, changes: ConfigChanges = {}): string {
  const { dtype, untie = false, vocabSize = null } = changes;
  const text = requireText(folder, "config.json");
  const name = dtype && NAMES[dtype];
  const typed = name === undefined
    ? text
    : withEntry(withoutQuantization(text), ENTRY, "torch_dtype", `"${name}"`);
  const tied = untie ? withEntry(typed, TIE, "tie_word_embeddings", "false") : typed;
  return vocabSize === null ? tied : withEntry(tied, VOCABULARY, "vocab_size", String(vocabSize));
}

/** The text without what says in which bits the weights were stored. */
const withoutQuantization = (text: string) =>
  ["quantization_config", "quantization"].reduce(withoutObject, text);

/** Another value of an entry, which comes first where there was none. */
function withEntry(text: string, entry: RegExp, key: string, value: string): string {
  if (text.search(entry) < 0) return text.replace("{", `{\n  "${key}": ${value},`);
  return text.replace(entry, (_, key, colon) => `"${key}"${colon}${value}`);
}

/** The text without an entry that is an object. */
function withoutObject(text: string, key: string): string {
  const begin = text.search(new RegExp(`"${key}"\\s*:\\s*\\{`));
  if (begin < 0) return text;
  let [depth, end] = [0, begin];
  // Strings are taken whole: what looks like a brace in one is none.
  for (const { 0: piece, index } of text.slice(begin).matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (piece === "{") depth++;
    if (piece !== "}" || --depth > 0) continue;
    end = begin + index + 1;
    break;
  }
  const [before, after] = [text.slice(0, begin), text.slice(end)];
  return /^\s*,/.test(after)
    ? before + after.replace(/^\s*,\s*/, "")
    : before.replace(/,\s*$/, "") + after;
}
