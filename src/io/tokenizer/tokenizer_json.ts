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
  if (normalizer instanceof SequenceNormalizer) normalizer.normalizers.forEach(correctNormalizer);
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
