/** Every command takes a model by its name on the hub; here that is a fake hub on the loopback. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadModel } from "../../mod.ts";
import { main } from "../../src/cli/commands.ts";
import { barLine } from "../../src/cli/lib/hub.ts";
import { exists, readJsonObject, writeJson } from "../../src/io/files.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { REPO } from "../io/hub/world.ts";
import { capture, withEnv } from "./capture.ts";
import { succeeds, withHub } from "./with_hub.ts";

Deno.test("train, merge, eval, generate and loadModel take a name of the hub", () =>
  withHub(async (world, toy) => {
    const config = toy.path("run.json");
    writeJson(config, toy.values("run", { model: REPO, train: { steps: 2 } }));
    const { stderr } = await succeeds("train", config);
    assert.match(stderr, /^downloading config\.json, .+model\.safetensors of tiny\/llama at /);
    assert.ok(!stderr.includes("\r"), "a bar without a terminal");

    const run = toy.path("run");
    const saved = Deno.readTextFileSync(join(run, "config.json"));
    assert.equal(JSON.parse(saved).model, `${REPO}@${world.commit}`);
    const adapter = readJsonObject(join(run, "adapter/adapter_config.json"));
    assert.equal(adapter["base_model_name_or_path"], REPO);
    assert.equal(adapter["revision"], world.commit);

    await withEnv({ HF_HUB_OFFLINE: "1" }, async () => {
      await succeeds("merge", run, "--out", toy.path("merged"));
      await succeeds("generate", REPO, "--prompt", "a", "--max-tokens", "2", "--adapter", run);
    });
    const text = ["--text", toy.text, "--json"];
    const named = await succeeds("eval", `${REPO}@${world.commit}`, ...text);
    assert.equal(named.stdout, (await succeeds("eval", world.model, ...text)).stdout);
    await succeeds("inspect", config, "--rows", "0");
    using model = await loadModel(REPO);
    assert.ok((await model.perplexity(["a red fox"])).tokens > 0);
    assert.ok(!saved.includes("hf_secret"));
  }));

Deno.test("a resumed run goes on with the commit that it began with", () =>
  withHub(async (world, toy) => {
    const config = toy.path("run.json");
    writeJson(config, toy.values("run", { model: REPO, train: { steps: 4, checkpoint_every: 2 } }));
    await succeeds("train", config);
    const files = Object.fromEntries(world.hub.repos.get(REPO)!.commits.get(world.commit)!);
    const moved = world.hub.repos.commit(REPO, { ...files, "generation_config.json": "{}" });
    await succeeds("train", config, "--resume");
    const { code, stderr } = await capture(
      main,
      ...["train", config, "--resume", "--model", `${REPO}@main`],
    );
    assert.equal(code, 1, stderr);
    const place = `${REPO}@${moved}`;
    assert.ok(
      stderr.includes(`Cannot resume: the base model in ${place} holds other files`),
      stderr,
    );
  }));

Deno.test("an adapter of the hub is started from and generated with", () =>
  withHub(async (world, toy) => {
    const settings = { model: REPO, train: { steps: 1 } };
    writeJson(toy.path("run.json"), toy.values("run", settings));
    await succeeds("train", toy.path("run.json"));
    world.hub.repos.commitFolder("me/adapter", toy.path("run/adapter"));
    const { commit } = { commit: world.hub.repos.get("me/adapter")!.commitOf("main")! };
    const from = ["--adapter.from", "me/adapter", "--out", toy.path("second")];
    await succeeds("train", toy.path("run.json"), ...from);
    const { adapter } = JSON.parse(Deno.readTextFileSync(toy.path("second/config.json")));
    assert.equal(adapter.from, `me/adapter@${commit}`);
    await succeeds(
      "generate",
      REPO,
      "--prompt",
      "a",
      "--max-tokens",
      "2",
      "--adapter",
      "me/adapter",
    );
    await succeeds("merge", "me/adapter", "--out", toy.path("merged"));
  }));

Deno.test("a teacher of the hub is learnt from, and a resumed run keeps its commit", () =>
  withHub(async (world, toy) => {
    const objective = { kind: "gkd", teacher: REPO, lmbda: 0, prompts: 2 };
    const train = { tokens_per_batch: undefined, steps: 2, checkpoint_every: 1 };
    writeJson(toy.path("run.json"), toy.values("run", { objective, train }));
    const { stderr } = await succeeds("train", toy.path("run.json"));
    assert.match(stderr, /^downloading config\.json, .+ of tiny\/llama at /);
    const teacher = () =>
      JSON.parse(Deno.readTextFileSync(toy.path("run/config.json"))).objective.teacher;
    assert.equal(teacher(), `${REPO}@${world.commit}`);
    const files = Object.fromEntries(world.hub.repos.get(REPO)!.commits.get(world.commit)!);
    world.hub.repos.commit(REPO, { ...files, "generation_config.json": "{}" });
    await succeeds("train", toy.path("run.json"), "--resume");
    assert.equal(teacher(), `${REPO}@${world.commit}`);
  }));

Deno.test("train takes rows of the hub, keeps their commit and names their licence", () =>
  withHub(async (world, toy) => {
    const rows = Deno.readFileSync(toy.rows);
    const card = "---\nlicense: cc-by-4.0\n---\n";
    const set = "datasets/me/rows";
    const commit = world.hub.repos.commit(set, { "README.md": card, "train.jsonl": rows });
    const config = toy.path("run.json");
    const data = [{ path: "me/rows:train", format: "tokens" }];
    writeJson(config, toy.values("run", { data, train: { steps: 2, checkpoint_every: 1 } }));
    const { stderr } = await succeeds("train", config);
    assert.match(stderr, /^downloading a file of me\/rows at [0-9a-f]{12}: \d\.\d kB$/m);
    const pinned = `me/rows@${commit}:train`;
    assert.ok(stderr.includes(`data        ${pinned}: 12 rows,`), stderr);
    assert.match(stderr, /of them learnt; licence cc-by-4\.0$/m);
    const saved = JSON.parse(Deno.readTextFileSync(toy.path("run/config.json")));
    assert.equal(saved.data[0].path, pinned);
    assert.match(Deno.readTextFileSync(toy.path("run/report.html")), /cc-by-4\.0/);

    world.hub.repos.commit(set, { "train.jsonl": "{}\n" });
    await succeeds("train", config, "--resume");
    await withEnv({ HF_HUB_OFFLINE: "1" }, async () => {
      await succeeds("inspect", config, "--data", pinned, "--rows", "0");
    });
  }));

Deno.test("train refuses a model that the hub lacks with one sentence, and writes nothing", () =>
  withHub(async (world, toy) => {
    const config = toy.path("run.json");
    writeJson(config, toy.values("run", { model: "models/mine" }));
    const { code, stdout, stderr } = await capture(main, "train", config);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.equal(
      stderr,
      `error: Cannot find models/mine: it is no folder here, and ${world.hub.endpoint} has no such ` +
        "repository or does not show it to this token\n",
    );
    assert.ok(!exists(toy.path("run")) && !exists(join(world.folder, "cache")));
  }));

Deno.test("a config keeps names of the hub, and paths win where they are there", () =>
  withHub((_, toy) => {
    const modelOf = (model: string) =>
      parseConfig({ values: toy.values("run", { model }) }).config.model;
    assert.equal(modelOf(REPO), REPO);
    assert.equal(modelOf(`${REPO}@v1`), `${REPO}@v1`);
    assert.equal(modelOf("configs/quickstart"), join(Deno.cwd(), "configs/quickstart"));
    assert.equal(modelOf("./tiny/llama"), join(Deno.cwd(), "tiny/llama"));
    return Promise.resolve();
  }));

Deno.test("barLine() says how far a download is", () => {
  assert.equal(
    barLine({ file: "model.safetensors", done: 1.2e9, total: 4.8e9 }, 80.1e6),
    "model.safetensors  [######                  ]  25 %  1.2 of 4.8 GB, 80.1 MB/s",
  );
  assert.match(barLine({ file: "empty", done: 0, total: 0 }, 0), /100 %/);
});
