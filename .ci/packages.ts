/**
 * The packages that Graft is made of: names, versions and hashes from deno.lock, licences from the
 * packages themselves, as Deno keeps them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A package. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of its archive, in hexadecimal digits. */
  readonly sha512: string;
  /** SPDX expression of its licence; null where it names none. */
  readonly licence: string | null;
  /** Packages that it needs, as `name@version`. */
  readonly needs: readonly string[];
  /** Whether it runs a script when it is installed by a tool that lets it. */
  readonly hasScript: boolean;
}

/** What deno.lock says of a package. */
interface Locked {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** deno.lock, as far as it is of use here. */
export interface Lock {
  readonly npm?: Readonly<Record<string, Locked>>;
}

/** What the `package.json` of a package says. */
export type Manifest = Readonly<Record<string, unknown>>;

const ROOT = new URL("../", import.meta.url);

/** deno.lock. */
export const readLock = (): Lock => JSON.parse(Deno.readTextFileSync(new URL("deno.lock", ROOT)));

/** The project itself, by deno.json. */
export const readProject = (): Record<string, string> =>
  JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));

/** All packages of a lock, in its order; `manifestOf` reads a package's `package.json`. */
export function packagesIn(
  { npm = {} }: Lock,
  manifestOf: (name: string, version: string) => Manifest,
): Package[] {
  const known = Object.keys(npm);
  return Object.entries(npm).map(([id, locked]) => {
    const at = id.lastIndexOf("@");
    const [name, version] = [id.slice(0, at), id.slice(at + 1)];
    const manifest = manifestOf(name, version);
    const scripts = Object.keys((manifest["scripts"] ?? {}) as object);
    const needs = [...locked.dependencies ?? [], ...locked.optionalDependencies ?? []];
    return {
      name,
      version,
      sha512: sha512Of(id, locked),
      licence: licenceOf(manifest),
      needs: needs.map((need) => known.find((other) => other === need || nameOf(other) === need)!),
      hasScript: scripts.some((script) => /^(pre|post)?install$/.test(script)),
    };
  });
}

const nameOf = (id: string): string => id.slice(0, id.lastIndexOf("@"));

function sha512Of(id: string, { integrity }: Locked): string {
  const [, base64] = /^sha512-(.+)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new Error(`deno.lock: found no sha512 of ${id}, wanted one`);
  return Buffer.from(base64, "base64").toString("hex");
}

function licenceOf(manifest: Manifest): string | null {
  const { license } = manifest;
  return typeof license === "string" ? license : null;
}

/** Reads manifests from Deno's cache, which has every package of the lock after `deno install`. */
export function cachedManifests(): (name: string, version: string) => Manifest {
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
    cwd: fileURLToPath(ROOT),
  }).outputSync();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  const hosts = [...Deno.readDirSync(npmCache)].filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => join(npmCache, name));
  return (name, version) => {
    for (const host of hosts) {
      try {
        return JSON.parse(Deno.readTextFileSync(join(host, name, version, "package.json")));
      } catch (fault) {
        if (!(fault instanceof Deno.errors.NotFound)) throw fault;
      }
    }
    throw new Error(`Found no ${name}@${version} in ${npmCache}, wanted it there: deno install`);
  };
}
