/** What a reader is held to while it reads damage: time, memory, and where it writes and looks. */
import process from "node:process";
import { onDisk } from "../reliability/disk.ts";

/** CPU milliseconds; and bytes beyond twice the file, for what is allocated whatever is in it. */
const [MOST_MS, MOST_BYTES] = [1000, 1 << 20];
/** Bytes by which the heap of JavaScript may grow, for it is cleared late. */
const MOST_HEAP = 128 << 20;

// deno-lint-ignore no-explicit-any -- constructors of all signatures are put in each other's place
type Any = any;

/** Watches what reads files in `folder`, and all else that happens meanwhile. */
export class Watched {
  #largest = 0;
  #written: string | null = null;

  /** Time counts where `isTimed`: the tests of every day do not go by the clock. */
  constructor(
    private readonly folder: string,
    private readonly isTimed: boolean,
    private readonly bound = MOST_BYTES,
  ) {}

  /** Runs `work` with this watch. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const restore = watchAllocations((bytes) => this.#largest = Math.max(this.#largest, bytes));
    try {
      return await onDisk(({ path }) => {
        if (!path.startsWith(this.folder)) this.#written = path;
        return "done";
      }, work);
    } finally {
      restore();
    }
  }

  /** Reads a file of so many bytes: what it threw, and what went wrong beside that. */
  async read(
    bytes: number,
    read: () => unknown,
  ): Promise<{ readonly fault: Error | null; readonly offence: string | null }> {
    [this.#largest, this.#written] = [0, null];
    const heap = Deno.memoryUsage().heapUsed;
    const before = cpuMs();
    const fault = await faultOf(read);
    const ms = cpuMs() - before;
    const grown = Deno.memoryUsage().heapUsed - heap;
    const offences = [
      this.isTimed && ms > MOST_MS ? `took ${ms.toFixed(0)} CPU ms` : null,
      this.#largest > 2 * bytes + this.bound ? `asked for ${this.#largest} bytes at once` : null,
      grown > 2 * bytes + MOST_HEAP ? `the heap grew by ${grown} bytes` : null,
      this.#written === null ? null : `wrote ${this.#written}`,
    ];
    return { fault, offence: offences.find((offence) => offence !== null) ?? null };
  }
}

async function faultOf(work: () => unknown): Promise<Error | null> {
  try {
    await work();
    return null;
  } catch (fault) {
    return fault as Error;
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const ARRAYS = [
  ...["Uint8Array", "Int8Array", "Uint16Array", "Int16Array", "Float16Array", "Uint32Array"],
  ...["Int32Array", "Float32Array", "Float64Array", "BigUint64Array", "BigInt64Array"],
];

function watchAllocations(see: (bytes: number) => void): () => void {
  const global = globalThis as Any;
  const undo: (() => void)[] = [];
  for (const name of [...ARRAYS, "ArrayBuffer"]) {
    const Real = global[name];
    const size = Real.BYTES_PER_ELEMENT ?? 1;
    global[name] = new Proxy(Real, {
      construct(target, given, made) {
        if (typeof given[0] === "number") see(given[0] * size);
        return Reflect.construct(target, given, made);
      },
    });
    undo.push(() => global[name] = Real);
  }
  for (const name of ["repeat", "padStart", "padEnd"] as const) {
    const real = String.prototype[name] as Any;
    (String.prototype as Any)[name] = function (this: string, n: number, ...rest: unknown[]) {
      see(name === "repeat" ? n * this.length : n);
      return real.call(this, n, ...rest);
    };
    undo.push(() => (String.prototype as Any)[name] = real);
  }
  return () => undo.forEach((one) => one());
}
