/**
 * Retention text: what must not be forgotten. One part is mixed into training, another is held back
 * and measured.
 *
 * @module
 */
import {
  type Document,
  documentText,
  encode,
  type Encoder,
  type Example,
  limitLength,
  readDocuments,
  split,
} from "../data/mod.ts";
import { FileError } from "../errors.ts";
import { perplexity } from "../eval/perplexity.ts";
import type { LossProgram } from "../models/loss_program.ts";

export interface RetentionOptions {
  /** Files of retention text. */
  readonly text: readonly string[];
  /** How many documents are held back, at most half of them. */
  readonly documents: number;
  readonly seed: number;
  /** Longer documents are cut. */
  readonly maxTokens: number;
}

/** Retention text in two parts that share no document. */
export interface Retention {
  readonly train: Example[];
  readonly held: Example[];
}

/**
 * Reads retention text and splits it at random by document.
 *
 * @throws {FileError} where one part would be empty.
 */
export async function loadRetention(
  encoder: Encoder,
  { text, documents, seed, maxTokens }: RetentionOptions,
): Promise<Retention> {
  const all: Document[] = [];
  for (const path of text) {
    for await (const document of readDocuments({ path, format: "text" })) all.push(document);
  }
  const share = Math.min(0.5, documents / all.length);
  const parts = split(all.map(documentText), { train: 1 - share, held: share }, seed);
  const encoded = (part: number[]) =>
    part.map((i) => limitLength(encode(all[i]!, encoder), maxTokens, "truncate")!);
  const [train, held] = [encoded(parts["train"]!), encoded(parts["held"]!)];
  if (train.length > 0 && held.length > 0) return { train, held };
  const found = `${all.length} documents that leave nothing to train on or to hold back`;
  throw new FileError(`${text.join(", ")}: found ${found}, wanted more documents that differ`);
}

/** How far a model has moved from its base on held-back text. */
export interface Forgetting {
  /** Nats per token. */
  readonly nll: number;
  readonly perplexity: number;
  /** Relative rise of the perplexity over the base's: 0.02 is 2 % worse. */
  readonly forgetting: number;
}

/** Measures held-back text again and again against the base. */
export class RetentionProbe {
  private constructor(
    private readonly tuned: LossProgram,
    readonly held: readonly Example[],
    /** The base on the same documents. */
    readonly base: { readonly nll: number; readonly perplexity: number; readonly tokens: number },
  ) {}

  /** `base` runs without the adapter, `tuned` with it as the store has it at the time. */
  static async open(base: LossProgram, tuned: LossProgram, held: readonly Example[]) {
    const { nll, perplexity: ppl, tokens } = await perplexity(base, held);
    return new RetentionProbe(tuned, held, { nll, perplexity: ppl, tokens });
  }

  /** A sync point. */
  async measure(): Promise<Forgetting> {
    const { nll, perplexity: ppl } = await perplexity(this.tuned, this.held);
    return { nll, perplexity: ppl, forgetting: Math.expm1(nll - this.base.nll) };
  }
}
