/**
 * Random numbers without state: each is a function of a seed and counters, so a resumed run needs
 * nothing but its step. The hash is MurmurHash3 x86_32 (Austin Appleby, public domain) over 32-bit
 * words.
 *
 * @module
 */

/** A 32-bit hash of `words`; of the seed and of each word the low 32 bits count. */
export function hash(seed: number, words: ArrayLike<number>): number {
  let h = seed | 0;
  for (let i = 0; i < words.length; i++) {
    let k = Math.imul(words[i]!, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= 4 * words.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A number in [0, 1), the same for the same seed and counters. */
export function random(seed: number, ...counters: number[]): number {
  return hash(seed, counters) / 2 ** 32;
}

/** A normal number by Box and Muller's transform of two uniform ones. */
export function normal(seed: number, tensor: number, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random(seed, tensor, index, 0)));
  return radius * Math.cos(2 * Math.PI * random(seed, tensor, index, 1));
}

/** The numbers 0..n-1 in an order keyed by seed and counters (Fisher-Yates). */
export function permutation(n: number, seed: number, ...counters: number[]): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random(seed, ...counters, i) * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Items of a stream, and how many it had. */
export interface Sampled<T> {
  /** In the order of the stream. */
  readonly items: T[];
  readonly total: number;
}

/**
 * At most so many items of a stream, sampled without bias as they go by, so that no more are ever held
 * (Vitter 1985, algorithm R); all of them where there are no more.
 */
export async function reservoirSample<T>(
  stream: AsyncIterable<T>,
  most: number,
  seed: number,
): Promise<Sampled<T>> {
  const kept: { readonly number: number; readonly item: T }[] = [];
  let total = 0;
  for await (const item of stream) {
    const place = total < most ? total : Math.floor(random(seed, total) * (total + 1));
    if (place < most) kept[place] = { number: total, item };
    total++;
  }
  const inOrder = kept.sort((a, b) => a.number - b.number);
  return { items: inOrder.map(({ item }) => item), total };
}
