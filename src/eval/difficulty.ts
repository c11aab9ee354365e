/**
 * How much an instruction helps a model to its answer.
 *
 * @module
 */
import { type Example, UNSUPERVISED } from "../data/mod.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { queueDocuments } from "./documents.ts";

/**
 * Instruction-following difficulty: mean nats of the supervised tokens in their place over their mean
 * nats alone after BOS (Li et al. 2023, 2308.12032). Near 0 the instruction gives the answer away,
 * above 1 it misleads; what is hard but below 1 teaches most. Without a BOS the first supervised
 * token is left out of both. Null where no token is left to predict.
 *
 * @throws {RangeError} where an example is longer than the program's rows.
 */
export async function difficulties(
  program: LossProgram,
  examples: readonly Example[],
  bos: number | null,
): Promise<(number | null)[]> {
  const within = examples.map((example) => bos === null ? withoutFirst(example) : example);
  const alone = examples.map((example) => answerAlone(example, bos));
  const losses = await (await queueDocuments(program, [...within, ...alone])).result;
  return examples.map((_, i) => {
    const [given, plain] = [mean(losses[i]!), mean(losses[examples.length + i]!)];
    return plain > 0 ? given / plain : null; // NaN is the mean of none
  });
}

const mean = (losses: Float32Array): number =>
  losses.reduce((sum, nats) => sum + nats, 0) / losses.length;

/** The example with its first supervised token no longer so. */
function withoutFirst({ ids, labels, origin }: Example): Example {
  const rest = labels.slice();
  rest[labels.findIndex((label) => label !== UNSUPERVISED)] = UNSUPERVISED;
  return { ids, labels: rest, origin };
}

/** The supervised tokens as a document of their own. */
function answerAlone({ labels, origin }: Example, bos: number | null): Example {
  const supervised = labels.filter((label) => label !== UNSUPERVISED);
  const ids = Uint32Array.from(bos === null ? supervised : [bos, ...supervised]);
  const own = Int32Array.from(ids);
  own[0] = UNSUPERVISED;
  return { ids, labels: own, origin };
}
