/**
 * How fast a text is read and written.
 *
 * @module
 */

/** Counts what passes, and the time that it takes. */
export class Speed {
  /** Tokens that were made. */
  made = 0;
  #begun = 0;
  #first = 0;
  #last = 0;

  /** @param read Tokens of the prompt that are read. */
  constructor(readonly read: number) {}

  /** Seconds up to the first token, which reading the prompt gives. */
  get readSeconds(): number {
    return (this.#first - this.#begun) / 1000;
  }

  /** Seconds from the first token to the last. */
  get writeSeconds(): number {
    return (this.#last - this.#first) / 1000;
  }

  /** Passes ids on. */
  async *of(ids: AsyncIterable<number>): AsyncGenerator<number> {
    this.#begun = this.#first = this.#last = performance.now();
    for await (const id of ids) {
      this.#last = performance.now();
      if (this.made++ === 0) this.#first = this.#last;
      yield id;
    }
  }

  /** `prompt 12 tokens in 0.420 s, 28.6 tokens/s; answer 40 tokens in 5.31 s, 7.34 tokens/s`. */
  toString(): string {
    const { read, readSeconds, made, writeSeconds } = this;
    if (made === 0) return `prompt ${read} tokens; no answer`;
    const answer = `answer ${made} tokens`;
    const rest = made > 1 ? ` in ${timed(made - 1, writeSeconds)}` : "";
    return `prompt ${read} tokens in ${timed(read, readSeconds)}; ${answer}${rest}`;
  }
}

/** `0.420 s, 28.6 tokens/s`, each with three digits that mean something. */
export function timed(tokens: number, seconds: number): string {
  return `${digits(seconds)} s, ${digits(tokens / seconds)} tokens/s`;
}

/** Three significant digits, all those before the point at least. */
export function digits(number: number): string {
  return Math.abs(number) >= 100 ? number.toFixed(0) : number.toPrecision(3);
}
