/**
 * Makes the npm package of the library in `dist/npm`: by `deno pack`, and with what Node has in place
 * of what only Deno has.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { readLock, readProject } from "../.ci/packages.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What goes in beside the modules and what they import. */
const BESIDE = [
  "LICENSE",
  "configs/presets",
  "configs/quickstart",
  "configs/schema.json",
  "configs/slices",
];

/** What takes the place of what only Deno has. */
const OWN = ["npm/deno.ts", "npm/lock.ts", "npm/text.ts"];

/** Modules that no other imports, with those that threads begin with. */
const ENTRIES = [
  "src/data/dataset/worker.ts",
  "src/io/pattern_worker.ts",
  "src/rows/sources/tables/arrow_worker.ts",
  "src/rows/sources/tables/parquet_worker.ts",
  ...OWN,
];

/** What no thread of Node begins with: a reward's function is refused there, and Deno's WebGPU absent. */
const LEFT_OUT = ["src/gpu/precompiler_worker.js", "src/rewards/function/worker.js"];

/** Globals that `npm/deno.ts` has, and how their use is known. */
const GLOBALS = { Deno: /\bDeno\./, Worker: /\bnew Worker\(/ } as const;

/**
 * Makes the package in a folder, which is emptied before.
 *
 * @returns its files.
 */
export async function buildPackage(out: string): Promise<string[]> {
  const stage = Deno.makeTempDirSync({ prefix: "graft-npm-" });
  try {
    await pack(stage);
    const packed = join(stage, "package");
    const files = filesIn(packed).filter((path) => /(?<!^npm\/all)\.(js|d\.ts)$/.test(path));
    Deno.mkdirSync(out, { recursive: true });
    Deno.removeSync(out, { recursive: true });
    for (const path of files) {
      const text = Deno.readTextFileSync(join(packed, path));
      write(join(out, path), path.endsWith(".js") ? forNode(text, path) : text);
      for (const [, name] of text.matchAll(/ from "(\.[^"]+)" with \{\s*type: "text"/g)) {
        const target = join(dirname(path), name!);
        copy(join(ROOT, target), join(out, target));
      }
    }
    const { dependencies } = JSON.parse(Deno.readTextFileSync(join(packed, "package.json")));
    write(join(out, "package.json"), JSON.stringify(manifest(Object.keys(dependencies)), null, 2));
  } finally {
    Deno.removeSync(stage, { recursive: true });
  }
  for (const path of BESIDE) copy(join(ROOT, path), join(out, path));
  copy(join(ROOT, "npm/README.md"), join(out, "README.md"));
  const types = join(out, "mod.d.ts");
  write(types, `/// <reference types="@webgpu/types" />\n${Deno.readTextFileSync(types)}`);
  const files = filesIn(out);
  for (const path of files) if (path.endsWith(".js")) refuseStray(out, path);
  return files;
}

/** The library by itself, as `deno pack` makes a package of it, in `package` of the folder. */
async function pack(stage: string): Promise<void> {
  for (const path of ["mod.ts", "src", "kernels", "configs", "deno.lock", "LICENSE", ...OWN]) {
    copy(join(ROOT, path), join(stage, path));
  }
  write(join(stage, "npm/all.ts"), ENTRIES.map((path) => `import "../${path}";\n`).join(""));
  const { name, version, license, unstable, compilerOptions } = readProject();
  const project = { name, version, license, unstable, compilerOptions };
  const exports = { ".": "./mod.ts", "./all": "./npm/all.ts" };
  write(join(stage, "deno.json"), JSON.stringify({ ...project, exports }));
  const options = ["--quiet", "--allow-dirty", "--no-source-maps", "--output", "packed.tgz"];
  await run(stage, Deno.execPath(), "pack", ...options);
  await run(stage, "tar", "-xzf", "packed.tgz");
}

