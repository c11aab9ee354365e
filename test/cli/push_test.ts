import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/commands.ts";
import { REPORT_VERSION } from "../../src/forgetting/report/format.ts";
import { writeJson } from "../../src/io/files.ts";
import { namesIn } from "../io/helpers.ts";
import { REPO, type World } from "../io/hub/world.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import type { Toy } from "../train/toy.ts";
import { capture, withEnv } from "./capture.ts";
import { succeeds, TOKEN, withHub } from "./with_hub.ts";

const MINE = "me/mine";

/** Trains a run on the hub's model and returns its folder. */
async function trainRun(toy: Toy): Promise<string> {
  const settings = { model: REPO, train: { steps: 4, checkpoint_every: 2 } };
  writeJson(toy.path("run.json"), toy.values("run", settings));
  await succeeds("train", toy.path("run.json"));
  return toy.path("run");
}

/** Leaves in a run's folder what a card takes of the guard's report. */
function report(run: string, strength: number): void {
  writeJson(join(run, "forgetting_report.json"), {
    version: REPORT_VERSION,
    statement: "Certified: forgets at most +1.2 %.",
    not_covered: "Only the mean is bounded.",
    chosen: { step: 4, strength },
    domains: [{ name: "all", base_perplexity: 1.5364, tuned_perplexity: 1.5501 }],
    retention_text: ["/home/me/text.txt"],
  });
}

/** The files of a repository on the hub, as text. */
function pushed(world: World, repo = MINE): Record<string, string> {
  const found = world.hub.repos.get(repo);
  const files = found?.commits.get(found.commitOf("main") ?? "") ?? new Map<string, Uint8Array>();
  const decoder = new TextDecoder("latin1");
  return Object.fromEntries([...files].map(([name, bytes]) => [name, decoder.decode(bytes)]));
}

Deno.test("push uploads an adapter with a card of the run's own figures, and nothing else", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    writeJson(join(run, "adapter/secret.json"), { of: "mine" });
    report(run, 0.8);
    world.hub.asked.length = 0;
    const { stdout, stderr } = await succeeds("push", run, MINE);
    assert.match(stdout, new RegExp(`^${world.hub.endpoint}/${MINE}/commit/[0-9a-f]{40}\n$`));
    assert.match(stderr, /uploaded adapter_model\.safetensors/);

    const files = pushed(world);
    const names = ["README.md", "adapter_config.json", "adapter_model.safetensors"];
    assert.deepEqual(Object.keys(files).sort(), names);
    const weights = Deno.readFileSync(join(run, "adapter/adapter_model.safetensors"));
    assert.equal(files["adapter_model.safetensors"], new TextDecoder("latin1").decode(weights));
    for (const text of Object.values(files)) {
      assert.ok(
        !text.includes(toy.folder) && !text.includes(world.folder),
        "a path of this machine",
      );
      assert.ok(!text.includes(TOKEN));
    }
    const stored = world.hub.asked.filter(({ origin }) => origin === "storage");
    assert.deepEqual(stored.map(({ method, token }) => [method, token]), [["PUT", null]]);

    const card = files["README.md"]!;
    const [, front = "", body = ""] = /^---\n(.+?)\n---\n(.+)$/s.exec(card)!;
    assert.deepEqual(front.split("\n").slice(0, 4), [
      `base_model: "${REPO}"`,
      "base_model_relation: adapter",
      "library_name: peft",
      "pipeline_tag: text-generation",
    ]);
    const metrics = toy.metrics("run");
    const loss = `${metrics[0]!.loss.toFixed(4)} -> ${metrics[3]!.loss.toFixed(4)}`;
    assert.ok(body.includes(`| loss | ${loss} |`), body);
    assert.ok(body.includes("| perplexity on held-back text (all) | 1.536 -> 1.550 |"), body);
    assert.ok(body.includes("\n\nCertified: forgets at most +1.2 %.\n\nOnly the mean"), body);
    assert.ok(body.includes("- `rows.jsonl` (format tokens)"), body);
    assert.ok(!body.includes("/home/me"));
    assert.ok(body.includes(`revision="${world.commit}"`));
    assert.ok(body.includes(`deno task generate ${REPO}@${world.commit} --adapter ${MINE}`));
  }));

Deno.test("push uploads a file in parts where the hub asks for them", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    world.hub.partBytes = 7001;
    await succeeds("push", run, MINE);
    const weights = Deno.readFileSync(join(run, "adapter/adapter_model.safetensors"));
    assert.equal(world.hub.parts.size, Math.ceil(weights.length / 7001));
    const decoded = new TextDecoder("latin1").decode(weights);
    assert.equal(pushed(world)["adapter_model.safetensors"], decoded);
  }));

Deno.test("what was pushed is generated with by the card's own line", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    await succeeds("push", run, MINE);
    const line = /deno task (generate \S+ --adapter \S+)/.exec(pushed(world)["README.md"]!)![1]!;
    const ask = ["--prompt", "a", "--max-tokens", "3"];
    const hub = await succeeds(...line.split(" "), ...ask);
    const local = await succeeds("generate", REPO, "--adapter", run, ...ask);
    assert.equal(hub.stdout, local.stdout);
  }));

