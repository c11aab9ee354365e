/**
 * The two ABIs of MPI: handles are addresses in Open MPI and integers in MPICH (and in what is built
 * to its ABI: Intel MPI, MVAPICH, Cray MPICH).
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";

/** Bytes that hold a request of either. */
export const REQUEST = 8;

/** MPI_THREAD_FUNNELED: one thread alone calls. */
const FUNNELED = 1;

/** Bytes of a text of the library, with room: MPI_MAX_LIBRARY_VERSION_STRING is 256 or 8192. */
const TEXT = 8192;

/** The calls that are used; MPI_COMM_WORLD and MPI_BYTE are in them. */
export interface Mpi {
  /** How the library calls itself. */
  readonly version: string;
  init(): void;
  finalize(): void;
  rank(): number;
  size(): number;
  /** Begins to send; `request` is written. */
  send(bytes: Uint8Array, to: number, tag: number, request: Uint8Array): void;
  /** Begins to receive, from any rank where `from` is null. */
  receive(bytes: Uint8Array, from: number | null, tag: number, request: Uint8Array): void;
  /** Whether it is done. */
  test(request: Uint8Array): boolean;
  /** Gives up what was begun and will not come. */
  cancel(request: Uint8Array): void;
}

const BUFFER = "buffer" as const;
const INT = "i32" as const;
const POINTER = "pointer" as const;

/** The calls, where handles are of that type. */
const symbolsOf = <Handle extends typeof INT | typeof POINTER>(handle: Handle) => ({
  MPI_Init_thread: { parameters: [POINTER, POINTER, INT, BUFFER], result: INT },
  MPI_Finalize: { parameters: [], result: INT },
  MPI_Comm_rank: { parameters: [handle, BUFFER], result: INT },
  MPI_Comm_size: { parameters: [handle, BUFFER], result: INT },
  MPI_Isend: { parameters: [BUFFER, INT, handle, INT, INT, handle, BUFFER], result: INT },
  MPI_Irecv: { parameters: [BUFFER, INT, handle, INT, INT, handle, BUFFER], result: INT },
  MPI_Test: { parameters: [BUFFER, BUFFER, "usize"], result: INT },
  MPI_Cancel: { parameters: [BUFFER], result: INT },
  MPI_Request_free: { parameters: [BUFFER], result: INT },
} as const);

/**
 * Opens a libmpi.
 *
 * @throws {ConfigError} where it cannot be loaded.
 */
export function openMpi(path: string): Mpi {
  try {
    return opened(path);
  } catch (cause) {
    throw new ConfigError(`Cannot load ${path}: ${(cause as Error).message}`, { cause });
  }
}

function opened(path: string): Mpi {
  const { symbols: { ompi_mpi_comm_world: world, ompi_mpi_byte: byte, MPI_Get_library_version } } =
    Deno.dlopen(path, {
      ompi_mpi_comm_world: { type: POINTER, optional: true },
      ompi_mpi_byte: { type: POINTER, optional: true },
      MPI_Get_library_version: { parameters: [BUFFER, BUFFER], result: INT },
    });
  const [text, length] = [new Uint8Array(TEXT), new Int32Array(1)];
  MPI_Get_library_version(text, length);
  const version = new TextDecoder().decode(text.subarray(0, length[0])).split(/[\n,]/)[0]!.trim();
  return world && byte
    ? callsOf(
      version,
      Deno.dlopen(path, symbolsOf(POINTER)).symbols as Calls,
      OPEN_MPI(world, byte),
    )
    : callsOf(version, Deno.dlopen(path, symbolsOf(INT)).symbols as Calls, MPICH);
}

type Handle = Deno.PointerValue | number;

/** The calls as either library has them. */
type Calls = Readonly<Record<keyof ReturnType<typeof symbolsOf>, (...of: unknown[]) => number>>;

/** What the header of a library says. */
interface Header {
  readonly world: Handle;
  readonly byte: Handle;
  readonly ignoredStatus: bigint;
  readonly anySource: number;
}

const OPEN_MPI = (world: Handle, byte: Handle): Header => ({
  ...{ world, byte, ignoredStatus: 0n, anySource: -1 },
});

const MPICH: Header = {
  world: 0x44000000,
  byte: 0x4c00010d,
  ignoredStatus: 1n,
  anySource: -2,
};

function callsOf(version: string, calls: Calls, header: Header): Mpi {
  const { world, byte, ignoredStatus, anySource } = header;
  const flag = new Int32Array(1);
  const number = (call: "MPI_Comm_rank" | "MPI_Comm_size") => {
    require(call, calls[call](world, flag));
    return flag[0]!;
  };
  return {
    version,
    init: () => require("MPI_Init_thread", calls.MPI_Init_thread(null, null, FUNNELED, flag)),
    finalize: () => require("MPI_Finalize", calls.MPI_Finalize()),
    rank: () => number("MPI_Comm_rank"),
    size: () => number("MPI_Comm_size"),
    send: (bytes, to, tag, request) =>
      require("MPI_Isend", calls.MPI_Isend(bytes, bytes.length, byte, to, tag, world, request)),
    receive: (bytes, from, tag, request) => {
      const source = from ?? anySource;
      require("MPI_Irecv", calls.MPI_Irecv(bytes, bytes.length, byte, source, tag, world, request));
    },
    test: (request) => {
      require("MPI_Test", calls.MPI_Test(request, flag, ignoredStatus));
      return flag[0] !== 0;
    },
    cancel: (request) => {
      require("MPI_Cancel", calls.MPI_Cancel(request));
      require("MPI_Request_free", calls.MPI_Request_free(request));
    },
  };
}

/** By default MPI ends the process itself; this is for libraries that were told not to. */
function require(call: string, code: number): void {
  if (code !== 0) throw new ConfigError(`${call} found fault ${code}`);
}
