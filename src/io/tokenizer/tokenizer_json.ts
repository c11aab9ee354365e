/**
 * `tokenizer.json` as `@huggingface/tokenizers` needs it to give the ids of the original library,
 * Hugging Face's `tokenizers` for Python and Rust.
 *
 * @module
 */
import {
  ByteFallbackDecoder,
  type Decoder,
  type Normalizer,
  PrecompiledNormalizer,
  SequenceDecoder,
  SequenceNormalizer,
} from "../../deps/tokenizers.ts";
import { FileError } from "../../errors.ts";
import { isObject } from "../files.ts";
import { readCharsmap } from "./charsmap.ts";

type Json = Record<string, unknown>;

/** What would cut some texts in other places than the original does. */
const REFUSED: readonly unknown[] = ["BertNormalizer", "Whitespace"];

/**
 * Replaces what the library reads differently.
 *
 * @throws {TypeError} for a part that it cannot do as the original does.
 */
export function corrected(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(corrected);
  if (!isObject(part)) return part;
  const { type } = part;
  if (REFUSED.includes(type)) {
    throw new TypeError(`it has a ${type}, which would cut some texts in other places here`);
  }
  if (type === "Digits") return digits(part);
  if (type === "WhitespaceSplit") return WHITE_SPACE;
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, corrected(value)]));
}

/** The most steps of a part, and characters that one puts in a place; real ones have a few of each. */
const [MOST_STEPS, MOST_CONTENT] = [256, 256];

/**
 * Refuses a part whose steps are so many, or put in so much, that a text takes for ever or fills memory.
 *
 * @throws {FileError}
 */
export function refuseEnormous(path: string, part: unknown): void {
  let steps = 0;
  for (const step of stepsIn(part)) {
    const { content, prepend, type } = step;
    const longest = Math.max(...[content, prepend].map((text) => String(text ?? "").length));
    if (longest > MOST_CONTENT) {
      const found = `a ${type} puts in ${longest} characters, wanted at most ${MOST_CONTENT}`;
      throw new FileError(`Cannot use ${path}: ${found}`);
    }
    if (++steps > MOST_STEPS) {
      throw new FileError(`Cannot use ${path}: found more than ${MOST_STEPS} steps, wanted fewer`);
    }
  }
}

function* stepsIn(part: unknown): Generator<Json> {
  if (Array.isArray(part)) { for (const inner of part) yield* stepsIn(inner); }
  if (!isObject(part)) return;
  if ("type" in part) yield part;
  for (const inner of Object.values(part)) yield* stepsIn(inner);
}

/** Characters that a text may become by each of its own, and in any case. */
const [MOST_GROWTH, ALWAYS] = [64, 4096];

/**
 * What a normaliser has made of a text: a chain of short steps can double it at each.
 *
 * @throws {FileError} where it is much longer.
 */
export function bounded(made: string, text: string): string {
  const most = MOST_GROWTH * text.length + ALWAYS;
  if (made.length <= most) return made;
  throw new FileError(
    `Cannot use the tokenizer: its normaliser makes more than ${most} characters of ${text.length}`,
  );
}

/** Fractions, Roman numerals and their like are digits too. */
const digits = ({ individual_digits }: Json): Json => ({
  type: "Split",
  pattern: { Regex: individual_digits ? String.raw`\p{N}` : String.raw`\p{N}+` },
  behavior: "Isolated",
  invert: false,
});

/**
 * Applies SentencePiece's compiled rules themselves, in place of what most of them come to.
 *
 * @throws {SyntaxError} for rules that cannot be read.
 */
export function correctNormalizer(normalizer: Normalizer | null): void {
  if (normalizer instanceof SequenceNormalizer) {
    const { normalizers } = normalizer;
    normalizers.forEach(correctNormalizer);
    normalizer.normalize = (text) =>
      normalizers.reduce((left, step) => step ? bounded(step.normalize(left), text) : left, text);
  }
  if (!(normalizer instanceof PrecompiledNormalizer)) return;
  const { charsmap } = normalizer;
  normalizer.normalize = charsmap ? readCharsmap(charsmap) : (text) => text;
}

/** White space as Unicode has it, not JavaScript. */
const WHITE_SPACE: Json = {
  type: "Split",
  pattern: { Regex: String.raw`\p{White_Space}+` },
  behavior: "Removed",
  invert: false,
};

/** Keeps a byte order mark, and shows each byte of a broken character as one sign. */
export function correctDecoder(decoder: Decoder | null): void {
  if (decoder instanceof SequenceDecoder) decoder.decoders.forEach(correctDecoder);
  if (decoder instanceof ByteFallbackDecoder) decoder.text_decoder = new WholeDecoder();
}

class WholeDecoder extends TextDecoder {
  constructor() {
    super("utf-8", { fatal: true, ignoreBOM: true });
  }

  override decode(bytes: Uint8Array): string {
    try {
      return super.decode(bytes);
    } catch {
      return "\ufffd".repeat(bytes.length);
    }
  }
}
