/**
 * Tables in Parquet (https://parquet.apache.org/docs/file-format/), a row group at a time, and in Arrow
 * (https://arrow.apache.org/docs/format/Columnar.html), a record batch at a time. A row is the JSON that
 * its values have, so that it is read as a line of JSON would be. They are unpacked in a thread of their
 * own: a damaged file can keep a library busy without end.
 *
 * @module
 */
import { Worker } from "node:worker_threads";
import { FileError } from "../../../errors.ts";
import { rowTooLong } from "../limits.ts";
import { unreadable } from "../lines.ts";

/** What is read, by the thread that reads. */
export interface UnpackTask {
  readonly path: string;
}

/** What that thread says; after `rows` it waits until it is told to go on. */
export type UnpackSaid =
  | { readonly kind: "begins"; readonly mib: number }
  | { readonly kind: "rows"; readonly first: number; readonly json: readonly string[] }
  | { readonly kind: "fault"; readonly message: string }
  | { readonly kind: "end" };

/** Milliseconds that may pass between two things said, and more for each MiB that is unpacked. */
const PATIENCE_MS = 60_000;
const PER_MIB_MS = 1000;

/** The threads' files, by the kinds that they unpack. */
const WORKERS = {
  Parquet: import.meta.resolve("./parquet_worker.ts"),
  Arrow: import.meta.resolve("./arrow_worker.ts"),
} as const;

type Kind = keyof typeof WORKERS;

/** A row as JSON, and where it stands. */
interface JsonRow {
  readonly json: string;
  readonly origin: string;
}

/**
 * The rows of a Parquet file in its order, one row group in memory at a time. Numbers keep their digits
 * and their kind, times are texts as ISO 8601 has them, and bytes that are no UTF-8 are null.
 *
 * @throws {FileError} where the file is damaged or cut short, is packed by what nothing here
 * unpacks, or has a row group or a row that is too large.
 */
export const parquetRows = (
  path: string,
  maxMib: number,
  patience = PATIENCE_MS,
): AsyncGenerator<JsonRow> => unpackedRows("Parquet", path, maxMib, patience);

/** The same of an Arrow file, or of a stream in a file: one record batch in memory at a time. */
export const arrowRows = (
  path: string,
  maxMib: number,
  patience = PATIENCE_MS,
): AsyncGenerator<JsonRow> => unpackedRows("Arrow", path, maxMib, patience);

async function* unpackedRows(
  kind: Kind,
  path: string,
  maxMib: number,
  patience: number,
): AsyncGenerator<JsonRow> {
  (await Deno.open(path).catch((error) => {
    throw unreadable(path, error);
  })).close();
  const reader = new Reader(kind, path, patience);
  try {
    for (;;) {
      const said = await reader.next();
      if (said.kind === "end") return;
      if (said.kind === "fault") throw new FileError(said.message);
      if (said.kind === "begins") continue;
      for (const [i, json] of said.json.entries()) {
        const origin = `${path} (row ${said.first + i})`;
        if (json.length > maxMib * 2 ** 20) throw rowTooLong(origin, maxMib);
        yield { json, origin };
      }
      reader.goOn();
    }
  } finally {
    await reader.close();
  }
}

/** A program that imports the worker's file: Node's `Worker` takes a file, not an address. */
const programOf = (address: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(`import ${JSON.stringify(address)};`)}`);

/** The thread that reads. */
class Reader {
  readonly #worker: Worker;
  readonly #said: UnpackSaid[] = [];
  #heard: PromiseWithResolvers<void> = Promise.withResolvers();
  #patience: number;

  constructor(
    private readonly kind: Kind,
    private readonly path: string,
    private readonly patience: number,
  ) {
    this.#patience = PATIENCE_MS; // it has to begin as well
    this.#worker = new Worker(programOf(WORKERS[kind]), {
      workerData: { path } satisfies UnpackTask,
    });
    this.#worker.on("message", (said: UnpackSaid) => this.#hear(said));
    this.#worker.on("error", (error) => {
      const message = `${path}: cannot be read as ${kind} (${String(error).split("\n")[0]})`;
      this.#hear({ kind: "fault", message });
    });
  }

  #hear(said: UnpackSaid): void {
    this.#said.push(said);
    this.#heard.resolve();
  }

  /**
   * What it says next.
   *
   * @throws {FileError} where it says nothing for too long.
   */
  async next(): Promise<UnpackSaid> {
    const limit = this.#patience;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<void>((resolve) => timer = setTimeout(resolve, limit));
    await Promise.race([this.#heard.promise, silence]);
    clearTimeout(timer);
    const said = this.#said.shift();
    if (said === undefined) {
      throw new FileError(
        `${this.path}: cannot be read as ${this.kind} (it takes more than ${
          Math.ceil(limit / 1000)
        } s), wanted a ` +
          "file that is whole",
      );
    }
    if (this.#said.length === 0) this.#heard = Promise.withResolvers();
    this.#patience = this.patience + (said.kind === "begins" ? PER_MIB_MS * said.mib : 0);
    return said;
  }

  goOn(): void {
    this.#worker.postMessage("go on");
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
