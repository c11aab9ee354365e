/** The rules of the project: which folder may import which, how long a file may be, what pairs up. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** The engine, left to right: a folder may import those to its right. `kernels` is text. */
const ENGINE = [
  "cli",
  "train",
  "runs",
  "methods.ts",
  "config",
  "forgetting",
  "objectives",
  "adapters",
  "models",
  "tune",
  "ops",
  "graph",
  "formats",
  "gpu",
  "kernels",
];
const rightOf = (folder: string) => ENGINE.slice(ENGINE.indexOf(folder) + 1);
const FILES = ["data", "rows", "io"];
/** What measures, and what shares that out. */
const EVAL = ["distributed", "eval"];
const aboveModels = rightOf("objectives");

/** What every folder may import. */
const SHARED = ["src/errors.ts", "src/progress.ts", "src/random.ts", "src/stop.ts", "deno.json"];

/** What each folder of src/ may import, beside itself and the shared files. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cli: [
    ...rightOf("cli"),
    "bench",
    "check",
    "curate",
    "distributed",
    "eval",
    "export",
    "http",
    "inference",
    "quickstart",
    "rewards",
    "self_instruct",
    "serve",
    "studies",
    "watch",
    ...FILES,
  ],
  studies: [...rightOf("cli"), "curate", "eval", "inference", "report", ...FILES],
  bench: ["train", ...rightOf("train"), "eval", "quickstart", ...FILES],
  train: [...rightOf("train"), ...EVAL, ...FILES],
  runs: ["config", "objectives", "report", "io"],
  "methods.ts": ["config", "forgetting", "inference", "objectives", "online"],
  config: [...rightOf("config"), "eval", "rewards", "configs", ...FILES],
  forgetting: [...rightOf("forgetting"), ...EVAL, "inference", "report", "curate", ...FILES],
  objectives: [...rightOf("objectives"), ...EVAL, "rewards", "curate", ...FILES],
  eval: [...aboveModels, "curate", "distributed", ...FILES, "jinja"],
  export: [...aboveModels, ...FILES],
  inference: ["objectives", "eval", ...aboveModels, ...FILES],
  self_instruct: ["inference", "curate", ...FILES],
  rewards: [...rightOf("objectives"), "objectives", "eval", "inference", "self_instruct", ...FILES],
  online: [...rightOf("objectives"), "objectives", "eval", "inference", "rewards", ...FILES],
  serve: ["inference", "graph", "report", "data", "http"],
  watch: ["runs", "config", "report", "io", "http"],
  http: ["report"],
  library: [...rightOf("cli"), "eval", "inference", ...FILES],
  adapters: [...rightOf("adapters"), "io"],
  models: [...rightOf("models"), "io"],
  check: [...rightOf("tune"), "reference"],
  tune: [...rightOf("tune"), "io"],
  ops: rightOf("ops"),
  graph: rightOf("graph"),
  formats: [...rightOf("formats"), "io"],
  gpu: rightOf("gpu"),
  quickstart: FILES,
  curate: FILES,
  data: ["rows", "io", "jinja"],
  rows: ["io", "jinja"],
  ...Object.fromEntries(
    ["distributed", "io", "jinja", "reference", "report"].map((of) => [of, []]),
  ),
};

/** The only folder that names packages, each with its version; every folder may import it. */
const PACKAGES = "src/deps/";

/** Rooms that know no method by name, and where methods are. */
const NEUTRAL = ["src/train/", "src/runs/"];
const METHODS = /^src\/(forgetting|online|objectives\/(?!(objective|attempts|documents)\.ts))/;

const MAX_LINES = 300;
const MAX_COLUMNS = 120;

Deno.test("src/ imports point right only", () => {
  assert.deepEqual(sources("src", "ts").flatMap(wrongArrows), []);
});

