/** Every task: what it was not told to touch, it cannot. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { confine, type Grants } from "../../../src/cli/permissions/confine.ts";
import { grantsOf } from "../../../src/cli/permissions/grants.ts";
import { RULES } from "../../../src/cli/permissions/rules.ts";
import { withEnv } from "../capture.ts";

const ATTACKER = new URL("./attacker.ts", import.meta.url);
const ROOT = new URL("../../../", import.meta.url);
const MARK = "0a1b2c3d";

/** A command line of each task that names as much as it can. */
const LINES: Readonly<Record<string, string>> = {
  train: "--model base --data rows.jsonl --guard.text keep.txt --out runs/mine --resume",
  guard: "runs/mine --out scaled --text keep.txt --data rows.jsonl --base base",
  combine: "runs/mine runs/other --weights 1,0.5 --out combined",
  merge: "runs/mine --out merged",
  export: "runs/mine --format gguf --out mine.gguf --text keep.txt --budget ppl:2% --imatrix a.txt",
  eval: "base --adapter runs/mine --tasks task.yaml suite.json --out scores",
  generate: "base --adapter runs/mine --prompt /",
  chat: "base --adapter runs/mine --template chat.jinja",
  serve: "base --adapter mine=runs/mine --port 0",
  push: "runs/mine owner/name",
  pretrain: "pretrain.json",
  plan: "config.json --gpu",
  inspect: "config.json --rows 3",
  data: "rows.jsonl --out clean.jsonl --tests tests.jsonl",
  bench: "--only linear",
  tune: "base --seconds 1",
  init: "base rows.jsonl",
  "self-instruct": "base --seeds seeds.jsonl --out made --endpoint http://example.org:8000/v1",
  sample:
    "base --data rows.jsonl --rewards mine.ts --out made --endpoint http://example.org:8000/v1",
  study: "forgetting spec.json --out results",
  watch: "--from runs --port 0",
  runs: "remove 1 --files",
  doctor: "",
};

/** Tasks that are a part of a command. */
const WITHIN: Readonly<Record<string, string>> = { sweep: "study sweep" };

/** What comes through of all that can be tried under `grants`, beside a stranger's folder and server. */
async function tried(grants: Grants, world: string): Promise<string[]> {
  const secrets = join(world, "secrets");
  const results = join(world, "tmp/came.json");
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("secret"),
  );
  try {
    const job = { args: [results, secrets, String(server.addr.port)], mark: MARK };
    assert.equal(await confine(ATTACKER, job, grants), 0);
    return JSON.parse(Deno.readTextFileSync(results));
  } finally {
    await server.shutdown();
  }
}

/** Calls `use` with a folder of which a command may use `tmp` and `cache` alone. */
async function withWorld(use: (world: string) => Promise<void>): Promise<void> {
  const world = Deno.makeTempDirSync();
  for (const name of ["tmp", "cache", "secrets"]) Deno.mkdirSync(join(world, name));
  Deno.writeTextFileSync(join(world, "secrets/secret.txt"), "secret");
  const env = {
    TMPDIR: join(world, "tmp"),
    XDG_CACHE_HOME: join(world, "cache"),
    GRAFT_TEST_SECRET: "secret",
  };
  try {
    await withEnv(env, () => use(world));
    assert.deepEqual([...Deno.readDirSync(join(world, "secrets"))].map(({ name }) => name), [
      "secret.txt",
    ]);
    assert.equal(Deno.readTextFileSync(join(world, "secrets/secret.txt")), "secret");
  } finally {
    Deno.removeSync(world, { recursive: true });
  }
}

Deno.test("every task has a rule, and no other", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const commands = Object.entries(tasks as Record<string, string>)
    .filter(([, command]) => typeof command === "string" && command.includes("src/cli/main.ts"));
  const own = commands.map(([name]) => name).filter((name) => !Object.hasOwn(WITHIN, name));
  assert.deepEqual(Object.keys(RULES).sort(), own.sort());
  assert.deepEqual(Object.keys(LINES).sort(), Object.keys(RULES).sort());
  for (const [name, command] of commands) {
    const words = WITHIN[name] ?? name;
    const { hub, port } = RULES[words.split(" ")[0]!]!;
    const net = hub !== undefined || port !== undefined;
    const flags = `--no-prompt -RWES${net ? "N" : ""}`;
    assert.equal(command, `deno run ${flags} src/cli/main.ts ${words}`);
  }
});

for (const [task, line] of Object.entries(LINES)) {
  Deno.test(`${task}: nothing that is not named can be touched`, () =>
    withWorld(async (world) => {
      const words = line.split(" ").filter((word) => word !== "");
      assert.deepEqual(await tried(await grantsOf([task, ...words], MARK), world), []);
    }));
}

Deno.test("the matrix sees what comes through where more is granted", () =>
  withWorld(async (world) => {
    const { read, ...grants } = await grantsOf(["doctor"], MARK);
    const more = {
      ...grants,
      read: [...read, world],
      env: ["GRAFT_TEST_SECRET"],
      net: ["127.0.0.1"],
    };
    assert.deepEqual(await tried(more, world), [
      ...["read a file", "read a folder", "look at a file", "see a variable"],
      ...["reach a server", "connect"],
      ...["read by node:fs", "see a variable by node:process", "read in a worker"],
    ]);
  }));

Deno.test("who certifies may count in the history beside the run that is named, and beside no other folder", () =>
  withWorld(async (world) => {
    const [run, out] = [join(world, "tmp/runs/mine"), join(world, "tmp/out/mine.gguf")];
    Deno.mkdirSync(run, { recursive: true });
    const history = join(world, "tmp/runs/runs.sqlite");
    const writes = async (command: string, given: string) =>
      (await grantsOf([command, given, "--out", out], MARK)).write.includes(history);
    assert.equal(await writes("export", run), false);
    Deno.writeTextFileSync(join(run, "config.json"), JSON.stringify({ $origin: {} }));
    for (const command of ["export", "guard"]) {
      assert.equal(await writes(command, run), true);
      assert.equal(await writes(command, join(run, "adapter")), true);
    }
    assert.equal(await writes("merge", run), false);
  }));
