/**
 * What a machine has beside its GPU: versions, memory, disk and what Graft keeps on it.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import project from "../../../deno.json" with { type: "json" };
import { cacheFolder } from "../../io/cache.ts";
import { exists } from "../../io/files.ts";
import { hubPlaces } from "../../io/hub/settings.ts";

/** What there is. */
export interface Host {
  readonly versions: Readonly<Record<string, string>>;
  readonly system: string;
  readonly cores: number;
  /** Bytes of memory, all and what is free. */
  readonly memory: { readonly total: number; readonly available: number };
  /** Folders that Graft writes to, with the bytes that are free there; null where it may not be seen. */
  readonly disk: readonly {
    readonly what: string;
    readonly folder: string;
    readonly free: number | null;
  }[];
}

/** Looks at the machine. */
export function hostOf(): Host {
  const { total, available } = Deno.systemMemoryInfo();
  const { deno, v8, typescript } = Deno.version;
  const places = {
    "runs": Deno.cwd(),
    "cache": cacheFolder(),
    "models": hubPlaces().cache,
    "temporary": Deno.env.get("TMPDIR") ?? (Deno.build.os === "windows" ? Deno.cwd() : "/tmp"),
  };
  return {
    versions: { graft: project.version, deno, v8, typescript },
    system: `${Deno.build.os} ${Deno.build.arch}, ${Deno.osRelease()}`,
    cores: navigator.hardwareConcurrency,
    memory: { total, available },
    disk: Object.entries(places).map(([what, folder]) => ({ what, folder, free: freeIn(folder) })),
  };
}

/** Bytes that may be written to a folder, or where it would be made; null where that may not be seen. */
function freeIn(folder: string): number | null {
  try {
    if (!exists(folder) && dirname(folder) !== folder) return freeIn(dirname(folder));
    const { bsize, bavail } = statfsSync(folder);
    return bsize * bavail;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotCapable) return null;
    throw fault;
  }
}