Deno.test("push refuses an adapter that the guard left without strength, not what was trained", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    writeJson(join(run, "forgetting_report.json"), { version: REPORT_VERSION - 1 });
    const old = await capture(main, "push", run, MINE);
    assert.match(old.stderr, /forgetting_report\.json: found version 2, wanted 3$/m);
    report(run, 0);
    const { code, stderr } = await capture(main, "push", run, MINE);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /certified only the base, so .+ changes nothing, what .+ is in .+\/uncertified$/m,
    );
    Deno.renameSync(join(run, "adapter"), join(run, "uncertified"));
    await succeeds("push", join(run, "uncertified"), MINE);
    const card = pushed(world)["README.md"]!;
    assert.ok(card.includes("| updates | 4 |") && !card.includes("held-back"), card);
  }));

Deno.test("push --dry-run lists what would go and asks the hub nothing", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    world.hub.takeAsked();
    const { stdout } = await succeeds("push", run, MINE, "--dry-run");
    assert.match(stdout, /^ *\d+ bytes {2}adapter_config\.json\n *\d+ bytes {2}adapter_model/);
    assert.match(stdout, /\n---\nbase_model: "tiny\/llama"\n/);
    const json = JSON.parse((await succeeds("push", run, MINE, "--dry-run", "--json")).stdout);
    const names = ["adapter_config.json", "adapter_model.safetensors", "README.md"];
    assert.deepEqual(json.files.map(({ name }: { name: string }) => name), names);
    assert.deepEqual(world.hub.takeAsked(), []);
  }));

Deno.test("push uploads a merged model, its base and figures from the run", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    const merged = toy.path("merged");
    report(run, 0.8);
    await succeeds("merge", run, "--out", merged, "--dtype", "BF16");
    Deno.writeTextFileSync(join(merged, "rows.jsonl"), "data");
    await succeeds("push", merged, "me/merged", "--run", run);
    const files = pushed(world, "me/merged");
    const names = namesIn(merged).filter((name) => name !== "rows.jsonl");
    assert.deepEqual(Object.keys(files).sort(), ["README.md", ...names]);
    const { "README.md": card = "" } = files;
    assert.match(card, /base_model_relation: finetune\nlibrary_name: transformers\n/);
    assert.match(card, /\| updates \| 4 \|/);
    assert.match(card, /said of the adapter in F32 .* merged into BF16 weights, which were not/);
    assert.match(card, /deno task generate me\/merged --instruction/);
    await succeeds("generate", "me/merged", "--prompt", "a", "--max-tokens", "2");
  }));

Deno.test("push takes a card of the user's own, and commits again to what is there", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    await succeeds("push", run, MINE);
    Deno.writeTextFileSync(join(run, "adapter/README.md"), "# Mine");
    await succeeds("push", run, MINE);
    assert.equal(pushed(world)["README.md"], "# Mine");
    assert.equal(world.hub.repos.get(MINE)!.commits.size, 2);
  }));

Deno.test("push --private makes a private repository, and refuses one that is public", () =>
  withHub(async (world, toy) => {
    const run = await trainRun(toy);
    await succeeds("push", run, MINE, "--private");
    assert.equal(world.hub.repos.get(MINE)!.isPrivate, true);
    await succeeds("push", run, MINE, "--private");
    await succeeds("push", run, "me/public");
    const { commits } = world.hub.repos.get("me/public")!;
    const { code, stderr } = await capture(main, "push", run, "me/public", "--private");
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^error: Cannot push to me\/public: it is public already, wanted a private/,
    );
    assert.equal(commits.size, 1);
  }));

Deno.test("push refuses what cannot or should not go, before it uploads anything", () =>
  withHub(async (world, toy) => {
    const adapter = toy.path("adapter");
    writeTinyAdapter(adapter, toy.model);
    const named = ["--base-model", REPO];
    const refuses = async (args: string[], code: number, message: RegExp) => {
      const found = await capture(main, "push", ...args);
      assert.match(found.stderr, message);
      assert.equal(found.code, code);
    };
    await refuses(
      [adapter, MINE],
      2,
      /names the base ".+\/model", which is no name on the hub; give/,
    );
    await refuses([adapter, "mine", ...named], 2, /Found "mine", wanted the name of a repository/);
    await refuses([adapter, MINE, "--base-model", "x"], 2, /--base-model x, wanted the name/);
    await refuses([toy.path("nothing"), MINE, ...named], 1, /nothing\/config\.json: no such file/);
    await refuses(
      [adapter, MINE, ...named, "--run", toy.model],
      1,
      /model: it is no folder of a run$/m,
    );
    await refuses(
      [adapter, "others/mine", ...named],
      1,
      /forbids it to this token \(You don't have/,
    );
    await withEnv(
      { HF_TOKEN: "", HF_HOME: toy.folder },
      () =>
        refuses(
          [adapter, MINE, ...named],
          2,
          /there is no token, set HF_TOKEN to one that may write/,
        ),
    );
    await withEnv(
      { HF_HUB_OFFLINE: "1" },
      () => refuses([adapter, MINE, ...named], 2, /HF_HUB_OFFLINE is set/),
    );
    Deno.removeSync(join(adapter, "adapter_model.safetensors"));
    Deno.writeTextFileSync(toy.path("key"), "private key");
    Deno.symlinkSync(toy.path("key"), join(adapter, "adapter_model.safetensors"));
    await refuses([adapter, MINE, ...named], 1, /^error: Cannot read .+adapter_model\.safetensors/);
    assert.equal(world.hub.repos.get(MINE), undefined);
    await refuses([toy.model, MINE], 2, /names no base; give --base-model OWNER\/NAME/);
  }));
