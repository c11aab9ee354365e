/**
 * The families of instructions over the small world. A family may show an input, asks for something in
 * one of several phrasings, and knows the answer; all are templates of `scene.ts`.
 *
 * @module
 */

import { FACTS } from "./families/facts.ts";
import { READING } from "./families/reading.ts";

/** A family of instructions. */
export interface Family {
  /** What the rows are called. */
  readonly name: string;
  /**
   * The role that a closed family (a map from words to words) is about. Its words are divided
   * between training and test, and a phrasing that names the role needs no input.
   */
  readonly about?: string;
  /** Whether only lessons ask it: so small a base learns it late, and answers it unreliably. */
  readonly lessonsOnly?: boolean;
  /** Whether the whole family is kept for the test split. */
  readonly heldOut?: boolean;
  /** What may be shown. */
  readonly inputs: readonly string[];
  /** What may be asked; the last two are kept for the test split. */
  readonly phrasings: readonly string[];
  /** What is answered. */
  readonly answer: string;
}

/** All families. */
export const FAMILIES: readonly Family[] = [...FACTS, ...READING];
