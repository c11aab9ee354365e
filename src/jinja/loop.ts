/**
 * `loop` within a loop.
 *
 * @module
 */

import { equal } from "./values/compare.ts";
import {
  type Arguments,
  Callable,
  Instance,
  Tuple,
  Undefined,
  type Value,
} from "./values/value.ts";

/** Walks through items and knows where it is; of what follows it takes no more than is asked for. */
export class LoopState {
  readonly #items: Iterator<Value>;
  /** Taken from the items, and still to come. */
  #ahead: Value[] = [];
  #index = -1;
  #previous: Value | undefined;
  #current: Value | undefined;
  #changed: Tuple | undefined;
  /** What `loop` is. */
  readonly value: Instance;

  /**
   * @param depth of recursion, from 0.
   * @param recurse makes the text of the same loop over other items; undefined where it may not.
   */
  constructor(
    items: Iterable<Value>,
    readonly depth: number,
    recurse?: (items: Value) => Value,
  ) {
    this.#items = items[Symbol.iterator]();
    this.value = new Instance("LoopContext", (field) => this.#field(field), (args: Arguments) => {
      if (recurse) return recurse(args.take("loop", ["iterable"], 1)[0]!);
      throw new TypeError("The loop must have the 'recursive' marker to be called recursively.");
    });
  }

  /** The next item; undefined at the end. */
  next(): Value | undefined {
    const found = this.#ahead.length > 0 ? this.#ahead.shift() : this.#take();
    if (found === undefined) return undefined;
    this.#previous = this.#current;
    this.#current = found;
    this.#index++;
    return found;
  }

  #take(): Value | undefined {
    const { done, value } = this.#items.next();
    return done ? undefined : value;
  }

  #peek(): Value | undefined {
    if (this.#ahead.length === 0) {
      const found = this.#take();
      if (found !== undefined) this.#ahead.push(found);
    }
    return this.#ahead[0];
  }

  #length(): number {
    for (let item = this.#take(); item !== undefined; item = this.#take()) this.#ahead.push(item);
    return this.#index + 1 + this.#ahead.length;
  }

  #field(field: string): Value | undefined {
    const index = this.#index;
    const there = (value: Value | undefined, what: string) =>
      value === undefined ? new Undefined(`there is no ${what} item`) : value;
    switch (field) {
      case "index":
        return BigInt(index + 1);
      case "index0":
        return BigInt(index);
      case "first":
        return index === 0;
      case "last":
        return this.#peek() === undefined;
      case "length":
        return BigInt(this.#length());
      case "revindex":
        return BigInt(this.#length() - index);
      case "revindex0":
        return BigInt(this.#length() - index - 1);
      case "depth":
        return BigInt(this.depth + 1);
      case "depth0":
        return BigInt(this.depth);
      case "previtem":
        return there(this.#previous, "previous");
      case "nextitem":
        return there(this.#peek(), "next");
      case "cycle":
        return new Callable("cycle", ({ positional }) => {
          if (positional.length === 0) throw new TypeError("no items for cycling given");
          return positional[index % positional.length]!;
        });
      case "changed":
        return new Callable("changed", ({ positional }) => this.#isChanged(positional));
      default:
        return undefined;
    }
  }

  #isChanged(values: readonly Value[]): boolean {
    const now = new Tuple(values);
    const isSame = this.#changed !== undefined && equal(this.#changed, now);
    this.#changed = now;
    return !isSame;
  }
}