Deno.test("wrongArrows() finds an arrow that is turned around", () => {
  const from = (path: string, specifier: string) =>
    wrongArrows({ path, text: `import {\n  x,\n} from "${specifier}";` });
  assert.deepEqual(from("src/train/loop.ts", "../gpu/device.ts"), []);
  assert.deepEqual(from("src/gpu/kernel.ts", "../errors.ts"), []);
  assert.deepEqual(from("src/ops/add.ts", "../../kernels/add.wgsl"), []);
  assert.deepEqual(from("src/gpu/device.ts", "../ops/mod.ts"), [
    "src/gpu/device.ts imports src/ops/mod.ts",
  ]);
  assert.equal(from("src/io/files.ts", "../data/read.ts").length, 1);
  assert.equal(from("src/models/llama.ts", "../adapters/lora.ts").length, 1);
  assert.equal(from("src/cli/train.ts", "../../mod.ts").length, 1);
  assert.equal(from("src/new_room/a.ts", "../io/files.ts").length, 1);
  const lazy = { path: "src/graph/plan.ts", text: 'await import("../cli/main.ts")' };
  assert.equal(wrongArrows(lazy).length, 1);
});

Deno.test(`only ${PACKAGES} names packages, each with its version`, () => {
  // A program that imports mod.ts has an import map of its own, if any.
  const library = [...sources("", "ts", false), ...sources("src", "ts")];
  assert.deepEqual(library.flatMap(strayPackages), []);
});

Deno.test("strayPackages() finds a package that is not pinned", () => {
  const from = (path: string, specifier: string) =>
    strayPackages({ path, text: `export * from "${specifier}";` });
  assert.deepEqual(from("src/deps/zod.ts", "npm:zod@4.6.7"), []);
  assert.deepEqual(from("src/deps/uplot.ts", "npm:@a/b@1.6.32/dist/b.css"), []);
  assert.deepEqual(from("src/io/files.ts", "node:fs"), []);
  assert.deepEqual(from("src/io/files.ts", "zod"), ["src/io/files.ts imports zod"]);
  assert.equal(from("src/io/files.ts", "npm:zod@4.6.7").length, 1);
  assert.equal(from("mod.ts", "@huggingface/hub").length, 1);
  assert.equal(from("src/deps/zod.ts", "npm:zod@4").length, 1);
  assert.equal(from("src/deps/zod.ts", "zod").length, 1);
});

Deno.test("training and the record of a run import nothing of one method", () => {
  const imported = sources("src", "ts").filter(({ path }) =>
    NEUTRAL.some((at) => path.startsWith(at))
  )
    .flatMap(({ path, text }) =>
      importsOf(text).map((specifier) => join(dirname(path), specifier))
        .filter((target) => METHODS.test(target)).map((target) => `${path} imports ${target}`)
    );
  assert.deepEqual(imported, []);
  assert.ok(METHODS.test("src/objectives/sft.ts") && !METHODS.test("src/objectives/objective.ts"));
});

Deno.test("only src/gpu/ names WebGPU, apart from buffers, which others pass on", () => {
  const named = sources("src", "ts")
    .filter(({ path }) => !path.startsWith("src/gpu/"))
    .filter(({ text }) =>
      /\bGPU(?!Buffer\b)[A-Z]\w+|\bnavigator\.gpu\b/.test(withoutComments(text))
    );
  assert.deepEqual(named.map(({ path }) => path), []);
});

Deno.test("only src/io/ changes files, so that each fault names one and can be waited for", () => {
  const changes =
    /\bDeno\.(mkdir|rename|remove|copyFile|link|symlink|truncate|write(Text)?File)(Sync)?\(|\bDeno\.open(Sync)?\([^)]*\b(write|append|create)\b/;
  const changing = sources("src", "ts")
    .filter(({ path }) => !path.startsWith("src/io/"))
    .filter(({ text }) => changes.test(withoutComments(text)));
  assert.deepEqual(changing.map(({ path }) => path), []);
  assert.ok(
    changes.test('Deno.openSync("x", { write: true })') && !changes.test("Deno.open(path)"),
  );
});

Deno.test("only src/cli/ prints", () => {
  const printing = sources("src", "ts")
    .filter(({ path }) => !path.startsWith("src/cli/"))
    .filter(({ text }) => /\bconsole\.\w+\(/.test(withoutComments(text)));
  assert.deepEqual(printing.map(({ path }) => path), []);
});

Deno.test(`no source file is longer than ${MAX_LINES} lines`, () => {
  const files = ["src", "test", "configs"].flatMap((folder) => sources(folder, "ts"))
    .concat(sources("kernels", "wgsl"));
  const long = files.filter(({ text }) => text.trimEnd().split("\n").length > MAX_LINES);
  assert.deepEqual(long.map(({ path }) => path), []);
});

Deno.test(`no line of README.md and docs/ is longer than ${MAX_COLUMNS} columns`, () => {
  const long = pages().flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) => line.length > MAX_COLUMNS ? `${path}:${i + 1}` : [])
  );
  assert.deepEqual(long, []);
});

