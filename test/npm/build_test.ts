/** The npm package, built; and its files and locks in Node, where there is one that is new enough. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { buildPackage } from "../../npm/build.ts";
import * as graft from "../../mod.ts";

/** The oldest Node that `package.json` wants: the first with `Map.getOrInsertComputed`. */
const NODE = 26;

/** What Node does with files and a lock; prints what a second lock and the system's fault said. */
const PROGRAM = `
import { Deno } from "./npm/deno.js";
const folder = Deno.makeTempDirSync({ prefix: "graft-" }), path = folder + "/.lock";
const open = () => Deno.openSync(path, { read: true, write: true, create: true });
const [first, second] = [open(), open()];
const said = [first.tryLockSync(), second.tryLockSync(), Deno.openSync(path).tryLockSync()];
first.close();
said.push(second.tryLockSync());
second.close();
try {
  Deno.openSync(folder + "/none");
} catch (fault) {
  said.push(fault instanceof Deno.errors.NotFound, fault.code, fault.message.split(":")[0]);
}
said.push(Deno.readDirSync(folder).map(({ name }) => name));
Deno.removeSync(folder, { recursive: true });
console.log(JSON.stringify(said));
`;

/** What a program prints; null where there is none of that name. */
function printed(program: string, ...args: string[]): string | null {
  try {
    const { stdout } = new Deno.Command(program, { args }).outputSync();
    return new TextDecoder().decode(stdout);
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return null;
    throw fault;
  }
}

Deno.test("npm: the package has all that the library exports, with types", async (test) => {
  const folder = Deno.makeTempDirSync();
  try {
    const out = join(folder, "package");
    const files = await buildPackage(out);
    const text = (path: string) => Deno.readTextFileSync(join(out, path));
    const names = [...text("mod.js").matchAll(/export \{([^}]+)\}/g)]
      .flatMap(([, names]) => names!.split(",").map((name) => name.trim().split(" as ").at(-1)!));
    assert.deepEqual(names.sort(), Object.keys(graft).sort());
    for (const name of names) assert.match(text("mod.d.ts"), new RegExp(`\\b${name}\\b`));
    const { dependencies } = JSON.parse(text("package.json"));
    for (const [name, version] of Object.entries(dependencies)) {
      assert.match(String(version), /^\d+\.\d+\.\d+$/, name);
    }
    const imported = files.filter((path) => path.endsWith(".js"))
      .flatMap((path) => [
        ...text(path).replace(/\/\*[^]*?\*\//g, "").matchAll(
          /(?:from|resolve\() ?"(@?[a-z][^":]*)"/g,
        ),
      ])
      .map(([, name]) => name!);
    const packages = imported.map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)![0]);
    assert.deepEqual([...new Set(packages)].sort(), Object.keys(dependencies).sort());

    const node = Number(/^v(\d+)/.exec(printed("node", "--version") ?? "")?.[1] ?? 0);
    await test.step({
      name: `its files and locks in Node (where there is Node ${NODE} or newer)`,
      ignore: node < NODE,
      fn() {
        Deno.writeTextFileSync(join(out, "program.js"), PROGRAM);
        assert.deepEqual(JSON.parse(printed("node", "--no-warnings", join(out, "program.js"))!), [
          ...[true, false, false, true, true, "ENOENT"],
          ...["No such file or directory (os error 2)", [".lock"]],
        ]);
      },
    });
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
