/**
 * What Graft uses of `Deno`, by what Node has. `build.ts` beside it puts it into the npm package, where
 * it takes the place of the global of that name.
 *
 * @module
 */
import * as fs from "node:fs";
import { arch, freemem, loadavg, platform, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Worker as Thread } from "node:worker_threads";
import { ConfigError } from "../src/errors.ts";
import { FileLock } from "./lock.ts";

/** The faults of the system that are told apart. */
class NotFound extends Error {}
class AlreadyExists extends Error {}
class NotADirectory extends Error {}
/** Node was started with `--permission`, and without what this takes. */
class NotCapable extends Error {}

const KINDS: Readonly<Record<string, new (words: string) => Error>> = {
  ENOENT: NotFound,
  EEXIST: AlreadyExists,
  ENOTDIR: NotADirectory,
  ERR_ACCESS_DENIED: NotCapable,
};

/** A fault of Node as Deno has it: of a class by its kind, in the words "No such file (os error 2)". */
function faultOf(fault: unknown): unknown {
  const { code, errno, message } = fault as NodeJS.ErrnoException;
  if (!(fault instanceof Error) || code === undefined) return fault;
  const [, first = "", rest = "", at = ""] = /^\w+: (.)(.*?)(, .*)?$/.exec(message) ?? [];
  const words = first === "" || errno === undefined
    ? message
    : `${first.toUpperCase()}${rest} (os error ${-errno})${at.replace(",", ":")}`;
  return Object.assign(new (KINDS[code] ?? Error)(words), { code });
}

/** Does what Node does, with Deno's faults. */
function onNode<T>(action: () => T): T {
  try {
    return action();
  } catch (fault) {
    throw faultOf(fault);
  }
}

type Kept = "ino" | "size" | "mtime";

/** What is known of a file. */
function infoOf(stats: fs.Stats): Pick<Deno.FileInfo, Kept | "isFile" | "isDirectory"> {
  const { ino, size, mtime } = stats;
  return { ino, size, mtime, isFile: stats.isFile(), isDirectory: stats.isDirectory() };
}

/** An open file, with its place in it. */
class FsFile implements Disposable {
  #at = 0;
  #lock: FileLock | null = null;

  constructor(
    private readonly fd: number,
    private readonly path: string,
    private readonly how: Deno.OpenOptions,
  ) {}

