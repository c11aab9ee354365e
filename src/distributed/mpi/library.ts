/**
 * Which libmpi is there.
 *
 * @module
 */
import { statSync } from "node:fs";
import { join } from "node:path";

/** What a launcher is to start as each rank, before the name of the command: tasks load no library. */
export const RANK_COMMAND = "deno run --no-prompt -RWESN --allow-ffi src/cli/main.ts";

/** The libraries, the one that comes first where the launcher does not say. */
const LIBRARIES = ["Open MPI", "MPICH"] as const;

type Library = typeof LIBRARIES[number];

/** Launchers, the variable by which each is known and says how many ranks it has started, and its library. */
const LAUNCHERS: readonly { name: string; variable: string; library: Library }[] = [
  { name: "Open MPI", variable: "OMPI_COMM_WORLD_SIZE", library: "Open MPI" },
  { name: "MPICH", variable: "PMI_SIZE", library: "MPICH" },
  { name: "Slurm", variable: "SLURM_STEP_NUM_TASKS", library: "Open MPI" },
];

/** Variables that say where libraries are. */
const PLACES = ["LD_LIBRARY_PATH", "MPI_HOME"] as const;

/** All variables that are looked at here. */
export const MPI_VARIABLES: readonly string[] = [
  ...LAUNCHERS.map(({ variable }) => variable),
  ...PLACES,
];

/** Names by library: those of the ABIs that both have kept for many years. */
const NAMES: Readonly<Record<Library, readonly string[]>> = {
  "Open MPI": ["libmpi.so.40", "libmpi.40.dylib"],
  MPICH: ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"],
};

const FOLDERS: Readonly<Record<Library, readonly string[]>> = {
  "Open MPI": ["/usr/lib64/openmpi/lib", "/usr/lib/openmpi"],
  MPICH: ["/usr/lib64/mpich/lib", "/usr/lib/mpich/lib"],
};

const SHARED_FOLDERS = [
  ...["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"],
  ...["/usr/local/lib", "/opt/homebrew/lib"],
];

/** The launcher that has started this process, and how many ranks; null where none is known. */
export function launcher(): { name: string; library: Library; ranks: number } | null {
  for (const { variable, ...of } of LAUNCHERS) {
    const ranks = Number(Deno.env.get(variable));
    if (ranks > 0) return { ...of, ranks };
  }
  return null;
}

/** The path of the libmpi that goes with the launcher, among those that may be loaded; null for none. */
export function findMpi(): string | null {
  const first = launcher()?.library ?? LIBRARIES[0];
  const names = [first, ...LIBRARIES.filter((name) => name !== first)];
  const named = [
    ...(Deno.env.get("LD_LIBRARY_PATH") ?? "").split(":"),
    ...[Deno.env.get("MPI_HOME") ?? ""].map((home) => home && join(home, "lib")),
  ].filter((folder) => folder !== "");
  for (const name of names) {
    for (const folder of [...named, ...FOLDERS[name], ...SHARED_FOLDERS]) {
      const path = NAMES[name].map((file) => join(folder, file)).find(mayBeLoaded);
      if (path !== undefined) return path;
    }
  }
  return null;
}

function mayBeLoaded(path: string): boolean {
  if (Deno.permissions.querySync({ name: "ffi", path }).state !== "granted") return false;
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
