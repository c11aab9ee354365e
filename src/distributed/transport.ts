/**
 * How bytes get from rank to rank: what a library has to offer, and the same within one process.
 *
 * @module
 */

/** Something that was begun. */
export interface Pending {
  /** Looks whether it is done, and lets it go on. */
  isDone(): boolean;
}

/** What a rank tells all others when it ends by a fault. */
export interface Notice {
  readonly rank: number;
  /** Its fault, a sentence. */
  readonly fault: string;
}

/** A rank's way to the others. Nothing here waits. */
export interface Transport {
  /** Which of the ranks this is, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** Begins to send; the bytes stay as they are until it is done. Messages of a tag keep their order. */
  send(to: number, tag: number, bytes: Uint8Array): Pending;
  /** Begins to take a message of that length. */
  receive(from: number, tag: number, bytes: Uint8Array): Pending;
  /** Tells all others that this rank ends by a fault. */
  tell(fault: string): Pending;
  /** What another rank has told, each once; null where there is nothing new. */
  hear(): Notice | null;
  /** Ends the use of the library, which every rank does. */
  close(): void;
}

/** The ranks of one process, by messages in memory. One rank alone is `inProcess(1)[0]`. */
export function inProcess(size: number): Transport[] {
  const messages = new Map<string, Uint8Array[]>();
  const notices = Array.from({ length: size }, (): Notice[] => []);
  const box = (from: number, to: number, tag: number) =>
    messages.getOrInsertComputed(`${from} ${to} ${tag}`, () => []);
  return notices.map((own, rank) => ({
    rank,
    size,
    send(to, tag, bytes) {
      box(rank, to, tag).push(bytes.slice());
      return DONE;
    },
    receive(from, tag, bytes) {
      let isThere = false;
      return {
        isDone() {
          const message = isThere ? undefined : box(from, rank, tag).shift();
          if (message) bytes.set(message);
          return isThere ||= message !== undefined;
        },
      };
    },
    tell(fault) {
      for (const [to, others] of notices.entries()) if (to !== rank) others.push({ rank, fault });
      return DONE;
    },
    hear: () => own.shift() ?? null,
    close() {},
  }));
}

const DONE: Pending = { isDone: () => true };
