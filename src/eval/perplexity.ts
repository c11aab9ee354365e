/**
 * Perplexity of documents, each alone.
 *
 * @module
 */
import type { Example } from "../data/mod.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { type Queued, queueDocuments } from "./documents.ts";

/** Negative log-likelihood over some documents. */
export interface Perplexity {
  /** Nats per supervised token, weighted by token. */
  readonly nll: number;
  /** exp(nll). */
  readonly perplexity: number;
  /** Supervised tokens. */
  readonly tokens: number;
  /** Sum of nats and number of supervised tokens of each document, in the order given. */
  readonly documents: readonly { readonly nats: number; readonly tokens: number }[];
}

/**
 * Measures documents.
 *
 * @throws {RangeError} where a document is longer than the program's rows, or none is supervised.
 */
export async function perplexity(
  program: LossProgram,
  examples: readonly Example[],
): Promise<Perplexity> {
  return await (await queuePerplexity(program, examples)).result;
}

/** {@link perplexity} of the model as it is now, without waiting for it. */
export async function queuePerplexity(
  program: LossProgram,
  examples: readonly Example[],
): Promise<Queued<Perplexity>> {
  const { result } = await queueDocuments(program, examples);
  const summary = result.then((losses) =>
    summarise(losses.map((nats) => ({ nats: nats.reduce(add, 0), tokens: nats.length })))
  );
  summary.catch(() => {}); // as in queueDocuments()
  return { result: summary };
}

const add = (a: number, b: number): number => a + b;

function summarise(documents: Perplexity["documents"]): Perplexity {
  const nats = documents.reduce((sum, document) => sum + document.nats, 0);
  const tokens = documents.reduce((sum, document) => sum + document.tokens, 0);
  if (tokens === 0) throw new RangeError("No document has a token to predict");
  return { nll: nats / tokens, perplexity: Math.exp(nats / tokens), tokens, documents };
}
