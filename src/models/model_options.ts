/**
 * How a model is opened.
 *
 * @module
 */
import type { FormatName } from "../formats/mod.ts";
import type { Checkpoint } from "../io/checkpoint.ts";

/** How to open a model. */
export interface ModelOptions {
  /** What matrices are rounded to as they are loaded; as they are stored where absent. */
  readonly quantize?: FormatName | undefined;
  /** What the checkpoint is put under, such as tables of a resized vocabulary. */
  readonly over?: ((checkpoint: Checkpoint) => Checkpoint) | undefined;
  /** How many scores its head of scores gives a document, where it is to have one. */
  readonly scores?: number | undefined;
  /** Where its tokenizer is, if not with the weights. */
  readonly tokenizerFolder?: string | undefined;
  /** Whether its shape is enough: then a folder needs neither weights nor a tokenizer. */
  readonly shapeOnly?: boolean | undefined;
}
