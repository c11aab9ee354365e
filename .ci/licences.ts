/**
 * `deno task licences`: every package with its licence. One whose licence is not among those below,
 * or that would run a script when it is installed, is named, and the exit code is 1.
 *
 * @module
 */
import { cachedManifests, type Package, packagesIn, readLock } from "./packages.ts";

/** Licences that ask for no more than that they are kept. */
const ALLOWED = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];

/** What is wrong with a package; null where nothing is. */
export function faultOf({ name, version, licence, hasScript }: Package): string | null {
  const found = `${name}@${version}`;
  if (licence === null || !ALLOWED.includes(licence)) {
    return `${found}: found the licence ${licence}, wanted one of ${ALLOWED.join(", ")}`;
  }
  return hasScript ? `${found}: found a script that runs at installation, wanted none` : null;
}

if (import.meta.main) {
  const packages = packagesIn(readLock(), cachedManifests());
  const width = Math.max(...packages.map(({ licence }) => String(licence).length));
  for (const { name, version, licence } of packages) {
    console.log(`${String(licence).padEnd(width)}  ${name}@${version}`);
  }
  const faults = packages.map(faultOf).filter((fault) => fault !== null);
  for (const fault of faults) console.error(fault);
  Deno.exit(faults.length > 0 ? 1 : 0);
}
