/**
 * llama.cpp's name for the way a byte-level tokenizer splits text before it merges. The name is
 * found by what `tokenizer.json` says, where llama.cpp's own converter compares a hash of ids, which
 * any added token changes. Source: llama.cpp, `llm_tokenizer_bpe` in `src/llama-vocab.cpp`.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";

const LLAMA_3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" +
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN_2 = LLAMA_3.replace("{1,3}", "");
const TEKKEN =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" +
  "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" +
  "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Name by the steps before merging, and whether a whole word of the vocabulary is left unmerged. */
const NAMES: readonly { steps: string; ignoresMerges?: boolean; name: string }[] = [
  { steps: "GPT-2", name: "gpt-2" },
  { steps: "digits, GPT-2", name: "smollm" },
  { steps: `split ${LLAMA_3}, bytes`, ignoresMerges: true, name: "llama-bpe" },
  { steps: `split ${LLAMA_3}, bytes`, name: "dbrx" },
  { steps: `split ${QWEN_2}, bytes`, name: "qwen2" },
  { steps: `split ${TEKKEN}, bytes`, ignoresMerges: true, name: "tekken" },
];

/**
 * `tokenizer.ggml.pre` of the tokenizer in `path`.
 *
 * @throws {FileError} where llama.cpp has no name for it that is known here.
 */
export function preTokenizerName(
  preTokenizer: unknown,
  model: Readonly<Record<string, unknown>>,
  path: string,
): string {
  const all = isObject(preTokenizer) && preTokenizer["type"] === "Sequence"
    ? preTokenizer["pretokenizers"] as unknown[]
    : [preTokenizer];
  const steps = all.map(stepName).join(", ");
  const ignores = model["ignore_merges"] === true;
  const found = NAMES.find(({ steps: s, ignoresMerges = false }) =>
    s === steps && ignores === ignoresMerges
  );
  if (found) return found.name;
  throw new FileError(
    `Cannot export ${path}: llama.cpp's name for its pre_tokenizer (${steps}; ignore_merges ` +
      `${ignores}) is not known`,
  );
}

/** A step in words; those with other settings than llama.cpp builds come out as JSON. */
function stepName(step: unknown): string {
  if (!isObject(step)) return JSON.stringify(step);
  const { type, pattern } = step;
  if (type === "Digits" && step["individual_digits"] === true) return "digits";
  if (type === "ByteLevel" && step["add_prefix_space"] !== true) {
    return step["use_regex"] === false ? "bytes" : "GPT-2";
  }
  const isPlain = type === "Split" && step["behavior"] === "Isolated" && step["invert"] !== true;
  if (isPlain && isObject(pattern) && typeof pattern["Regex"] === "string") {
    return `split ${pattern["Regex"]}`;
  }
  return JSON.stringify(step);
}
