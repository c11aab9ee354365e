/**
 * What ranks do together: they sum, gather, send out, and end.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { FileError } from "../errors.ts";
import { sumPairwise } from "./pairwise.ts";
import type { Pending, Transport } from "./transport.ts";

/** Another rank has ended by a fault, or does not answer. */
export class RankFault extends FileError {
  /** Name of the class. */
  override name = "RankFault";
}

/** A message that is under way, and the other rank of it. */
interface Flight {
  readonly other: number;
  readonly of: Pending;
}

/** How many times as long it may take another rank to open what it trains with. */
const OPENING = 10;

/** Seconds that a rank which ends by a fault waits until the others have heard of it. */
const GRACE = 10;

/** Looks for messages that come one after another, before the processor is left to others. */
const EAGER = 50;

/** Milliseconds from one look to the next, later. */
const NAP = 1;

/** Numbers that are summed at a time: with the buffers for them they stay in a core's own cache. */
export const PIECE = 1 << 16;

/** Tags from 0 on, as many as every library has. */
const TAGS = 32_000;

/**
 * A rank among others. Each method but {@link Communicator.fail} is called by all of them, in the same
 * order; all wait without holding the processor, and end where another rank has ended by a fault.
 */
export class Communicator {
  /** Seconds that this rank has waited for others. */
  waited = 0;
  #calls = 0;
  #buffers: readonly Float32Array[] = [];
  readonly #ended = new Set<number>();

  /** `patience` is the seconds that another rank is waited for. */
  constructor(private readonly transport: Transport, readonly patience: number) {}

  /** Which of the ranks this is, from 0. */
  get rank(): number {
    return this.transport.rank;
  }

  /** How many there are. */
  get size(): number {
    return this.transport.size;
  }

