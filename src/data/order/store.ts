/**
 * Examples on disk: what is in memory of each does not grow with its tokens.
 *
 * @module
 */
import { onDisk, writeAll } from "../../io/files.ts";
import { countSupervised } from "../encode.ts";
import { type Example, type Examples, lengthOf } from "../example.ts";
import { Numbers } from "./numbers.ts";
import { examplesIn, type Recorded, recordOf } from "./record.ts";

const WORD = 4;
/** An open file lives on without its name, so that nothing is left where a run is killed. */
const NAMELESS = Deno.build.os !== "windows";
/** Words that are written at once. */
const BUFFER = 1 << 16;
/** Of so many records the place of the first is kept; all of them are read to look at one. */
const STRIDE = 8;
/** In place of a count that needs more than 16 bits, which is then read from the disk. */
const LARGE = 0xffff;
/** In place of the length of a source that is not there. */
const NO_SOURCE = 0xffffffff;

/**
 * Keeps the records of examples in a temporary file, which is gone with the store: 5 bytes of each
 * are in memory, 9 for a model that has an encoder.
 */
export class ExampleStore implements Examples, Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint32Array(BUFFER);
  #buffered = 0;
  #written = 0;
  /** Where every eighth record begins. */
  readonly #begins = new Numbers(Float64Array);
  readonly #lengths = new Numbers(Uint16Array);
  readonly #supervised = new Numbers(Uint16Array);
  /** Up to the last that has one. */
  readonly #sources = new Numbers(Uint32Array);
  #last: { readonly index: number; readonly example: Recorded } | null = null;
  readonly #Stored = storedExamples(this);

  /** @throws {FileError} where no temporary file can be made. */
  constructor() {
    [this.#path, this.#file] = onDisk("Cannot keep tokens on the disk", () => {
      const path = Deno.makeTempFileSync({ prefix: "graft-tokens-" });
      return [path, Deno.openSync(path, { read: true, write: true })];
    });
    if (NAMELESS) Deno.removeSync(this.#path);
  }

  /**
   * Writes an example and returns it as one that reads its tokens again whenever it is asked.
   *
   * @throws {FileError} where the disk is full.
   */
  keep(example: Example): Example {
    if (this.length % STRIDE === 0) this.#begins.push(this.#end);
    this.#keepSource(example.sourceLength ?? NO_SOURCE);
    this.#lengths.push(Math.min(lengthOf(example), LARGE));
    this.#supervised.push(Math.min(countSupervised(example), LARGE));
    this.#write(recordOf(example));
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

  /** How many tokens an example has, and how many are supervised. */
  counts(index: number): { readonly length: number; readonly supervised: number } {
    const length = this.#lengths.at(index);
    if (length === LARGE) return this.read(index).counts;
    return { length, supervised: this.#supervised.at(index) };
  }

  /** How many tokens an encoder reads, where there is one. */
  sourceLength(index: number): number | undefined {
    const length = index < this.#sources.length ? this.#sources.at(index) : NO_SOURCE;
    return length === NO_SOURCE ? undefined : length;
  }

  /** An example from the disk; the one read last is kept, for its ids are followed by its labels. */
  read(index: number): Recorded {
    if (this.#last?.index !== index) this.#last = { index, example: this.#find(index) };
    return this.#last.example;
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    if (!NAMELESS) onDisk(`Cannot remove ${this.#path}`, () => Deno.removeSync(this.#path));
  }

  #find(index: number): Recorded {
    const first = Math.floor(index / STRIDE);
    const begin = this.#begins.at(first);
    const end = first + 1 < this.#begins.length ? this.#begins.at(first + 1) : this.#end;
    return examplesIn(this.#read(begin, end - begin)).drop(index % STRIDE).next().value!;
  }

  /** Where the next record begins. */
  get #end(): number {
    return this.#written + this.#buffered;
  }

  #keepSource(length: number): void {
    if (length === NO_SOURCE) return;
    while (this.#sources.length < this.length) this.#sources.push(NO_SOURCE);
    this.#sources.push(length);
  }

  #write(words: Uint32Array): void {
    if (this.#buffered + words.length > BUFFER) this.#flush();
    if (words.length > BUFFER) return this.#append(words);
    this.#buffer.set(words, this.#buffered);
    this.#buffered += words.length;
  }

  #flush(): void {
    this.#append(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #append(words: Uint32Array): void {
    onDisk(`Cannot write ${this.#path}`, () => {
      this.#file.seekSync(this.#written * WORD, Deno.SeekMode.Start);
      writeAll(this.#file, new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
    });
    this.#written += words.length;
  }

  #read(begin: number, length: number): Uint32Array {
    if (begin + length > this.#written) this.#flush();
    const words = new Uint32Array(length);
    const bytes = new Uint8Array(words.buffer);
    onDisk(`Cannot read ${this.#path}`, () => {
      this.#file.seekSync(begin * WORD, Deno.SeekMode.Start);
      for (let done = 0; done < bytes.length;) {
        done += this.#file.readSync(bytes.subarray(done)) ?? bytes.length;
      }
    });
    return words;
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

    get origin(): string {
      return store.read(this.#index).origin;
    }

    get counts(): { readonly length: number; readonly supervised: number } {
      return store.counts(this.#index);
    }
  };
}
