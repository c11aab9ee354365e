/** A disk that a test watches, and makes fail at chosen calls: each by which a file is changed. */

/** A call of the system that changes files. */
export interface Call {
  readonly name: "open" | "write" | "sync" | "truncate" | "rename" | "mkdir" | "remove" | "link";
  /** The path that it is about; that of the file for what is done to an open one. */
  readonly path: string;
}

/** What becomes of a call: `short` writes half of the bytes, `dies` half of them and no more. */
export type Fate = "done" | "short" | "ENOSPC" | "EIO" | "EROFS" | "dies";

const WORDS = {
  ENOSPC: "No space left on device",
  EIO: "Input/output error",
  EROFS: "Read-only file system",
};

function faultOf(fate: keyof typeof WORDS, { name, path }: Call): Error {
  const message = `${WORDS[fate]} (os error): ${name} '${path}'`;
  return Object.assign(new Error(message), { code: fate });
}

// deno-lint-ignore no-explicit-any -- functions of all signatures are put in each other's place
type Any = any;

/** Runs `work` on a disk on which `decide` says what becomes of each call. */
export async function onDisk<T>(
  decide: (call: Call) => Fate,
  work: () => T | Promise<T>,
): Promise<T> {
  const restore: (() => void)[] = [];
  const replace = (object: Any, key: string, made: (real: Any) => Any) => {
    const real = object[key];
    object[key] = made(real);
    restore.push(() => object[key] = real);
  };
  const paths = new WeakMap<Deno.FsFile, string>();
  const ask = (call: Call): Fate => {
    const fate = decide(call);
    if (fate === "dies" && call.name !== "write") Deno.kill(Deno.pid, "SIGKILL");
    if (fate in WORDS && call.name !== "write") throw faultOf(fate as keyof typeof WORDS, call);
    return fate;
  };
  replace(Deno, "openSync", (real) => (path: string, ...rest: [Deno.OpenOptions?]) => {
    const { write, append, create, truncate } = rest[0] ?? {};
    if (write || append || create || truncate) ask({ name: "open", path: String(path) });
    const file = real(path, ...rest);
    paths.set(file, String(path));
    return file;
  });
  for (const [key, name] of [["syncSync", "sync"], ["truncateSync", "truncate"]] as const) {
    replace(Deno.FsFile.prototype, key, (real) =>
      function (this: Deno.FsFile, ...rest: unknown[]) {
        ask({ name, path: paths.get(this) ?? "" });
        if (name !== "sync") return real.apply(this, rest); // nobody pulls the plug of a test
      });
  }
  replace(
    Deno.FsFile.prototype,
    "writeSync",
    (real) =>
      function (this: Deno.FsFile, bytes: Uint8Array) {
        const call = { name: "write", path: paths.get(this) ?? "" } as const;
        const fate = ask(call);
        if (fate === "done") return real.call(this, bytes);
        const half = real.call(this, bytes.subarray(0, Math.ceil(bytes.length / 2)));
        if (fate === "short") return half;
        if (fate === "dies") Deno.kill(Deno.pid, "SIGKILL");
        throw faultOf(fate as keyof typeof WORDS, call);
      },
  );
  const others = { renameSync: "rename", mkdirSync: "mkdir", removeSync: "remove" } as const;
  for (const [key, name] of Object.entries({ ...others, linkSync: "link", symlinkSync: "link" })) {
    replace(Deno, key, (real) => (path: string, ...rest: unknown[]) => {
      ask({ name: name as Call["name"], path: String(path) });
      return real(path, ...rest);
    });
  }
  try {
    return await work();
  } finally {
    for (const undo of restore.reverse()) undo();
  }
}
