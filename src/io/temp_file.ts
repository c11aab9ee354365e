/**
 * Bytes that wait on the disk instead of in memory.
 *
 * @module
 */
import { onDisk, readAt, writeAll } from "./files.ts";

/** An open file lives on without its name, so that nothing is left where a run is killed. */
const NAMELESS = Deno.build.os !== "windows";
/** Bytes that are written at once. */
const BUFFER = 1 << 18;

/** A temporary file that grows at its end and is read anywhere. It is gone with the object. */
export class TempFile implements Disposable {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #buffer = new Uint8Array(BUFFER);
  #buffered = 0;
  #written = 0;

  /**
   * An empty file.
   *
   * @param what it is to hold, in one word for messages and for the file's name.
   * @throws {FileError} where no temporary file can be made.
   */
  constructor(what: string) {
    [this.#path, this.#file] = onDisk(`Cannot keep ${what} on the disk`, () => {
      const path = Deno.makeTempFileSync({ prefix: `graft-${what}-` });
      return [path, Deno.openSync(path, { read: true, write: true })];
    });
    if (NAMELESS) Deno.removeSync(this.#path);
  }

  /** How many bytes there are: where the next begin. */
  get length(): number {
    return this.#written + this.#buffered;
  }

  /**
   * Adds bytes.
   *
   * @throws {FileError} where the disk is full.
   */
  write(bytes: Uint8Array): void {
    if (this.#buffered + bytes.length > BUFFER) this.#flush();
    if (bytes.length > BUFFER) return this.#append(bytes);
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  /** Fills `into` with what was written from byte `begin` on. */
  read<T extends Uint8Array>(begin: number, into: T): T {
    if (begin + into.length > this.#written) this.#flush();
    return readAt(this.#file, this.#path, into, begin);
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    if (!NAMELESS) onDisk(`Cannot remove ${this.#path}`, () => Deno.removeSync(this.#path));
  }

  #flush(): void {
    this.#append(this.#buffer.subarray(0, this.#buffered));
    this.#buffered = 0;
  }

  #append(bytes: Uint8Array): void {
    onDisk(`Cannot write ${this.#path}`, () => {
      this.#file.seekSync(this.#written, Deno.SeekMode.Start);
      writeAll(this.#file, bytes);
    });
    this.#written += bytes.length;
  }
}
