/** What the hub refuses, and what is refused of it. */
import assert from "node:assert/strict";
import { exists } from "../../../src/io/files.ts";
import type { Files } from "./fake_repos.ts";
import { REPO, World } from "./world.ts";

const filesOf = (world: World): Record<string, Uint8Array | string> =>
  Object.fromEntries(world.hub.repos.get(REPO)!.commits.get(world.commit)! as Files);

Deno.test("a missing repository, a wrong revision and a gated one are told apart", async () => {
  await using world = new World();
  const { endpoint } = world.hub;
  await world.refuses(
    `Cannot find tiny/nobody: it is no folder here, and ${endpoint} has no such repository or ` +
      "does not show it without HF_TOKEN",
    "tiny/nobody",
  );
  await world.refuses(`Cannot find revision "v9" of ${REPO} at ${endpoint}`, `${REPO}@v9`);
  world.hub.repos.get(REPO)!.gated = true;
  await world.refuses(
    `Cannot read ${REPO}: it is gated, so accept its terms at ${endpoint}/${REPO} and set ` +
      "HF_TOKEN to a token of that account",
  );
  await world.locate(REPO, { token: "any" });
});

Deno.test("a token opens a private repository, goes to the hub and nowhere else", async () => {
  await using world = new World();
  world.hub.repos.create("tiny/secret", true);
  world.hub.repos.commit("tiny/secret", filesOf(world));
  world.hub.token = "right";
  await world.refuses(/ does not show it without HF_TOKEN$/, "tiny/secret");
  await world.refuses(
    `Cannot read tiny/secret: ${world.hub.endpoint} does not accept the token (Invalid ` +
      "credentials in Authorization header)",
    "tiny/secret",
    { token: "wrong" },
  );
  world.hub.asked.length = 0;
  await world.locate("tiny/secret", { token: "right" });
  const seen = Map.groupBy(world.hub.asked, ({ origin }) => origin);
  assert.ok(seen.get("hub")!.every(({ token }) => token === "right"));
  assert.ok(seen.get("storage")!.length > 0);
  assert.ok(seen.get("storage")!.every(({ token }) => token === null));
});

Deno.test("a hub that is down is one sentence", async () => {
  await using world = new World();
  world.hub.mischief = { status: 500 };
  await world.refuses(
    `Cannot use ${REPO}: ${world.hub.endpoint} answered 500 (Internal Server Error); ${REPO} is no ` +
      "folder here",
  );
  world.hub.mischief = { silent: true };
  await world.refuses(
    `Cannot reach ${world.hub.endpoint}: no answer within 0.3 s; ${REPO} is no folder here`,
    REPO,
    { patience: 300 },
  );
});

Deno.test("a repository without safetensors or tokenizer is refused before a download", async () => {
  await using world = new World();
  const { "model.safetensors": _, ...small } = filesOf(world);
  const refuses = async (files: Record<string, Uint8Array | string>, message: string) => {
    world.hub.repos.commit(REPO, files);
    await world.refuses(`Cannot use ${REPO} as a model: ${message}`);
  };
  await refuses(
    { ...small, "pytorch_model.bin": "pickle" },
    "it has only pickled weights (pytorch_model.bin), which can run any code when they are " +
      "opened, wanted safetensors",
  );
  await refuses(small, "it has no model.safetensors and no model.safetensors.index.json");
  const { "tokenizer.json": __, ...rest } = filesOf(world);
  await refuses(rest, "it has no tokenizer.json");
  assert.ok(!exists(world.cache));
});

Deno.test("an index that names other files is refused", async () => {
  await using world = new World();
  const { "model.safetensors": _, ...small } = filesOf(world);
  const index = "model.safetensors.index.json";
  const sharded = (shard: string) =>
    world.hub.repos.commit(REPO, {
      ...small,
      [index]: JSON.stringify({ weight_map: { x: shard } }),
    });
  for (const shard of ["../../../../etc/passwd", "/etc/passwd", "a\\..\\b"]) {
    sharded(shard);
    await world.refuses(/: shard ".+" is not a path inside the folder$/);
  }
  sharded("gone.safetensors");
  await world.refuses(`Cannot use ${REPO}: its ${index} names gone.safetensors, which it lacks`);
});

Deno.test("a hub that lies about commits, hashes and sizes is refused", async () => {
  await using world = new World();
  const lie = async (of: "revision" | "paths", fields: object, message: RegExp) => {
    world.hub.mischief.tamper = (answer) => {
      if (Array.isArray(answer) !== (of === "paths")) return answer;
      return Array.isArray(answer)
        ? answer.map((info) => ({ ...info, ...fields, lfs: undefined }))
        : { ...answer as object, ...fields };
    };
    await world.refuses(message);
  };
  await lie("revision", { sha: "../../../etc" }, /names no commit for main$/);
  await lie("revision", { sha: undefined }, /names no commit for main$/);
  await lie(
    "paths",
    { oid: "../../../../etc/cron.d/x" },
    /gives no size and hash for config\.json$/,
  );
  await lie("paths", { size: -1 }, /gives no size and hash for config\.json$/);
  await lie("paths", { path: "../x" }, /gives no size and hash for config\.json$/);
  await lie("revision", { siblings: "none" }, /^Cannot use tiny\/llama/);
  assert.ok(!exists(world.cache));
});
