/**
 * What a run does about a folder that cannot be written any more: the disk is full, read-only, or the
 * folder is gone. It keeps all that it has in memory, and moves elsewhere, or waits.
 *
 * @module
 */
import { join, relative, resolve, sep } from "node:path";
import type { ParsedConfig } from "../config/mod.ts";
import { FileError } from "../errors.ts";
import { exists, onDisk } from "../io/files.ts";
import { copyFiles, makeFolder } from "../io/folders.ts";
import { isLock } from "../io/lock.ts";
import type { Patience } from "../io/patience.ts";
import { isStopWanted } from "../stop.ts";
import { type ClaimedFolder, claimRunFolder, runFiles } from "./folder.ts";

/** Milliseconds between two tries. */
const PAUSE = 2000;
/** Tries until it gives up: a day. */
const MOST = 24 * 3600 * 1000 / PAUSE;

/** How a run goes on. */
export interface RescueOptions {
  /** The run, in whose folder it writes. */
  readonly parsed: ParsedConfig;
  /** Its folder, which is claimed and has its config. */
  readonly claimed: ClaimedFolder;
  /** A folder to move to, new or empty; null for none. */
  readonly to: string | null;
  /** Whether it waits, with all of the thread, until it can write again. */
  readonly waits: boolean;
  /** Says it to people, not to the folder. */
  readonly say: (line: string) => void;
  /** Waits so many milliseconds. */
  readonly pause?: (ms: number) => void;
}

/** The patience of a run with its folder. */
export class Rescue implements Patience, Disposable {
  readonly #from: string;
  readonly #pause: (ms: number) => void;
  #moved: ClaimedFolder | null = null;
  #tries = 0;
  #said = "";

  constructor(private readonly options: RescueOptions) {
    this.#from = resolve(options.parsed.config.out);
    this.#pause = options.pause ?? pause;
  }

  /** Where the run lies by now. */
  get folder(): string {
    return this.#moved ? resolve(this.options.to!) : this.#from;
  }

  placed(path: string): string {
    return this.#moved && this.#holds(path)
      ? join(this.folder, relative(this.#from, resolve(path)))
      : path;
  }

  /** A folder without its config is gone, though one of its name may be made again. */
  target(path: string): string {
    const at = this.placed(path);
    if (this.#holds(path)) {
      onDisk(`Cannot write ${at}`, () => Deno.statSync(runFiles(this.folder).config));
    }
    return at;
  }

  written(): void {
    if (this.#tries === 0) return;
    this.options.say(`${this.folder} can be written again: the run goes on`);
    this.#tries = 0;
    this.#said = "";
  }

  refused(path: string, fault: FileError): void {
    if (!this.#holds(path)) throw fault;
    const { to, waits, say } = this.options;
    if (to !== null && !this.#moved) return this.#move(to, fault);
    if (this.#tries === 0 && this.#remake(path, fault)) return;
    if (!waits || isStopWanted() || ++this.#tries > MOST) throw fault;
    if (fault.message !== this.#said) {
      say(
        `${fault.message}; the run keeps what it has in memory and waits until it can be written: ` +
          "make room, or end it with Ctrl-C",
      );
    }
    this.#said = fault.message;
    this.#pause(PAUSE);
    if (isStopWanted()) throw fault;
    this.#remake(path, fault);
  }

  [Symbol.dispose](): void {
    this.#moved?.[Symbol.dispose]();
  }

  #holds(path: string): boolean {
    const at = resolve(path);
    return at === this.#from || at.startsWith(this.#from + sep);
  }

  /** Goes on in another folder, with what can still be read of the one before. */
  #move(to: string, fault: FileError): void {
    const { parsed, say } = this.options;
    const moved = claimRunFolder(to, { ...parsed, config: { ...parsed.config, out: to } });
    try {
      const lost = copyFiles(
        this.#from,
        to,
        (name) => isLock(name) || name === "config.json",
      );
      moved.saveConfig();
      this.#moved = moved;
      const words = lost.length === 0 ? "" : `, without ${lost.join(", ")}, which cannot be read`;
      say(`${fault.message}: the run goes on in ${to}${words}; resume it with --out ${to}`);
    } catch (other) {
      moved[Symbol.dispose]();
      if (!(other instanceof FileError)) throw other;
      throw new FileError(`${fault.message}; ${other.message}`, { cause: fault.cause });
    }
  }

  /** Makes a folder again that is gone, where the one that it was in is still there. */
  #remake(path: string, { cause, message }: FileError): boolean {
    if (!(cause instanceof Deno.errors.NotFound)) return false;
    const { folder } = this;
    try {
      const isGone = !exists(runFiles(folder).config);
      if (!exists(folder)) makeFolder(folder, { above: false });
      if (isGone) (this.#moved ?? this.options.claimed).remake();
      makeFolder(join(this.placed(path), ".."));
      if (isGone) {
        this.options.say(`${message}: made anew; what it held before is lost, and the run goes on`);
      }
      return true;
    } catch (other) {
      if (other instanceof FileError) return false;
      throw other;
    }
  }
}

/** Waits with all of the thread: whoever writes cannot go on. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
