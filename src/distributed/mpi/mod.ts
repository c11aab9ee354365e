/**
 * Ranks by MPI: messages between processes, whichever network is between them.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { Communicator } from "../communicator.ts";
import type { Notice, Pending, Transport } from "../transport.ts";
import { type Mpi, openMpi, REQUEST } from "./abi.ts";
import { findMpi, launcher, RANK_COMMAND } from "./library.ts";

/** Bytes of a message at most: MPI counts them in an `int`. */
const PIECE = 1 << 30;

/** The tag of what a rank tells when it ends by a fault; others are below. */
const NOTICE = 32_001;

/** Bytes of a notice. */
const NOTICE_BYTES = 1024;

/**
 * Joins the ranks that a launcher has started.
 *
 * @param patience seconds that another rank is waited for.
 * @throws {ConfigError} where there is no libmpi, none may be loaded, or it is not the launcher's.
 */
export function joinMpi(patience: number): Communicator {
  const path = findMpi();
  if (path === null) throw new ConfigError(NONE);
  const mpi = openMpi(path);
  mpi.init();
  const started = launcher();
  const transport = transportOf(mpi);
  if (started && started.ranks !== transport.size) {
    throw new ConfigError(
      `Found ${transport.size} rank by ${path} (${mpi.version}) where ${started.name} has started ` +
        `${started.ranks}, wanted the mpirun of that library`,
    );
  }
  return new Communicator(transport, patience);
}

const NONE =
  "Found no libmpi of Open MPI or MPICH that may be loaded, which distributed mpi needs: " +
  "install one (LD_LIBRARY_PATH says where it is, if in no usual place), and start with " +
  `mpirun -n RANKS ${RANK_COMMAND} train ...; ` +
  "docs/distributed.md has it all";

function transportOf(mpi: Mpi): Transport {
  const [rank, size] = [mpi.rank(), mpi.size()];
  let ear = listen(mpi);
  return {
    rank,
    size,
    send: (to, tag, bytes) =>
      pending(mpi, bytes, (piece, request) => mpi.send(piece, to, tag, request)),
    receive: (from, tag, bytes) =>
      pending(mpi, bytes, (piece, request) => mpi.receive(piece, from, tag, request)),
    tell(fault) {
      const bytes = noticeBytes({ rank, fault });
      const others = Array.from({ length: size }, (_, to) => to).filter((to) => to !== rank);
      const sent = others.map((to) =>
        pending(mpi, bytes, (piece, request) => mpi.send(piece, to, NOTICE, request))
      );
      return { isDone: () => sent.every((of) => of.isDone()) };
    },
    hear() {
      if (!ear.isDone()) return null;
      const notice = ear.heard();
      ear = listen(mpi);
      return notice;
    },
    close() {
      ear.cancel();
      mpi.finalize();
    },
  };
}

/** Begins what sends or takes each piece of some bytes, which are kept from the garbage collector. */
function pending(
  mpi: Mpi,
  bytes: Uint8Array,
  begin: (piece: Uint8Array, request: Uint8Array) => void,
): Pending & { cancel(): void } {
  let flying: { piece: Uint8Array; request: Uint8Array }[] = [];
  for (let from = 0; from < bytes.length; from += PIECE) {
    const piece = bytes.subarray(from, from + PIECE);
    const request = new Uint8Array(REQUEST);
    begin(piece, request);
    flying.push({ piece, request });
  }
  return {
    isDone() {
      flying = flying.filter(({ request }) => !mpi.test(request));
      return flying.length === 0;
    },
    cancel: () => flying.forEach(({ request }) => mpi.cancel(request)),
  };
}

/** Takes the next notice, whosever it is. */
function listen(mpi: Mpi): Pending & { heard(): Notice; cancel(): void } {
  const bytes = new Uint8Array(new ArrayBuffer(NOTICE_BYTES));
  const coming = pending(mpi, bytes, (piece, request) => mpi.receive(piece, null, NOTICE, request));
  return {
    isDone: () => coming.isDone(),
    cancel: () => coming.cancel(),
    heard: () => JSON.parse(new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)))),
  };
}

function noticeBytes(notice: Notice): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(NOTICE_BYTES));
  for (let length = notice.fault.length;; length = Math.floor(length / 2)) {
    const text = JSON.stringify({ ...notice, fault: notice.fault.slice(0, length) });
    const encoded = new TextEncoder().encode(text);
    if (encoded.length >= NOTICE_BYTES) continue;
    bytes.set(encoded);
    return bytes;
  }
}
