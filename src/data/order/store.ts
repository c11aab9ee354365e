/**
 * Examples on disk: what is in memory of each does not grow with its tokens.
 *
 * @module
 */
import { onDisk, writeAll } from "../../io/files.ts";
import { countSupervised } from "../encode.ts";
import { type Example, type Examples, lengthOf } from "../example.ts";
import { Numbers } from "./numbers.ts";
import { idsIn, labelsIn, NO_SOURCE, recordOf, sourceIn, sourceWord } from "./record.ts";

const WORD = 4;
/** An open file lives on without its name, so that nothing is left where a run is killed. */
const NAMELESS = Deno.build.os !== "windows";
/** Words that are written at once. */
const BUFFER = 1 << 16;
/** Records from one whose place is kept in full to the next. */
const STRIDE = 256;

/**
 * Keeps the records of examples in a temporary file, which is gone with the store: 12 bytes of each
 * are in memory, 16 for a model that has an encoder.
 */
export class ExampleStore implements Examples, Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint32Array(BUFFER);
  #buffered = 0;
  #written = 0;
  readonly #begins = new Numbers(Float64Array);
  /** Where each record begins, from the last one before it whose place is kept in full. */
  readonly #offsets = new Numbers(Uint32Array);
  readonly #lengths = new Numbers(Uint32Array);
  readonly #supervised = new Numbers(Uint32Array);
  /** Up to the last that has one. */
  readonly #sources = new Numbers(Uint32Array);
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
    const begin = this.#written + this.#buffered;
    if (this.length % STRIDE === 0) this.#begins.push(begin);
    this.#keepSource(sourceWord(example));
    this.#offsets.push(begin - this.#begins.at(this.#begins.length - 1));
    this.#lengths.push(lengthOf(example));
    this.#supervised.push(countSupervised(example));
    this.#write(recordOf(example));
    return this.at(this.length - 1)!;
  }

  /** How many examples are kept. */
  get length(): number {
    return this.#offsets.length;
  }

  /** One that reads its tokens again whenever it is asked, as `keep` gave it. */
  at(index: number): Example | undefined {
    return index < this.length ? new this.#Stored(index) : undefined;
  }

  /** How many tokens an example has, and how many are supervised. */
  counts(index: number): { length: number; supervised: number } {
    return { length: this.#lengths.at(index), supervised: this.#supervised.at(index) };
  }

  /** How many tokens an encoder reads, where there is one. */
  sourceLength(index: number): number | undefined {
    return index < this.#sources.length ? sourceIn(this.#sources.at(index)) : undefined;
  }

  /** The words of an example's tokens. */
  tokens(index: number): Uint32Array {
    return this.#read(this.#beginOf(index), this.#lengths.at(index));
  }

  /** Where an example came from. */
  origin(index: number): string {
    const begin = this.#beginOf(index) + this.#lengths.at(index) + 1;
    const [bytes = 0] = this.#read(begin, 1);
    const words = this.#read(begin + 1, Math.ceil(bytes / WORD));
    return new TextDecoder().decode(new Uint8Array(words.buffer, 0, bytes));
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    if (!NAMELESS) onDisk(`Cannot remove ${this.#path}`, () => Deno.removeSync(this.#path));
  }

  #beginOf(index: number): number {
    return this.#begins.at(Math.floor(index / STRIDE)) + this.#offsets.at(index);
  }

  #keepSource(word: number): void {
    if (word === NO_SOURCE) return;
    while (this.#sources.length < this.length) this.#sources.push(NO_SOURCE);
    this.#sources.push(word);
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
      return idsIn(store.tokens(this.#index));
    }

    get labels(): Int32Array {
      return labelsIn(store.tokens(this.#index));
    }

    get sourceLength(): number | undefined {
      return store.sourceLength(this.#index);
    }

    get origin(): string {
      return store.origin(this.#index);
    }

    get counts(): { readonly length: number; readonly supervised: number } {
      return store.counts(this.#index);
    }
  };
}
