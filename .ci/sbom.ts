/**
 * `deno task sbom`: writes `sbom.cdx.json`, what Graft is made of as CycloneDX 1.6 has it
 * (https://cyclonedx.org/docs/1.6/json/). The same lock gives the same bytes.
 *
 * @module
 */
import { cachedManifests, type Package, packagesIn, readLock, readProject } from "./packages.ts";

/** Packages of the tests alone, by their names in deno.json. */
export const testPackages = (imports: Readonly<Record<string, string>>): string[] =>
  Object.values(imports).map((specifier) => specifier.replace(/^npm:/, ""));

const idOf = ({ name, version }: Pick<Package, "name" | "version">) => `${name}@${version}`;

/** A package's address, by the rules of package-url. */
const purlOf = ({ name, version }: Pick<Package, "name" | "version">) =>
  `pkg:npm/${name.replace("@", "%40")}@${version}`;

/** The bill of materials; `excluded` are packages that tests alone use. */
export function billOf(
  project: { readonly name: string; readonly version: string; readonly license: string },
  packages: readonly Package[],
  excluded: readonly string[],
): object {
  const needed = new Set<string>();
  const need = (id: string) => {
    if (needed.has(id)) return;
    needed.add(id);
    packages.find((one) => idOf(one) === id)!.needs.forEach(need);
  };
  const direct = packages.filter((one) => !packages.some(({ needs }) => needs.includes(idOf(one))));
  const shipped = direct.map(idOf).filter((id) => !excluded.includes(id));
  shipped.forEach(need);
  const refs = (ids: readonly string[]) =>
    packages.filter((one) => ids.includes(idOf(one))).map(purlOf);
  const self = `pkg:jsr/${project.name.replace("@", "%40")}@${project.version}`;
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": self,
        name: project.name,
        version: project.version,
        licenses: [{ license: { id: project.license } }],
        purl: self,
      },
    },
    components: packages.map((one) => ({
      type: "library",
      "bom-ref": purlOf(one),
      name: one.name,
      version: one.version,
      scope: needed.has(idOf(one)) ? "required" : "excluded",
      hashes: [{ alg: "SHA-512", content: one.sha512 }],
      licenses: one.licence === null ? [] : [{ license: { id: one.licence } }],
      purl: purlOf(one),
    })),
    dependencies: [
      { ref: self, dependsOn: refs(shipped) },
      ...packages.map((one) => ({ ref: purlOf(one), dependsOn: refs(one.needs) })),
    ],
  };
}

if (import.meta.main) {
  const { name, version, license, imports } = readProject() as unknown as {
    name: string;
    version: string;
    license: string;
    imports: Record<string, string>;
  };
  const packages = packagesIn(readLock(), cachedManifests());
  const bill = billOf({ name, version, license }, packages, testPackages(imports));
  const path = new URL("../sbom.cdx.json", import.meta.url);
  Deno.writeTextFileSync(path, `${JSON.stringify(bill, null, 2)}\n`);
  console.log(`sbom.cdx.json: ${packages.length} packages`);
}
