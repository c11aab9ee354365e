/**
 * The head that gives a document scores in place of its next token: `score` of the models for
 * sequence classification in transformers, [scores, hidden] without a bias, which looks at the last
 * token.
 *
 * @module
 */
import type { Checkpoint } from "../io/checkpoint.ts";
import { normal } from "../random.ts";
import { storedOf } from "./mod.ts";
import { withTables } from "./resized.ts";
import { Tensors } from "./stored.ts";

/** The module, as PEFT's `modules_to_save` has it. */
export const SCORE_MODULE = "score";
/** Its tensor. */
export const SCORE = `${SCORE_MODULE}.weight`;

/** Standard deviation of a fresh head where config.json has no `initializer_range`. */
const DEVIATION = 0.02;

/** A checkpoint with a head of so many scores: its own, or a fresh one, the same every time. */
export function withScoreHead(base: Checkpoint, scores: number): Checkpoint {
  if (scores === 0 || base.tensors.has(SCORE)) return base;
  const tensors = new Tensors(base, storedOf(base.config["model_type"]));
  const hidden = tensors.get(tensors.embedding).shape[1]!;
  const { initializer_range: range } = base.config;
  const deviation = typeof range === "number" ? range : DEVIATION;
  const numbers = Float32Array.from(
    { length: scores * hidden },
    (_, i) => deviation * normal(0, 0, i),
  );
  const head = { name: SCORE, shape: [scores, hidden], numbers, dtype: "F32" } as const;
  return withTables(base, [{ ...head, file: "a fresh head of scores" }]);
}