  readSync(into: Uint8Array): number | null {
    const count = onNode(() => fs.readSync(this.fd, into, 0, into.length, this.#at));
    this.#at += count;
    return count === 0 && into.length > 0 ? null : count;
  }

  writeSync(bytes: Uint8Array): number {
    const at = this.how.append ? null : this.#at;
    const count = onNode(() => fs.writeSync(this.fd, bytes, 0, bytes.length, at));
    this.#at += count;
    return count;
  }

  /** Graft seeks from the start alone. */
  seekSync(offset: number, _from?: number): number {
    return this.#at = offset;
  }

  statSync(): ReturnType<typeof infoOf> {
    return infoOf(onNode(() => fs.fstatSync(this.fd)));
  }

  truncateSync(size = 0): void {
    onNode(() => fs.ftruncateSync(this.fd, size));
  }

  syncSync(): void {
    onNode(() => fs.fsyncSync(this.fd));
  }

  /** Takes the lock that keeps other programs of Node out; false where one of them has it. */
  tryLockSync(): boolean {
    this.#lock ??= new FileLock(this.path);
    return onNode(() => this.how.write ? this.#lock!.take() : this.#lock!.isFree());
  }

  close(): void {
    this.#lock?.letGo();
    onNode(() => fs.closeSync(this.fd));
  }

  /** The rest of the file; it is closed at the end. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      pull: (stream) => {
        const piece = new Uint8Array(1 << 16);
        const count = this.readSync(piece);
        if (count !== null) return stream.enqueue(piece.subarray(0, count));
        this.close();
        stream.close();
      },
      cancel: () => this.close(),
    });
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function openSync(path: string, how: Deno.OpenOptions = { read: true }): FsFile {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_APPEND } = fs.constants;
  const writes = how.write || how.append;
  const flags = (writes ? (how.read ? O_RDWR : O_WRONLY) : O_RDONLY) |
    (how.append ? O_APPEND : 0) | (how.create ? O_CREAT : 0) |
    (how.createNew ? O_CREAT | O_EXCL : 0);
  return new FsFile(onNode(() => fs.openSync(path, flags, 0o666)), path, how);
}

const entryOf = (entry: fs.Dirent): Deno.DirEntry => ({
  name: entry.name,
  isFile: entry.isFile(),
  isDirectory: entry.isDirectory(),
  isSymlink: entry.isSymbolicLink(),
});

function readDirSync(path: string): Deno.DirEntry[] {
  return onNode(() => fs.readdirSync(path, { withFileTypes: true })).map(entryOf);
}

function removeSync(path: string, { recursive = false } = {}): void {
  onNode(() => {
    if (!fs.lstatSync(path).isDirectory()) fs.unlinkSync(path);
    else if (recursive) fs.rmSync(path, { recursive });
    else fs.rmdirSync(path);
  });
}

/** A new name in the folder for temporary files. */
const temporary = (prefix: string): string => join(tmpdir(), prefix + crypto.randomUUID());

const SYSTEMS: Readonly<Record<string, string>> = { win32: "windows" };
const PROCESSORS: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

const graftsDeno = {
  build: { os: SYSTEMS[platform()] ?? platform(), arch: PROCESSORS[arch()] ?? arch() },
  errors: { NotFound, AlreadyExists, NotADirectory, NotCapable },
  pid: process.pid,
  version: { deno: `none (Node ${process.versions.node})` },
  SeekMode: { Start: 0 },
  env: { get: (name: string): string | undefined => process.env[name] },
  systemMemoryInfo: () => ({ available: freemem() }),
  // Node asks nobody.
  permissions: { querySync: () => ({ state: "granted" }) },
  loadavg,

  openSync,
  open: async (path: string, how?: Deno.OpenOptions) => await openSync(path, how),
  statSync: (path: string) => infoOf(onNode(() => fs.statSync(path))),
  stat: async (path: string) => await infoOf(onNode(() => fs.statSync(path))),
  readFileSync: (path: string) => new Uint8Array(onNode(() => fs.readFileSync(path))),
  readTextFileSync: (path: string) => onNode(() => fs.readFileSync(path, "utf8")),
  realPathSync: (path: string) => onNode(() => fs.realpathSync(path)),
  readDirSync,
  readDir: async function* (path: string) {
    yield* readDirSync(path);
  },
  mkdirSync(path: string, { recursive = false } = {}): void {
    onNode(() => fs.mkdirSync(path, { recursive }));
  },
  makeTempDirSync({ prefix = "" } = {}): string {
    const path = temporary(prefix);
    onNode(() => fs.mkdirSync(path, { mode: 0o700 }));
    return path;
  },
  makeTempFileSync({ prefix = "" } = {}): string {
    const path = temporary(prefix);
    onNode(() => fs.closeSync(fs.openSync(path, "wx", 0o600)));
    return path;
  },
  removeSync,
  renameSync: (from: string, to: string) => onNode(() => fs.renameSync(from, to)),
  linkSync: (from: string, to: string) => onNode(() => fs.linkSync(from, to)),
  symlinkSync: (from: string, to: string) => onNode(() => fs.symlinkSync(from, to)),
};

export { graftsDeno as Deno };

/** The worker of a web page, of which Graft uses this much. */
export class Worker {
  readonly #thread: Thread;

  /** @throws {ConfigError} for one without permissions, as rewards want it: Node has none. */
  constructor(program: URL, options: WorkerOptions) {
    if ("deno" in options) {
      throw new ConfigError(
        "Found a function as a reward in Node, whose threads may touch everything; " +
          "wanted Deno, or another kind of reward",
      );
    }
    const lines = `import { parentPort } from "node:worker_threads";
      await import(${JSON.stringify(program.href)});
      parentPort.on("message", (data) => globalThis.onmessage({ data }));`;
    this.#thread = new Thread(new URL(`data:text/javascript,${encodeURIComponent(lines)}`));
  }

  postMessage(said: unknown): void {
    this.#thread.postMessage(said);
  }

  terminate(): void {
    void this.#thread.terminate();
  }
}
