import assert from "node:assert/strict";
import { main } from "../../src/cli/commands.ts";
import { exists, writeJson } from "../../src/io/files.ts";
import { Toy } from "../train/toy.ts";
import { capture } from "./capture.ts";

Deno.test("train leaves a run folder and says what came of it", async () => {
  using toy = new Toy();
  const config = toy.path("run.json");
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  const data = [{ path: toy.rows, format: "tokens" }];
  writeJson(config, toy.values("run", { guard, eval: { data }, train: { steps: 8 } }));
  const { code, stdout, stderr } = await capture(main, "train", config);
  assert.equal(code, 0, stderr);

  const lines = stdout.trimEnd().split("\n");
  const [loss, evalLoss, forgetting] = lines;
  const [, before, after] = loss!.match(/^loss {8}(\d\.\d{4}) -> (\d\.\d{4})$/)!;
  assert.ok(Number(after) < Number(before), loss);
  assert.match(evalLoss!, /^eval loss {3}\d\.\d{4}$/);
  assert.match(forgetting!, /^forgetting {2}[+-][\d.]+ % of ppl:5% \(at most .*, 16 documents\)$/);
  assert.ok(lines.some((line) => /^Certified: forgets at most/.test(line)));
  const saved = lines.indexOf(`saved       ${toy.path("run", "adapter")}`);
  assert.deepEqual(lines.slice(saved + 1), [
    ...["report.html", "metrics.jsonl"].map((file) => `${" ".repeat(12)}${toy.path("run", file)}`),
    `next        deno task generate ${toy.model} --adapter ${toy.path("run")} --prompt "..."`,
    `${" ".repeat(12)}deno task serve ${toy.model} --adapter tuned=${toy.path("run")}`,
    `${" ".repeat(12)}deno task merge ${toy.path("run")} --out ${toy.path("run-merged")}`,
  ]);

  assert.equal(Deno.readTextFileSync(toy.path("run", "log.txt")), stderr);
  assert.match(stderr, /^memory {6}[\d.]+ MiB \(weights /m);
  assert.match(stderr, /^model {7}.*: llama, 0\.02 M parameters$/m);
  assert.match(
    stderr,
    /^trains {6}lora of rank 4 on all-linear: \d+ numbers, [\d.]+ % of the model$/m,
  );
  assert.match(stderr, /^data {8}.*rows\.jsonl: 12 rows, \d+ tokens, \d+ of them learnt$/m);
  assert.match(stderr, /^device {6}/m);
  assert.equal(stderr.match(/^step +\d\/8 /gm)?.length, 8);
  const files = ["config.json", "metrics.jsonl", "forgetting_report.json", "report.html"];
  for (const file of [...files, "adapter/adapter_config.json"]) {
    assert.ok(exists(toy.path("run", file)), file);
  }
  assert.deepEqual(toy.metrics("run").map(({ step }) => step), [0, 1, 2, 3, 4, 5, 6, 7]);
  const resolved = JSON.parse(Deno.readTextFileSync(toy.path("run", "config.json")));
  assert.equal(resolved.train.lr, 0.01);
  assert.equal(resolved.$origin["train.lr"], "file");
  assert.equal(resolved.$origin["train.clip"], "default");
});

Deno.test("train --json prints one object on stdout", async () => {
  using toy = new Toy();
  const config = toy.path("run.json");
  writeJson(config, toy.values("run"));
  const args = ["train", config, "--json", "--train.steps", "2", "--train.log_every", "2"];
  const { code, stdout } = await capture(main, ...args);
  assert.equal(code, 0);
  const result = JSON.parse(stdout);
  assert.deepEqual([result.step, result.stopped], [2, false]);
  assert.equal(result.saved, toy.path("run", "adapter"));
  assert.deepEqual(toy.metrics("run").map(({ step }) => step), [0, 1], "every second and the last");
});

Deno.test("train --print-plan lists every dispatch and trains nothing", async () => {
  using toy = new Toy();
  const config = toy.path("run.json");
  writeJson(config, toy.values("run"));
  const { code, stdout } = await capture(main, "train", config, "--print-plan");
  assert.equal(code, 0);
  assert.match(stdout, /model\.layers\.1\.mlp\.down_proj\.lora_B\.weight/);
  assert.ok(stdout.split("\n").length > 50);
  assert.ok(!exists(toy.path("run")));
});
