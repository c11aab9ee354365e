/**
 * llama.cpp's name for the way a byte-level tokenizer splits text before it merges. The name is
 * found by what `tokenizer.json` says, where llama.cpp's own converter compares a hash of ids, which
 * any added token changes. Source: llama.cpp, `llm_tokenizer_bpe` in `src/llama-vocab.cpp`.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { isObject } from "../files.ts";

const LLAMA_3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" +
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const QWEN_2 = LLAMA_3.replace("{1,3}", "");
const TEKKEN =
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+" +
  "|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*" +
  "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** How a tokenizer splits a text before it merges, and what else goes by the same name. */
interface Steps {
  readonly name: string;
  /** Other names of the same. */
  readonly aliases?: readonly string[];
  /** In the words of {@link stepName}. */
  readonly steps: readonly string[];
  /** Whether a whole word of the vocabulary is left unmerged. */
  readonly ignoresMerges?: boolean;
  /** Whether documents begin with BOS where a file does not say. */
  readonly addsBos?: boolean;
  /** Of text before it is split, in the models that have it. */
  readonly normalizer?: "NFC";
}

const NAMES: readonly Steps[] = [
  { name: "gpt-2", steps: ["GPT-2"] },
  { name: "smollm", steps: ["digits", "GPT-2"] },
  {
    ...{ name: "llama-bpe", aliases: ["llama3", "llama-v3"], ignoresMerges: true, addsBos: true },
    steps: [`split ${LLAMA_3}`, "bytes"],
  },
  { name: "dbrx", steps: [`split ${LLAMA_3}`, "bytes"] },
  {
    ...{ name: "qwen2", aliases: ["deepseek-r1-qwen"], normalizer: "NFC" },
    steps: [`split ${QWEN_2}`, "bytes"],
  },
  { name: "tekken", steps: [`split ${TEKKEN}`, "bytes"], ignoresMerges: true, addsBos: true },
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
  const found = NAMES.find(({ steps: known, ignoresMerges = false }) =>
    known.join(", ") === steps && ignores === ignoresMerges
  );
  if (found) return found.name;
  throw new FileError(
    `Cannot export ${path}: llama.cpp's name for its pre_tokenizer (${steps}; ignore_merges ` +
      `${ignores}) is not known`,
  );
}

/** What `tokenizer.json` has for a `tokenizer.ggml.pre`; undefined for a name that is not known. */
export function preTokenizerOf(name: string) {
  const found = NAMES.find((known) => known.name === name || known.aliases?.includes(name));
  if (found === undefined) return undefined;
  const { steps, ignoresMerges = false, addsBos = false, normalizer } = found;
  return {
    ...{ ignoresMerges, addsBos, normalizer: normalizer ? { type: normalizer } : null },
    preTokenizer: { type: "Sequence", pretokenizers: steps.map(stepOf) },
  };
}

/** Names that {@link preTokenizerOf} knows. */
export const PRE_TOKENIZERS: readonly string[] = NAMES.map(({ name }) => name);

/** {@link stepName} the other way. */
function stepOf(step: string): Record<string, unknown> {
  if (step === "digits") return { type: "Digits", individual_digits: true };
  if (step.startsWith("split ")) {
    const pattern = { Regex: step.slice("split ".length) };
    return { type: "Split", pattern, behavior: "Isolated", invert: false };
  }
  const rest = { add_prefix_space: false, trim_offsets: true };
  return { type: "ByteLevel", ...rest, use_regex: step === "GPT-2" };
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
