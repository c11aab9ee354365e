/**
 * A program in a worker with permissions of its own. Deno holds the worker, and the workers that it
 * starts in turn, to them: none can ask for more.
 *
 * @module
 */

/** What a worker may touch, and nothing else: it starts no program. */
export interface Grants {
  /** Paths, each with all below it. */
  readonly read: readonly string[];
  /** The same. */
  readonly write: readonly string[];
  /** Hosts, with or without a port. */
  readonly net: readonly string[];
  /** Hosts that modules come from, beside the files that are read. */
  readonly import: readonly string[];
  /** Variables of the environment. */
  readonly env: readonly string[];
  /** Libraries that may be loaded. */
  readonly ffi: readonly string[];
  /** What the system may be asked. */
  readonly sys: readonly string[];
}

/** What the worker is told. */
export interface Job {
  readonly args: readonly string[];
  /** What its temporary files have in their names, as its permissions have it. */
  readonly mark: string;
}

/** Runs `program`, which answers with its exit code; resolves to that. */
export async function confine(program: URL, job: Job, grants: Grants): Promise<number> {
  const permissions = { ...grants, run: false };
  const options = { type: "module", deno: { permissions } };
  const worker = new Worker(program, options as WorkerOptions);
  worker.postMessage(job);
  return await new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<number>) => resolve(data);
  });
}
