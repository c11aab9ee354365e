/**
 * Holds the cache against Python's huggingface_hub, both ways, and what is pushed against PEFT, on
 * the fake hub:
 *
 *     pip install huggingface_hub==2.4.0 peft==0.21.2 transformers==5.23.0 torch==2.15.0
 *     deno run -A test/io/hub/check_python.ts path/to/python
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadModel } from "../../../mod.ts";
import { loadTokenizer } from "../../../src/io/tokenizer/tokenizer.ts";
import { succeeds, withHub } from "../../cli/with_hub.ts";
import { writeJson } from "../../../src/io/files.ts";
import { REPO, World } from "./world.ts";

const FILES = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

/** Runs a line of Python with the world's cache and returns what it prints. */
async function python(world: World, code: string, env: Record<string, string> = {}) {
  const { success, stdout, stderr } = await new Deno.Command(Deno.args[0] ?? "python3", {
    args: ["-c", `from huggingface_hub import *\n${code}`],
    env: {
      HF_ENDPOINT: world.hub.endpoint,
      HF_HUB_CACHE: join(world.folder, "cache"),
      HF_HOME: world.folder,
      HF_HUB_DISABLE_TELEMETRY: "1",
      ...env,
    },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  assert.ok(success, text(stderr));
  return text(stdout);
}

const download = `for f in ${JSON.stringify(FILES)}: print(hf_hub_download("${REPO}", f))`;

{
  await using world = new World();
  const { folder } = await world.locate();
  world.hub.takeAsked();
  const found = await python(world, download, { HF_HUB_OFFLINE: "1" });
  assert.deepEqual(found.split("\n"), FILES.map((file) => join(folder, file)));
  assert.deepEqual(world.hub.takeAsked(), []);
  await python(world, download);
  const fetched = world.hub.takeAsked().filter((path) => /^GET .*resolve/.test(path));
  assert.deepEqual(fetched, [], "downloaded again");
  const lacks = `print(try_to_load_from_cache("${REPO}", "vocab.json") is _CACHED_NO_EXIST)`;
  const sentinel = "from huggingface_hub.file_download import _CACHED_NO_EXIST";
  assert.equal(await python(world, `${sentinel}\n${lacks}`), "True");
  assert.match(await python(world, "print(scan_cache_dir().repos)"), /tiny\/llama/);
  console.log("Python finds what was downloaded here");
}
{
  await using world = new World();
  await python(world, download);
  world.hub.takeAsked();
  const { folder } = await world.locate();
  const asked = world.hub.takeAsked();
  assert.deepEqual(asked, [`GET /api/models/${REPO}/revision/main`]);
  await world.locate(REPO, { offline: true });
  assert.deepEqual(world.hub.takeAsked(), []);
  assert.deepEqual(Deno.readFileSync(join(folder, "model.safetensors")), world.weights);
  console.log("what Python downloaded is found here");
}

await withHub(async (world, toy) => {
  writeJson(toy.path("run.json"), toy.values("run", { model: REPO, train: { steps: 4 } }));
  await succeeds("train", toy.path("run.json"));
  await succeeds("push", toy.path("run"), "me/mine");
  const text = "tom saw a red ball and an old cat.";
  using model = await loadModel(REPO, { adapter: "me/mine" });
  using base = await loadModel(REPO);
  const { nll } = await model.perplexity([text]);
  const { nll: baseNll } = await base.perplexity([text]);
  const { bos, encode } = loadTokenizer(world.model);
  const found = Number(
    await python(
      world,
      `import torch
from peft import AutoPeftModelForCausalLM
model = AutoPeftModelForCausalLM.from_pretrained("me/mine")
ids = torch.tensor([${JSON.stringify([bos, ...encode(text)])}])
print(model(input_ids=ids, labels=ids).loss.item())
assert ModelCard.load("me/mine").data.base_model == "${REPO}"`,
    ),
  );
  assert.ok(Math.abs(found - nll) < 1e-5 && Math.abs(nll - baseNll) > 1e-3, `${found} ${nll}`);
  console.log(`PEFT opens what was pushed: ${found} nats a token, here ${nll}, base ${baseNll}`);
});
