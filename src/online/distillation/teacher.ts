/**
 * What a teacher must have in common with the model that learns from it.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Model } from "../../models/model.ts";

/** @throws {ConfigError} where the vocabularies differ in size, or rows are too long for the teacher. */
export function refuseOtherShape(teacher: Model, model: Model, maxTokens: number): void {
  const [found, wanted] = [teacher.config.vocabSize, model.config.vocabSize];
  if (found !== wanted) {
    throw new ConfigError(
      `objective.teacher: found a vocabulary of ${found} tokens in ${teacher.folder}, wanted the ` +
        `${wanted} of ${model.folder}: predictions are compared token by token`,
    );
  }
  const { context } = teacher.config;
  if (context >= maxTokens) return;
  throw new ConfigError(
    `objective.teacher: ${teacher.folder} reads up to ${context} tokens, wanted ` +
      `train.micro_batch_tokens (${maxTokens}) at least`,
  );
}

/** @throws {ConfigError} where an id is another token to the teacher. */
export function refuseOtherTokens(teacher: Model, model: Model): void {
  const size = Math.min(teacher.config.vocabSize, model.tokenizer.vocabSize);
  const textOf = (of: Model, id: number) => of.tokenizer.decode([id], { skipSpecial: false });
  for (let id = 0; id < size; id++) {
    const [found, wanted] = [textOf(teacher, id), textOf(model, id)];
    if (found === wanted) continue;
    throw new ConfigError(
      `objective.teacher: found ${
        JSON.stringify(found)
      } as token ${id} of ${teacher.folder}, wanted ` +
        `${JSON.stringify(wanted)} as in ${model.folder}`,
    );
  }
}
