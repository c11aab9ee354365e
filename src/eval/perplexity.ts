/**
 * Perplexity of documents, each alone.
 *
 * @module
 */
import { batch, type Example, lengthOf, pack } from "../data/mod.ts";
import { Ring } from "../gpu/buffer.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { supervisedCapacity } from "../ops/mod.ts";

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
 * Measures documents; how they are packed changes nothing, for attention ends with a document.
 *
 * @throws {RangeError} where a document is longer than the program's rows, or none is supervised.
 */
export async function perplexity(
  program: LossProgram,
  examples: readonly Example[],
): Promise<Perplexity> {
  const { compiled, T } = program;
  const { device } = compiled.engine;
  const ring = new Ring<ReturnType<typeof batch>>(device, supervisedCapacity(T), 4);
  const documents = examples.map(() => ({ nats: 0, tokens: 0 }));
  const take = (arrivals: ReturnType<typeof ring.arrived>) => {
    for (const { tag, values } of arrivals) {
      for (const { example, rowBegin, rowEnd } of tag.documents) {
        const document = documents[example]!;
        for (let row = rowBegin; row < rowEnd; row++) document.nats += values[row]!;
        document.tokens += rowEnd - rowBegin;
      }
    }
  };
  for (const chosen of pack(examples.map(lengthOf), T)) {
    const packed = batch(examples, T, chosen);
    await ring.room();
    program.feed(packed);
    program.run((encoder) => ring.load(encoder, [compiled.output("losses")]));
    ring.send(packed);
    take(ring.arrived());
  }
  take(await ring.drain()); // a sync point
  ring.destroy();
  return summarise(documents);
}

function summarise(documents: Perplexity["documents"]): Perplexity {
  const nats = documents.reduce((sum, document) => sum + document.nats, 0);
  const tokens = documents.reduce((sum, document) => sum + document.tokens, 0);
  if (tokens === 0) throw new RangeError("No document has a token to predict");
  return { nll: nats / tokens, perplexity: Math.exp(nats / tokens), tokens, documents };
}
