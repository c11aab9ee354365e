/**
 * Examples on disk: what is in memory of each does not grow with its tokens.
 *
 * @module
 */
import { onDisk, writeAll } from "../../io/files.ts";
import { countSupervised } from "../encode.ts";
import { type Example, UNSUPERVISED } from "../example.ts";

/** Set in the word of a supervised token; ids are below it. */
const SUPERVISED = 0x80000000;
const WORD = 4;
/** An open file lives on without its name, so that nothing is left where a run is killed. */
const NAMELESS = Deno.build.os !== "windows";
/** Words that are written at once. */
const BUFFER = 1 << 16;

/**
 * Keeps examples in a temporary file, which is gone with the store. A record is the words of its
 * tokens, then its origin as UTF-8, filled up to a whole word.
 */
export class ExampleStore implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint32Array(BUFFER);
  #buffered = 0;
  #written = 0;
  readonly #begins = new Numbers(Float64Array);
  readonly #lengths = new Numbers(Uint32Array);
  readonly #supervised = new Numbers(Uint32Array);
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
    const { ids, labels, origin } = example;
    const text = new TextEncoder().encode(origin);
    const words = new Uint32Array(ids.length + 1 + Math.ceil(text.length / WORD));
    for (const [i, id] of ids.entries()) {
      words[i] = labels[i] === UNSUPERVISED ? id : id | SUPERVISED;
    }
    words[ids.length] = text.length;
    new Uint8Array(words.buffer).set(text, (ids.length + 1) * WORD);
    const index = this.#begins.push(this.#written + this.#buffered);
    this.#lengths.push(ids.length);
    this.#supervised.push(countSupervised(example));
    this.#write(words);
    return new this.#Stored(index);
  }

  /** How many tokens an example has, and how many are supervised. */
  counts(index: number): { length: number; supervised: number } {
    return { length: this.#lengths.at(index), supervised: this.#supervised.at(index) };
  }

  /** The words of an example's tokens. */
  tokens(index: number): Uint32Array {
    return this.#read(this.#begins.at(index), this.#lengths.at(index));
  }

  /** Where an example came from. */
  origin(index: number): string {
    const begin = this.#begins.at(index) + this.#lengths.at(index);
    const [bytes = 0] = this.#read(begin, 1);
    const words = this.#read(begin + 1, Math.ceil(bytes / WORD));
    return new TextDecoder().decode(new Uint8Array(words.buffer, 0, bytes));
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    if (!NAMELESS) onDisk(`Cannot remove ${this.#path}`, () => Deno.removeSync(this.#path));
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
      return store.tokens(this.#index).map((word) => word & ~SUPERVISED);
    }

    get labels(): Int32Array {
      return Int32Array.from(
        store.tokens(this.#index),
        (word) => word & SUPERVISED ? word & ~SUPERVISED : UNSUPERVISED,
      );
    }

    get origin(): string {
      return store.origin(this.#index);
    }

    get counts(): { readonly length: number; readonly supervised: number } {
      return store.counts(this.#index);
    }
  };
}

/** Numbers of one type, as many as come. */
class Numbers<A extends Float64Array | Uint32Array> {
  #numbers: A;
  #count = 0;

  constructor(private readonly Type: new (length: number) => A) {
    this.#numbers = new Type(1024);
  }

  /** Adds one and returns its index. */
  push(number: number): number {
    if (this.#count === this.#numbers.length) {
      const more = new this.Type(Math.ceil(1.5 * this.#count));
      more.set(this.#numbers);
      this.#numbers = more;
    }
    this.#numbers[this.#count] = number;
    return this.#count++;
  }

  at(index: number): number {
    return this.#numbers[index]!;
  }
}
