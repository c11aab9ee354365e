/**
 * Which libmpi is there.
 *
 * @module
 */
import { statSync } from "node:fs";
import { join } from "node:path";

/** Variables by which a launcher is known, and how many ranks it has started. */
export const LAUNCHERS = {
  "Open MPI": "OMPI_COMM_WORLD_SIZE",
  MPICH: "PMI_SIZE",
} as const;

/** Variables that say where libraries are. */
const PLACES = ["LD_LIBRARY_PATH", "MPI_HOME"] as const;

/** All variables that are looked at here. */
export const MPI_VARIABLES: readonly string[] = [...Object.values(LAUNCHERS), ...PLACES];

/** Names by library: those of the ABIs that both have kept for many years. */
const NAMES: Readonly<Record<keyof typeof LAUNCHERS, readonly string[]>> = {
  "Open MPI": ["libmpi.so.40", "libmpi.40.dylib"],
  MPICH: ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"],
};

const FOLDERS: Readonly<Record<keyof typeof LAUNCHERS, readonly string[]>> = {
  "Open MPI": ["/usr/lib64/openmpi/lib", "/usr/lib/openmpi"],
  MPICH: ["/usr/lib64/mpich/lib", "/usr/lib/mpich/lib"],
};

const SHARED_FOLDERS = [
  ...["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"],
  ...["/usr/local/lib", "/opt/homebrew/lib"],
];

/** The launcher that has started this process; null where none is known. */
export function launcher(): { name: keyof typeof LAUNCHERS; ranks: number } | null {
  for (const [name, variable] of Object.entries(LAUNCHERS)) {
    const ranks = Number(Deno.env.get(variable));
    if (ranks > 0) return { name: name as keyof typeof LAUNCHERS, ranks };
  }
  return null;
}

/**
 * The path of the libmpi that goes with the launcher, among those that may be loaded; null where there
 * is none. Where no launcher is known Open MPI comes first.
 */
export function findMpi(): string | null {
  const first = launcher()?.name ?? "Open MPI";
  const names = [first, ...(["Open MPI", "MPICH"] as const).filter((name) => name !== first)];
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
