/**
 * Which retention documents go into which micro-batch: whole, in turn, and as many as the task
 * tokens call for.
 *
 * @module
 */

import { type Example, lengthOf } from "./example.ts";
import { permutation } from "../random.ts";

/** How far retention has been drawn. */
export interface Drawn {
  /** Documents, counted over all cycles through them. */
  readonly documents: number;
  /** Their tokens. */
  readonly tokens: number;
}

/** Keeps the order of retention apart from that of any epoch of the task. */
const RETENTION = 0xffffffff;

/** Draws retention documents, each cycle through them in another order. */
export class Retention {
  readonly #examples: readonly Example[];
  readonly #tokensPerTaskToken: number;
  readonly #seed: number;
  #cycle = -1;
  #order: Uint32Array = new Uint32Array();

  /** Documents that make up `share` (0 to 0.9) of all tokens, those of the task counted. */
  constructor(examples: readonly Example[], share: number, seed: number) {
    this.#examples = examples;
    this.#tokensPerTaskToken = share / (1 - share);
    this.#seed = seed;
  }

  /** How many tokens are still to draw once that many task tokens are trained on. */
  due(drawn: Drawn, taskTokens: number): number {
    return taskTokens * this.#tokensPerTaskToken - drawn.tokens;
  }

  /**
   * The next documents, as many as come nearest to what is due and fit into `room` tokens.
   *
   * @returns their indices, and how far that gets.
   */
  draw(drawn: Drawn, taskTokens: number, room: number): { chosen: number[]; drawn: Drawn } {
    const chosen: number[] = [];
    let { documents, tokens } = drawn;
    while (this.#tokensPerTaskToken > 0) {
      const next = this.#at(documents);
      const length = lengthOf(this.#examples[next]!);
      if (length > room || length / 2 > this.due({ documents, tokens }, taskTokens)) break;
      chosen.push(next);
      room -= length;
      tokens += length;
      documents++;
    }
    return { chosen, drawn: { documents, tokens } };
  }

  #at(document: number): number {
    const count = this.#examples.length;
    const cycle = Math.floor(document / count);
    if (this.#cycle !== cycle) {
      this.#cycle = cycle;
      this.#order = permutation(count, this.#seed, RETENTION, cycle);
    }
    return this.#order[document % count]!;
  }
}
