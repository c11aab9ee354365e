/**
 * A comparison: the tuned model beside its base, token by token.
 *
 * @module
 */
import type { Example } from "../../data/mod.ts";
import { queueDocuments } from "../../eval/documents.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import { column, mean, tokenMean } from "../measure.ts";
import { mcnemar } from "../statistics.ts";

/** One document under both models. */
export interface DocumentComparison {
  /** Index of the document. */
  readonly document: number;
  /** Rise of the mean negative log-likelihood, in nats a token. */
  readonly shift: number;
  /** Negative log-likelihood of each supervised token under the base and under the tuned model. */
  readonly base: Float32Array;
  readonly tuned: Float32Array;
}

/** Both models on some documents. */
export interface ModelComparison {
  readonly tokens: number;
  /** Nats a token, weighted by token. */
  readonly base: number;
  readonly tuned: number;
  /** Mean divergence of the tuned predictions from the base's, in nats a token. */
  readonly kl: number;
  /** Share of the tokens at which both models' first choice is the same. */
  readonly agreement: number;
  /** Tokens whose first choice was right before and is wrong now, and the other way round. */
  readonly flips: { readonly lost: number; readonly won: number; readonly p: number };
  /** The documents, the most shifted first. */
  readonly documents: readonly DocumentComparison[];
}

const [BASE_HIT, TUNED_HIT, SAME] = [1, 2, 4];

/** Tokens of one document depend on each other: McNemar's test is over documents that lost or won. */
function byDocuments(hits: readonly Float32Array[]): number {
  const balance = hits.map((document) =>
    document.reduce((sum, hit) => sum + (hit & BASE_HIT ? 1 : 0) - (hit & TUNED_HIT ? 1 : 0), 0)
  );
  return mcnemar(balance.filter((x) => x > 0).length, balance.filter((x) => x < 0).length);
}

/** Measures both models. A sync point. */
export async function compareModels(
  both: LossProgram,
  examples: readonly Example[],
): Promise<ModelComparison> {
  const all = await (await queueDocuments(both, examples, "stats")).result;
  const columns = (index: number) => all.map((stats) => column(stats, index));
  const [kl, base, tuned] = [columns(0), columns(1), columns(2)];
  const hitsOf = columns(3);
  const hits = hitsOf.flatMap((document) => [...document]);
  const count = (wanted: (hit: number) => boolean) => hits.filter(wanted).length;
  const lost = count((hit) => (hit & (BASE_HIT | TUNED_HIT)) === BASE_HIT);
  const won = count((hit) => (hit & (BASE_HIT | TUNED_HIT)) === TUNED_HIT);
  const documents = base.map((before, document) => {
    const after = tuned[document]!;
    return { document, shift: mean(after) - mean(before), base: before, tuned: after };
  });
  return {
    tokens: hits.length,
    base: tokenMean(base),
    tuned: tokenMean(tuned),
    kl: tokenMean(kl),
    agreement: count((hit) => (hit & SAME) !== 0) / hits.length,
    flips: { lost, won, p: byDocuments(hitsOf) },
    documents: documents.sort((a, b) => b.shift - a.shift),
  };
}
