/** What the npm package has in place of Deno, beside Deno's own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { forNode } from "../../npm/build.ts";
import { Deno as OnNode, Worker as OnNodeWorker } from "../../npm/deno.ts";
import { FileLock } from "../../npm/lock.ts";
import { ALONE } from "../../src/rewards/function/mod.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Names that are types alone. */
const TYPES = ["PermissionDescriptor", "FsFile"];

/** Calls `use` with a new folder. */
async function inFolder(use: (folder: string) => unknown): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("npm: all that the library takes of Deno is there", () => {
  const args = ["info", "--json", "mod.ts"];
  const { stdout } = new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).outputSync();
  const { modules } = JSON.parse(new TextDecoder().decode(stdout));
  const paths: string[] = modules.map(({ local }: { local?: string }) => local ?? "");
  const own = paths.filter((path) => path.startsWith(join(ROOT, "src")) && path.endsWith(".ts"));
  assert.ok(own.length > 300, `found ${own.length} modules`);
  const used = own.flatMap((path) => {
    const code = Deno.readTextFileSync(path).replace(/\/\*[^]*?\*\//g, "").replace(/\/\/.*/g, "");
    return [...code.matchAll(/\bDeno\.(\w+)(?:\.(\w+))?/g)];
  });
  const absent = used.filter(([, name, inner]) => {
    const found = (OnNode as Record<string, unknown>)[name!];
    if (TYPES.includes(name!)) return false;
    return found === undefined || name === "errors" && inner && !(inner in OnNode.errors);
  }).map(([words]) => words);
  assert.deepEqual(absent, []);
});

Deno.test("npm: faults of the system are Deno's, by class, code and number", () =>
  inFolder((folder) => {
    const file = join(folder, "file");
    Deno.writeTextFileSync(file, "text");
    const faults = (by: typeof OnNode) =>
      [
        () => by.openSync(join(folder, "none")),
        () => by.statSync(join(folder, "none")),
        () => by.statSync(join(file, "below")),
        () => by.removeSync(join(folder, "none")),
        () => by.renameSync(join(folder, "none"), file),
        () => by.openSync(file, { write: true, createNew: true }),
        () => by.mkdirSync(folder),
      ].map((action) => {
        try {
          action();
          return "no fault";
        } catch (fault) {
          const { message, code, constructor: { name } } = fault as Error & { code: string };
          return [name, code, /^[A-Z][\w ]+ (\(os error \d+\))/.exec(message)?.[1]];
        }
      });
    assert.deepEqual(faults(OnNode), faults(Deno as unknown as typeof OnNode));
  }));

Deno.test("npm: files are read and written as Deno does", () =>
  inFolder(async (folder) => {
    const bytes = new TextEncoder().encode("0123456789");
    const work = async (by: typeof OnNode, path: string) => {
      const said: unknown[] = [];
      const file = by.openSync(path, { read: true, write: true, create: true });
      const into = new Uint8Array(4);
      said.push(file.writeSync(bytes), file.readSync(into), file.seekSync(8, 0));
      said.push(
        file.readSync(into),
        [...into],
        file.readSync(into),
        file.readSync(into.subarray(4)),
      );
      file.truncateSync(3);
      file.syncSync();
      said.push(file.statSync().size, file.statSync().isFile, by.statSync(folder).isDirectory);
      file.close();
      const more = by.openSync(path, { append: true, create: true });
      more.writeSync(bytes.subarray(5));
      more.close();
      said.push(by.readTextFileSync(path), by.readFileSync(path));
      for await (const piece of (await by.open(path)).readable) said.push(piece);
      by.mkdirSync(`${path}.d/inner`, { recursive: true });
      by.renameSync(path, `${path}.d/inner/moved`);
      const entries = await Array.fromAsync(by.readDir(`${path}.d`));
      said.push([...entries, ...by.readDirSync(`${path}.d`)].map((entry) => ({ ...entry })));
      by.removeSync(`${path}.d`, { recursive: true });
      return said;
    };
    const own = Deno as unknown as { [name in keyof typeof OnNode]: never } as never;
    assert.deepEqual(await work(OnNode, join(folder, "a")), await work(own, join(folder, "b")));
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  }));

Deno.test("npm: a lock keeps others out, and is gone with its process", () =>
  inFolder(async (folder) => {
    const path = join(folder, ".lock");
    const [first, second] = [new FileLock(path), new FileLock(path)];
    assert.ok(first.isFree() && first.take());
    assert.deepEqual([second.take(), second.isFree()], [false, false]);
    first.letGo();
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    assert.ok(second.take());
    second.letGo();

    const module = JSON.stringify(new URL("../../npm/lock.ts", import.meta.url).href);
    const script = `const { FileLock } = await import(${module});
      console.log(new FileLock(${JSON.stringify(path)}).take());
      setInterval(() => {}, 1000);`;
    const args = ["eval", script];
    const other = new Deno.Command(Deno.execPath(), { args, stdout: "piped" }).spawn();
    const reader = other.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "true\n");
    assert.deepEqual([first.take(), first.isFree()], [false, false]);
    other.kill("SIGKILL");
    await other.status;
    await reader.cancel();
    assert.ok(first.isFree() && first.take());
    first.letGo();
  }));

Deno.test("npm: a thread without permissions is refused in one sentence", () => {
  const program = new URL("file:///reward.ts");
  assert.throws(() => new OnNodeWorker(program, ALONE), {
    name: "ConfigError",
    message: /^Found a function as a reward in Node, .*wanted Deno/,
  });
});

Deno.test("npm: modules lose what Node has not", () => {
  const js = 'import text from "../../kernels/add.wgsl" with {\n  type: "text"\n};\n' +
    'import project from "../../deno.json" with {\n  type: "json"\n};\n' +
    'new Worker(new URL("./worker.ts", import.meta.url)); Deno.pid;';
  assert.deepEqual(forNode(js, "src/ops/add.js").split("\n"), [
    'import { Deno, Worker } from "../../npm/deno.js";',
    'import { textAt } from "../../npm/text.js";',
    'const text = textAt(import.meta.resolve("../../kernels/add.wgsl"));',
    'import project from "../../package.json" with {',
    '  type: "json"',
    "};",
    'new Worker(new URL("./worker.js", import.meta.url)); Deno.pid;',
  ]);
});
