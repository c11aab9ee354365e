/** Commands as a user starts them: what they name works, what a stranger's file names is denied. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { REPO, World } from "../../io/hub/world.ts";
import { Toy } from "../../train/toy.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

/** Runs a command under the flags of its task. */
async function run(args: string[], env: Record<string, string> = {}) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-RWESN", "--no-check", MAIN, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("a command downloads from the hub that is named, and follows it nowhere else", async () => {
  await using world = new World();
  using toy = new Toy();
  const env = {
    HF_ENDPOINT: world.hub.endpoint,
    HF_HUB_CACHE: join(world.folder, "cache"),
    HF_HUB_DOWNLOAD_TIMEOUT: "2",
    HF_HUB_OFFLINE: "0",
    TMPDIR: toy.path("tmp"),
  };
  Deno.mkdirSync(env.TMPDIR);
  const inspect = ["inspect", "--model", REPO, "--data.path", toy.rows, "--data.format", "tokens"];
  let asked = 0;
  await using elsewhere = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    return new Response("");
  });
  world.hub.mischief = { elsewhere: `http://localhost:${elsewhere.addr.port}` };
  const denied = await run(inspect, env);
  assert.equal(denied.code, 2, denied.stderr);
  assert.match(denied.stderr, /^error: Cannot reach "localhost:\d+": [^\n]+\n$/m);
  assert.equal(asked, 0);
  world.hub.mischief = {};
  const found = await run(inspect, env);
  assert.equal(found.code, 0, found.stderr);
  assert.match(found.stderr, /downloading .*model\.safetensors/);
  const again = await run(inspect, { ...env, HF_HUB_OFFLINE: "1" });
  assert.equal(again.code, 0, again.stderr);
  assert.equal(again.stdout, found.stdout);

  world.hub.repos.commit("datasets/me/rows", { "train.jsonl": Deno.readFileSync(toy.rows) });
  const rows = ["--data.path", "me/rows:train", "--data.format", "tokens"];
  const set = await run(["inspect", "--model", world.model, ...rows], env);
  assert.equal(set.code, 0, set.stderr);
});

Deno.test("a task from a stranger cannot have read what it names elsewhere", async () => {
  using toy = new Toy();
  for (const folder of ["tmp", "task", "private"]) Deno.mkdirSync(toy.path(folder));
  Deno.writeTextFileSync(toy.path("private", "secret.yaml"), "password: 1234");
  const include = "include: ../private/secret.yaml\n";
  Deno.writeTextFileSync(toy.path("task", "planted.yaml"), include);
  const task = ["eval", toy.model, "--tasks", toy.path("task", "planted.yaml")];
  const { code, stderr } = await run(task, { TMPDIR: toy.path("tmp") });
  assert.equal(code, 2, stderr);
  assert.match(
    stderr,
    /^error: Cannot read ".*\/private\/secret\.yaml": neither the command line/m,
  );
  assert.doesNotMatch(stderr, /1234|password/);
});

Deno.test("what a command makes is all that it leaves", async () => {
  using toy = new Toy();
  Deno.mkdirSync(toy.path("tmp"));
  const env = { TMPDIR: toy.path("tmp"), XDG_CACHE_HOME: toy.path("tmp") };
  const before = [...Deno.readDirSync(toy.folder)].map(({ name }) => name);
  const config = ["--model", toy.model, "--data.path", toy.rows, "--data.format", "tokens"];
  const train = [...config, "--train.steps", "1", "--guard", "false", "--eval.samples", "0"];
  const done = async (...args: string[]) => {
    const { code, stderr } = await run(args, env);
    assert.equal(code, 0, stderr);
  };
  await done("train", ...train, "--out", toy.path("mine"));
  await done("merge", toy.path("mine"), "--out", toy.path("merged"));
  await done("data", toy.rows, "--steps", "none", "--out", toy.path("clean.jsonl"));
  const made = [...Deno.readDirSync(toy.folder)].map(({ name }) => name)
    .filter((name) => !before.includes(name) && !name.startsWith("runs.sqlite"));
  assert.deepEqual(made.sort(), ["clean.dropped.jsonl", "clean.jsonl", "merged", "mine"]);
  await done("runs", "remove", toy.path("mine"), "--files");
  assert.ok(![...Deno.readDirSync(toy.folder)].some(({ name }) => name === "mine"));
});

Deno.test("doctor looks at the temporary folder that the environment names", async () => {
  const { code, stderr, stdout } = await run(["doctor", "--brief"], { TMPDIR: "/tmp" });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /temporary/);
});