Deno.test("what README.md and docs/ link to is there", () => {
  const lost = pages().flatMap(({ path, text }) =>
    Array.from(text.matchAll(/\]\(([^):#]+)[^)]*\)/g), (match) => join(dirname(path), match[1]!))
      .filter((target) => !existsSync(join(ROOT, target)))
      .map((target) => `${path} -> ${target}`)
  );
  assert.deepEqual(lost, []);
});

Deno.test("every kernel names its twin in src/reference/", () => {
  const known = new Set(sources("src/reference", "ts").map(({ path }) => path));
  const kernels = sources("kernels", "wgsl").filter(({ path }) => dirname(path) === "kernels");
  const alone = kernels.filter(({ text }) =>
    !known.has(/^\/\/ .*Twin: (\S+\.ts)/m.exec(text)?.[1]!)
  );
  assert.deepEqual(alone.map(({ path }) => path), []);
});

Deno.test("no file names this machine's folders or a package registry", () => {
  const elsewhere = /(?<![\w.-])\/work\/\w|registry\.(npmjs|yarnpkg|npmmirror)\./;
  const named = ["", "src", "test", "configs", "kernels", ".ci", "npm"]
    .flatMap((folder) => sources(folder, "", folder !== ""))
    .filter(({ path }) => path !== ".git") // of a work tree, which is not part of the project
    .filter(({ path, text }) => path !== ".git" && elsewhere.test(text)); // a linked work tree's
  assert.deepEqual(named.map(({ path }) => path), []);
});

const pages = () => [...sources("", "README.md", false), ...sources("docs", "md")];

interface Source {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** The files under `folder` that end in `extension`; a folder that is not there has none. */
function sources(folder: string, extension: string, deep = true): Source[] {
  return list(join(ROOT, folder), deep)
    .filter((path) => path.endsWith(extension) && !path.endsWith(".safetensors"))
    .map((path) => ({
      path: relative(ROOT, path).replaceAll("\\", "/"),
      text: Deno.readTextFileSync(path),
    }));
}

function list(folder: string, deep: boolean): string[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap(({ name, isFile, isDirectory }) => {
      const path = join(folder, name);
      if (isDirectory) return deep ? list(path, deep) : [];
      return isFile ? [path] : [];
    }).sort();
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return [];
    throw fault;
  }
}

/** The imports of a source file that its folder does not allow, one message each. */
function wrongArrows({ path, text }: Source): string[] {
  return importsOf(text).map((specifier) => join(dirname(path), specifier))
    .filter((target) => !mayImport(path, target))
    .map((target) => `${path} imports ${target}`);
}

/** The packages that a source file names without being the one place for it, one message each. */
function strayPackages({ path, text }: Source): string[] {
  const pinned = /^npm:(@[^/]+\/)?[^@/]+@\d+\.\d+\.\d+(\/|$)/;
  return specifiersOf(text)
    .filter((specifier) => !/^(\.|node:)/.test(specifier))
    .filter((specifier) => !path.startsWith(PACKAGES) || !pinned.test(specifier))
    .map((specifier) => `${path} imports ${specifier}`);
}

/** The files that a source file imports. */
function importsOf(text: string): string[] {
  return specifiersOf(text).filter((specifier) => specifier.startsWith("."));
}

function specifiersOf(text: string): string[] {
  const specifiers = withoutComments(text).matchAll(
    /\b(?:from|import)\s*\(?\s*["']([^"'\s]+)["']/g,
  );
  return [...specifiers].map((match) => match[1]!);
}

function mayImport(path: string, target: string): boolean {
  const folder = folderOf(path);
  const targetFolder = folderOf(target);
  return SHARED.includes(target) || target.startsWith(PACKAGES) || folder === targetFolder ||
    (MAY_IMPORT[folder] ?? []).includes(targetFolder);
}

/** The folder of a file: its folder under src/, or `kernels`. */
function folderOf(path: string): string {
  const [top, folder] = path.split("/");
  return top === "src" ? folder! : top!;
}

/** Drops lines that are a comment from their start, as the examples in docstrings are. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(\/\/|\/?\*).*$/gm, "");
}
