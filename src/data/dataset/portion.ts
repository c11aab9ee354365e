/**
 * Blocks of rows to examples, in whichever thread.
 *
 * @module
 */

import type { DataEntry } from "../entry.ts";
import type { Encoder } from "../example.ts";
import { Numbers } from "../store/growable_array.ts";
import { recordOf } from "../store/record.ts";
import {
  type EncodeRow,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  rowEncoder,
} from "./examples.ts";
import { linesIn, valueOf } from "../store/lines.ts";
import type { WaitingRow } from "./block.ts";

/** What came of some rows, up to the first with an error. */
export interface Portion {
  /** The records of the examples, one after the other: 32-bit words. */
  readonly words: ArrayBuffer;
  /** How many examples each row came to. */
  readonly examples: readonly number[];
  /** Of each entry. */
  readonly counts: readonly LoadCounts[];
  readonly fault?: { readonly name: string; readonly message: string };
}

/** Encodes the rows of some entries, which come as lines (see `WaitingRow`). */
export class BlockEncoder {
  // In one piece of memory: many small ones would fill it with holes.
  readonly #words = new Numbers(Uint32Array);
  readonly #entries: readonly DataEntry[];
  #encoders: readonly EncodeRow[] | null = null;

  /** @param encoder asked for at the first block, whose error it is if there can be none. */
  constructor(
    entries: readonly DataEntry[],
    private readonly options: LoadOptions,
    private readonly encoder: () => Encoder,
  ) {
    this.#entries = entries;
  }

  /** What becomes of a block; an error is part of it. */
  encode(block: Uint8Array): Portion {
    const counts = this.#entries.map(() => noCounts());
    const examples: number[] = [];
    this.#words.clear();
    const portion = () => ({ words: this.#words.copy().buffer, examples, counts });
    try {
      this.#encoders ??= this.#open();
      for (const line of linesIn(block)) {
        const [source, drawn] = valueOf<WaitingRow>(line);
        const found = this.#encoders[source]!(drawn, counts[source]!);
        for (const example of found) this.#words.append(recordOf(example));
        examples.push(found.length);
      }
    } catch (thrown) {
      const { name, message } = thrown as Error;
      return { ...portion(), fault: { name, message } };
    }
    return portion();
  }

  #open(): EncodeRow[] {
    const encoder = this.encoder();
    return this.#entries.map((entry) => rowEncoder(entry, encoder, this.options));
  }
}
