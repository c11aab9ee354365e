/** Graft as another project has it: in a folder outside this repository, with its own `deno.json`. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const QUICKSTART = join(ROOT, "configs/quickstart");

/** A program that reads a config and a checkpoint, and has workers encode rows. */
const program = (specifier: string) => `
import { openSafetensors, parseConfig, train } from "${specifier}";

const quickstart = ${JSON.stringify(QUICKSTART)};
const { config } = parseConfig({ file: quickstart + "/train.json", flags: { out: "mine" } });
const { tensors } = openSafetensors(quickstart + "/base/model.safetensors");
console.log(typeof train, config.train.schedule, tensors.size);

const rows = new URL("test/library/encode_rows.ts", import.meta.resolve("${specifier}"));
const { encodeRows } = await import(rows.href);
console.log(await encodeRows(quickstart));
`;
const PRINTED = "function cosine 20\n2184\n";

Deno.test("another project imports Graft by its path, also for the type checker", () =>
  inProject({ "deno.json": "{}", "main.ts": program(`file://${ROOT}mod.ts`) }, async (deno) => {
    assert.deepEqual(await deno("run", "-A", "--check", "main.ts"), { code: 0, stdout: PRINTED });
  }));

Deno.test("another project imports Graft through links", () => {
  const config = JSON.stringify({
    links: [ROOT],
    imports: { "@graft/lora": "jsr:@graft/lora@0.1.0" },
  });
  return inProject({ "deno.json": config, "main.ts": program("@graft/lora") }, async (deno) => {
    assert.deepEqual(await deno("run", "-A", "main.ts"), { code: 0, stdout: PRINTED });
  });
});

Deno.test("another project imports Graft from a server, whose command line works as well", async () => {
  await using server = serve(ROOT);
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const files = { "deno.json": "{}", "main.ts": program(`${origin}/mod.ts`) };
  await inProject(files, async (deno) => {
    assert.deepEqual(await deno("run", "-A", "main.ts"), { code: 0, stdout: PRINTED });
    const train = await deno(
      "run",
      ...["-A", "--unstable-worker-options"],
      `${origin}/src/cli/main.ts`,
      "train",
    );
    assert.equal(train.code, 2);
    assert.match(train.stderr!, /Found no quickstart on this machine, since Graft runs from http/);
  });
});

Deno.test("the program of docs/library.md trains, evaluates and chats from another folder", () => {
  const docs = Deno.readTextFileSync(join(ROOT, "docs/library.md"));
  const [, program = ""] = /## Train, evaluate, chat\n[^]*?```ts\n([^]*?)```/.exec(docs) ?? [];
  assert.ok(program.trim().split("\n").length < 30);
  const base = JSON.stringify(join(QUICKSTART, "base"));
  const config = { links: [ROOT], imports: { "@graft/lora": "jsr:@graft/lora@0.1.0" } };
  const files = {
    "deno.json": JSON.stringify(config),
    "main.ts": `const base = ${base};\n${program}`,
  };
  return inProject(files, async (deno) => {
    const { code, stdout, stderr } = await deno("run", "-A", "--check", "main.ts");
    assert.equal(code, 0, stderr);
    assert.equal(stdout.match(/^loss \d\.\d+$/gm)?.length, 3, stdout);
    assert.match(stdout, /^exact match [01](\.\d+)?\n[^]+/m);
  });
});

/** What a program printed; stderr only where it failed. */
interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr?: string;
}

/** Calls `use` with a way to run Deno in a new folder outside the repository. */
async function inProject(
  files: Readonly<Record<string, string>>,
  use: (deno: (...args: string[]) => Promise<Ran>) => Promise<void>,
): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    for (const [name, text] of Object.entries(files)) {
      Deno.writeTextFileSync(join(folder, name), text);
    }
    await use((...args) => deno(folder, args));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

async function deno(cwd: string, args: string[]): Promise<Ran> {
  const env = { NO_COLOR: "1", DENO_DIR: await cacheOf(cwd) };
  const { code, ...output } = await new Deno.Command(Deno.execPath(), { args, cwd, env }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  return { code, stdout: stdout!, ...(code === 0 ? {} : { stderr: stderr! }) };
}

/** A cache for what a project takes from servers, with the packages of the usual one. */
async function cacheOf(folder: string): Promise<string> {
  const cache = join(folder, "cache");
  if (!existsSync(cache)) {
    const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] })
      .output();
    Deno.mkdirSync(cache);
    Deno.symlinkSync(JSON.parse(new TextDecoder().decode(stdout)).npmCache, join(cache, "npm"));
  }
  return cache;
}

/** A server of the files of a folder, which says of none of them what it is. */
function serve(folder: string): Deno.HttpServer<Deno.NetAddr> {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  return Deno.serve(options, async ({ url }) => {
    try {
      const bytes = await Deno.readFile(join(folder, decodeURIComponent(new URL(url).pathname)));
      return new Response(bytes, { headers: { "content-type": "text/plain; charset=utf-8" } });
    } catch {
      return new Response(null, { status: 404 });
    }
  });
}
