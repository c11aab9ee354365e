/**
 * Lists of which the items need not be in memory: each is made when it is asked for.
 *
 * @module
 */

/** Items in an order. An array is a list, and so is what has its items on the disk. */
export interface List<T> extends Iterable<T> {
  readonly length: number;
  /** Undefined from `length` on. */
  at(index: number): T | undefined;
}

/** What `of` makes of each item of a list, made anew whenever it is asked for. */
export function mapped<T, U>(list: List<T>, of: (item: T, index: number) => U): List<U> {
  return listOf(list.length, (index) => of(list.at(index)!, index));
}

/** Indices of a list's items: a typed array has them in memory. */
export type Indices = Pick<Uint32Array, "length" | "at">;

/** The items of a list at those indices, in their order. */
export function selected<T>(list: List<T>, indices: Indices): List<T> {
  return listOf(indices.length, (index) => list.at(indices.at(index)!)!);
}

function listOf<T>(length: number, item: (index: number) => T): List<T> {
  return {
    length,
    at: (index) => index < length ? item(index) : undefined,
    *[Symbol.iterator]() {
      for (let i = 0; i < length; i++) yield item(i);
    },
  };
}

/** A list that keeps as many items as `most`: those made last. */
export function remembered<T>(list: List<T>, most: number): List<T> {
  const known = new Map<number, T>();
  return listOf(list.length, (index) => {
    if (known.size >= most && !known.has(index)) known.delete(known.keys().next().value!);
    return known.getOrInsertComputed(index, () => list.at(index)!);
  });
}