/** A module without what Node does not have. */
export function forNode(text: string, path: string): string {
  const at = (target: string) => {
    const to = relative(dirname(path), target).replaceAll("\\", "/");
    return to.startsWith(".") ? to : `./${to}`;
  };
  const js = text
    .replace(
      /import (\w+) from ("[^"]+") with \{\s*type: "text"\s*\};/g,
      "const $1 = textAt(import.meta.resolve($2));",
    )
    .replace(
      /export \{ default as (\w+) \} from ("[^"]+") with \{\s*type: "text"\s*\};/g,
      "export const $1 = textAt(import.meta.resolve($2));",
    )
    .replace(/from "[./]+\/deno\.json"/g, `from "${at("package.json")}"`)
    .replace(/(new URL|import\.meta\.resolve)\("(\.\/\w+)\.ts"/g, '$1("$2.js"');
  const isOwn = path.startsWith("npm/");
  const globals = Object.keys(GLOBALS).filter((name) =>
    !isOwn && GLOBALS[name as keyof typeof GLOBALS].test(js) &&
    !js.includes(`import { ${name} }`)
  );
  return [
    ...globals.length > 0
      ? [`import { ${globals.join(", ")} } from "${at("npm/deno.js")}";\n`]
      : [],
    ...js === text || !js.includes("textAt(") || isOwn
      ? []
      : [`import { textAt } from "${at("npm/text.js")}";\n`],
    js,
  ].join("");
}

/** What `package.json` says. */
function manifest(dependencies: readonly string[]): object {
  const { name, version, license } = readProject();
  return {
    name,
    version,
    description: "LoRA fine-tuning of language models on WebGPU, with forgetting measured",
    license,
    type: "module",
    engines: { node: ">=26" },
    exports: { ".": { types: "./mod.d.ts", default: "./mod.js" } },
    dependencies: Object.fromEntries(dependencies.map((name) => [name, versionOf(name)])),
    peerDependencies: { "@webgpu/types": "*", webgpu: ">=0.6.2" },
    peerDependenciesMeta: { "@webgpu/types": { optional: true }, webgpu: { optional: true } },
  };
}

/** The version of a package in deno.lock. */
function versionOf(name: string): string {
  const found = Object.keys(readLock().npm ?? {}).filter((id) => id.startsWith(`${name}@`));
  if (found.length === 1) return found[0]!.slice(name.length + 1);
  throw new Error(`deno.lock: found ${found.join(", ") || "nothing"}, wanted one ${name}`);
}

/** @throws {Error} where a module names what is not in the package, or what Node has not. */
function refuseStray(out: string, path: string): void {
  const js = Deno.readTextFileSync(join(out, path)).replace(/\/\*[^]*?\*\//g, "");
  const named = [...js.matchAll(/(?:from|import\(|new URL\(|resolve\()\s*"(\.[^"]+)"/g)]
    .map(([, at]) => join(dirname(path), at!)).filter((at) => !LEFT_OUT.includes(at));
  const absent = named.find((at) => !exists(join(out, at)));
  if (absent !== undefined) throw new Error(`${path}: found no ${absent} in the package`);
  if (!/" with \{\s*type: "text"/.test(js)) return;
  throw new Error(`${path}: found an import of text, which Node has not`);
}

function exists(path: string): boolean {
  try {
    return Boolean(Deno.statSync(path));
  } catch {
    return false;
  }
}

function write(path: string, text: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

function copy(from: string, to: string): void {
  if (!Deno.statSync(from).isDirectory) {
    Deno.mkdirSync(dirname(to), { recursive: true });
    return Deno.copyFileSync(from, to);
  }
  for (const path of filesIn(from)) copy(join(from, path), join(to, path));
}

/** All files below a folder, by their paths in it. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesIn(join(folder, name)).map((path) => `${name}/${path}`) : [name]
  ).sort();
}

async function run(cwd: string, program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args, cwd }).output();
  if (!success) throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}

if (import.meta.main) {
  const out = join(ROOT, "dist/npm");
  const files = await buildPackage(out);
  console.log(`${files.length} files in ${out}; npm pack ${out} makes an archive of them`);
}