  /**
   * Sums numbers over the ranks, in place: as {@link sumPairwise} has it, in the order of the ranks.
   * Each rank sums one part of the numbers for all, piece by piece, and so sends 2 (size - 1) / size of
   * them; a sum goes out with what comes in for the next.
   *
   * @throws {RankFault} as all others.
   */
  async sum(numbers: Float32Array): Promise<void> {
    const { rank, size } = this;
    if (size === 1) return;
    const share = Math.ceil(numbers.length / size);
    const at = (of: number, begin: number) =>
      numbers.subarray(of * share + begin, of * share + Math.min(begin + PIECE, share));
    const ranks = Array.from({ length: size }, (_, i) => i);
    let summed: Flight[] = [];
    for (let begin = 0; begin < share; begin += PIECE) {
      const own = at(rank, begin);
      const parts = this.#partsOf(Math.min(PIECE, share), own);
      const coming = this.#begin(ranks.map((of) => bytesOf(at(of, begin))), parts.map(bytesOf));
      await this.#arrived([...summed, ...coming], this.patience);
      sumPairwise(parts, rank);
      summed = this.#begin(
        ranks.map(() => bytesOf(own)),
        ranks.map((of) => bytesOf(at(of, begin))),
      );
    }
    await this.#arrived(summed, this.patience);
  }

  /** A piece of each rank: one's own, and a buffer for each of the others', kept from sum to sum. */
  #partsOf(most: number, own: Float32Array): Float32Array[] {
    if (this.#buffers[0]?.length !== most) {
      this.#buffers = Array.from({ length: this.size }, () => new Float32Array(most));
    }
    return this.#buffers.map((buffer, of) =>
      of === this.rank ? own : buffer.subarray(0, own.length)
    );
  }

  /** Gives every rank the part of each: a rank fills in its own, and the lengths are the same in all. */
  async collect(parts: readonly Float32Array[]): Promise<void> {
    const own = bytesOf(parts[this.rank]!);
    await this.#exchange(parts.map(() => own), parts.map(bytesOf), OPENING * this.patience);
  }

  /** What every rank has said, in their order. */
  async gather(words: string): Promise<string[]> {
    const own = new TextEncoder().encode(words);
    const ranks = Array.from({ length: this.size }, (_, i) => i);
    const lengths = ranks.map(() => new Float64Array(1));
    const length = Float64Array.of(own.length);
    const patience = OPENING * this.patience;
    await this.#exchange(ranks.map(() => bytesOf(length)), lengths.map(bytesOf), patience);
    const said = lengths.map(([length]) => new Uint8Array(length!));
    await this.#exchange(ranks.map(() => own), said, patience);
    said[this.rank] = own;
    return said.map((bytes) => new TextDecoder().decode(bytes));
  }

  /** What rank 0 has, in every rank; the others give null. In a binary tree of ranks. */
  async fromFirst(bytes: Uint8Array | null): Promise<Uint8Array> {
    const length = Float64Array.of(bytes?.length ?? 0);
    await this.#spread(bytesOf(length));
    const all = bytes ?? new Uint8Array(length[0]!);
    await this.#spread(all);
    return all;
  }

  /** Waits until all ranks are here, however long the others work: only a fault ends that. */
  async barrier(): Promise<void> {
    const { rank, size } = this;
    const tag = this.#tag();
    for (let apart = 1; apart < size; apart *= 2) {
      const [to, from] = [(rank + apart) % size, (rank - apart + size) % size];
      const flights = [
        { other: from, of: this.transport.receive(from, tag, new Uint8Array(1)) },
        { other: to, of: this.transport.send(to, tag, new Uint8Array(1)) },
      ];
      await this.#arrived(flights, Infinity);
    }
  }

  /** The end of all ranks' work. */
  async close(): Promise<void> {
    await this.barrier();
    this.transport.close();
  }

  /**
   * The end of this rank by a fault: the others are told, and have some seconds to end too. Where one
   * does not, the library is left open, which whoever has started the ranks takes for a crash.
   */
  async fail(fault: string): Promise<void> {
    const sent = this.transport.tell(fault);
    const end = performance.now() + 1000 * GRACE;
    while (performance.now() < end) {
      const notice = this.transport.hear();
      if (notice) this.#ended.add(notice.rank);
      else if (sent.isDone() && this.#ended.size === this.size - 1) return this.transport.close();
      else await nap(Infinity);
    }
  }

  /** Sends to each rank what is its, and takes what they send. */
  async #exchange(
    out: readonly Uint8Array[],
    into: readonly Uint8Array[],
    patience: number,
  ): Promise<void> {
    await this.#arrived(this.#begin(out, into), patience);
  }

  /** Begins to send to each rank what is its, and to take what they send. */
  #begin(out: readonly Uint8Array[], into: readonly Uint8Array[]): Flight[] {
    const tag = this.#tag();
    const flights: Flight[] = [];
    // Each begins with the rank after it, so that not all send to the same.
    for (let i = 1; i < this.size; i++) {
      const [to, from] = [(this.rank + i) % this.size, (this.rank - i + this.size) % this.size];
      if (into[from]!.length > 0) {
        flights.push({ other: from, of: this.transport.receive(from, tag, into[from]!) });
      }
      if (out[to]!.length > 0) {
        flights.push({ other: to, of: this.transport.send(to, tag, out[to]!) });
      }
    }
    return flights;
  }

  /** Rank 0's bytes to all. */
  async #spread(bytes: Uint8Array): Promise<void> {
    const { rank, size } = this;
    const [tag, patience] = [this.#tag(), OPENING * this.patience];
    if (bytes.length === 0) return;
    let apart = 1;
    for (; apart < size && (rank & apart) === 0; apart *= 2);
    if (rank > 0) {
      const from = rank - apart;
      const of = this.transport.receive(from, tag, bytes);
      await this.#arrived([{ other: from, of }], patience);
    }
    const flights: Flight[] = [];
    for (let half = apart / 2; half >= 1; half /= 2) {
      const to = rank + half;
      if (to < size) flights.push({ other: to, of: this.transport.send(to, tag, bytes) });
    }
    await this.#arrived(flights, patience);
  }

  #tag(): number {
    return this.#calls++ % TAGS;
  }

  /** @throws {RankFault} where another rank has ended, or does not answer for `patience` seconds. */
  async #arrived(flights: readonly Flight[], patience: number): Promise<void> {
    const start = performance.now();
    let flying = flights;
    for (let looks = 0; flying.length > 0; looks++) {
      flying = flying.filter(({ of }) => !of.isDone());
      if (flying.length === 0) break;
      const notice = this.transport.hear();
      if (notice) {
        this.#ended.add(notice.rank);
        throw new RankFault(`Rank ${notice.rank} has ended: ${notice.fault}`);
      }
      if (performance.now() - start > 1000 * patience) throw silent(flying, patience);
      await nap(looks);
    }
    this.waited += (performance.now() - start) / 1000;
  }
}

function silent(flying: readonly Flight[], patience: number): RankFault {
  const others = [...new Set(flying.map(({ other }) => other))].sort((a, b) => a - b);
  const [one, ...more] = others;
  const and = more.length === 0 ? "" : `, nor do ${more.length} more`;
  return new RankFault(`Rank ${one} does not answer for ${patience} s (rank_timeout)${and}`);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** Lets others of this thread have their turn, and after some looks those of the processor. */
const nap = (looks: number): Promise<void> =>
  new Promise((resolve) => looks < EAGER ? setImmediate(resolve) : setTimeout(resolve, NAP));
