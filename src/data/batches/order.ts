/**
 * The examples of an epoch in the order in which they are packed.
 *
 * @module
 */

/** How many examples of each source have been drawn, counted over all cycles through it. */
export type Places = readonly number[];

/** Examples one after the other, as far as they have been drawn. */
export interface Order {
  readonly length: number;
  /** Whether no more are to be drawn. */
  readonly isWhole: boolean;
  readonly at: (index: number) => number | undefined;
  /** Waits until the examples are there that the next draw looks at. */
  readonly drawable: () => Promise<void>;
  /** Draws some more, unless it is whole. */
  readonly draw: () => void;
  /** Where it has got to in each source of a mixture. */
  readonly places: Places;
}

/** An order that needs no more draws. */
export const wholeOrder = (examples: Uint32Array): Order => ({
  length: examples.length,
  isWhole: true,
  at: (index) => examples[index],
  drawable: () => Promise.resolve(),
  draw: () => {},
  places: [],
});
