/**
 * Examples on disk: what is in memory of each does not grow with its tokens.
 *
 * @module
 */
import { type Example, type Examples, lengthOf } from "../example.ts";
import { GrowableArray } from "../../io/store/growable_array.ts";
import { examplesIn, type Recorded, recordOf } from "./record.ts";
import { Records } from "../../io/store/records.ts";

/** In place of a length that needs more than 16 bits, which is then read from the disk. */
const LARGE = 0xffff;
/** In place of the length of a source that is not there. */
const NO_SOURCE = 0xffffffff;

/**
 * Keeps the records of examples in a temporary file, which is gone with the store: 3 bytes of each
 * are in memory, 7 for a model that has an encoder.
 *
 * @throws {FileError} where no temporary file can be made.
 */
export class ExampleStore implements Examples, Disposable {
  readonly #records = new Records("tokens");
  readonly #lengths = new GrowableArray(Uint16Array);
  /** Up to the last that has one. */
  readonly #sources = new GrowableArray(Uint32Array);
  readonly #Stored = storedExamples(this);

  /**
   * Writes an example and returns it as one that reads its tokens again whenever it is asked.
   *
   * @throws {FileError} where the disk is full.
   */
  keep(example: Example): Example {
    this.#keepSource(example.sourceLength ?? NO_SOURCE);
    this.#lengths.push(Math.min(lengthOf(example), LARGE));
    const { buffer, byteOffset, byteLength } = recordOf(example);
    this.#records.push(new Uint8Array(buffer, byteOffset, byteLength));
    return this.at(this.length - 1)!;
  }

  /** How many examples are kept. */
  get length(): number {
    return this.#lengths.length;
  }

  /** One that reads its tokens again whenever it is asked, as `keep` gave it. */
  at(index: number): Example | undefined {
    return index < this.length ? new this.#Stored(index) : undefined;
  }

  /** How many tokens an example has. */
  lengthOf(index: number): number {
    const length = this.#lengths.at(index);
    return length === LARGE ? this.read(index).length : length;
  }

  /** How many tokens an encoder reads, where there is one. */
  sourceLength(index: number): number | undefined {
    const length = index < this.#sources.length ? this.#sources.at(index) : NO_SOURCE;
    return length === NO_SOURCE ? undefined : length;
  }

  /** An example from the disk, until the next is read. */
  read(index: number): Recorded {
    const { bytes, before } = this.#records.around(index);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return examplesIn(words).drop(before).next().value!;
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#records[Symbol.dispose]();
  }

  #keepSource(length: number): void {
    if (length === NO_SOURCE) return;
    while (this.#sources.length < this.length) this.#sources.push(NO_SOURCE);
    this.#sources.push(length);
  }
}

/** Examples that are read from the disk each time; an object holds its index only. */
function storedExamples(store: ExampleStore) {
  return class implements Example {
    readonly #index: number;

    constructor(index: number) {
      this.#index = index;
    }

    get ids(): Uint32Array {
      return store.read(this.#index).ids;
    }

    get labels(): Int32Array {
      return store.read(this.#index).labels;
    }

    get sourceLength(): number | undefined {
      return store.sourceLength(this.#index);
    }

    get sides(): Example["sides"] {
      return store.read(this.#index).sides;
    }

    get label(): number | undefined {
      return store.read(this.#index).label;
    }

    get origin(): string {
      return store.read(this.#index).origin;
    }

    get length(): number {
      return store.lengthOf(this.#index);
    }

    get supervised(): number {
      return store.read(this.#index).supervised;
    }
  };
}
