import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/study.ts";
import { ConfigError } from "../../src/errors.ts";
import { namesIn } from "../io/helpers.ts";

const refuses = (args: string[], wanted: RegExp) =>
  assert.rejects(run(args), (fault) => fault instanceof ConfigError && wanted.test(fault.message));

Deno.test("study refuses what it does not know, and flags that have no effect, in a sentence", async () => {
  await refuses(
    ["robustnes", "x", "--out", "y"],
    /the study robustnes, .*did you mean "robustness"/,
  );
  await refuses(["quality", "--out", "y"], /Found no spec/);
  await refuses(["quality", "x.json"], /Found no --out/);
  await refuses(["certificate", "--out", "y"], /--out, which the study certificate has no use for/);
  await refuses(["quality", "x", "--out", "y", "--tries", "3"], /--tries, which the study quality/);
  await refuses(["certificate", "x.json"], /certificate takes no spec/);
});

Deno.test("the committed specs are specs of their studies; a refused one leaves no folder", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const out = join(folder, "out");
    for (const name of ["zero-shot", "super-ni", "robustness"]) {
      const spec = `configs/studies/${name}.json`;
      await refuses([name, spec, "--out", out], /found \{files\}\/.* without --files/);
    }
    await refuses(
      ["quality", "configs/studies/forgetting.json", "--out", out],
      /forgetting\.json: /,
    );
    assert.deepEqual(namesIn(folder), []);
    assert.equal(
      await run(["sweep", "configs/studies/sweep.json", "--out", out, "--only", "none"]),
      0,
    );
    assert.deepEqual(namesIn(join(out, "cells")), []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
