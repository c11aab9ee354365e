/** `report.html` as a passport, and the run that is started from it again. */
import assert from "node:assert/strict";
import { parse } from "parse5";
import { main } from "../../src/cli/commands.ts";
import { exists, writeJson } from "../../src/io/files.ts";
import { Toy } from "../train/toy.ts";
import { capture } from "../cli/capture.ts";

Deno.test("a run leaves its passport, with a guard or without, and is run again from it", async () => {
  using toy = new Toy();
  const config = toy.path("run.json");
  const data = [{ path: toy.rows, format: "tokens" }];
  const values = toy.values("first", {
    guard: false,
    eval: { data, samples: 1, sample_every: 2, sample_tokens: 4 },
    train: { steps: 4 },
  });
  writeJson(config, values);
  const { code, stderr } = await capture(main, "train", config);
  assert.equal(code, 0, stderr);
  const page = Deno.readTextFileSync(toy.path("first", "report.html"));
  const errors: string[] = [];
  parse(page, { onParseError: ({ code }) => errors.push(code) });
  assert.deepEqual(errors, []);
  const { hashes } = JSON.parse(
    JSON.stringify({ hashes: page.match(/<code>[0-9a-f]{64}<\/code>/g) }),
  );
  assert.equal(hashes.length, 2, "of rows and base");
  for (
    const said of [
      /What was learnt/,
      /<th scope="row">eval_loss<\/th>/,
      /What it wrote after \d updates/,
      /12<\/td><td>306<\/td><td>258<\/td><td>100 %/,
      /<meter min="0" max="\d+" value="\d+"/,
      /<th scope="row">train\.lr<\/th><td>0\.01<\/td><td>file/,
      /<th scope="row">Deno<\/th><td>\d/,
      /deno task runs rerun first/,
      /id="chart-loss"/,
    ]
  ) assert.match(page, said);
  assert.doesNotMatch(page, /https?:\/\/(?!www\.w3\.org|github\.com\/leeoniya)/, "loads nothing");

  const again = await capture(main, "runs", "rerun", toy.path("first"));
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(toy.adapter("first-again"), toy.adapter("first"));
  const taken = await capture(main, "runs", "rerun", toy.path("first"), "--out", toy.path("first"));
  assert.equal(taken.code, 2);

  Deno.removeSync(toy.path("first"), { recursive: true });
  const from = await capture(
    main,
    "runs",
    "rerun",
    "1",
    "--from",
    toy.folder,
    "--out",
    toy.path("third"),
  );
  assert.equal(from.code, 0, from.stderr);
  assert.deepEqual(toy.adapter("third"), toy.adapter("first-again"));
  assert.ok(exists(toy.path("third.config.json")));
});
