/**
 * Adapters that cannot be merged into a base.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { SCORE } from "../models/score_head.ts";
import { methodOf, nameOfMethod } from "./methods/mod.ts";
import type { PeftAdapter } from "./peft/adapter.ts";

/** @throws {FileError} for one that no weights of the base in `folder` can stand for. */
export function refuseUnmerged(folder: string, { prompt, whole = [], config }: PeftAdapter): void {
  const refuse = (reason: string) => new FileError(`Cannot merge into ${folder}: ${reason}`);
  if (prompt) {
    throw refuse(
      `${nameOfMethod(config)} puts tokens in front of every document and changes no weight; use ` +
        "the adapter as it is",
    );
  }
  if (whole.some(({ name }) => name === SCORE)) {
    throw refuse(
      "the adapter's head gives scores (task_type SEQ_CLS), wanted an adapter that writes; PEFT " +
        "loads it as it is",
    );
  }
  if (!methodOf(config).merge) {
    throw refuse(
      `${
        nameOfMethod(config)
      } puts layers behind the base's, which no weight can stand for; use the ` +
        "adapter as it is",
    );
  }
}
