import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, FileError } from "../../src/errors.ts";
import { exists } from "../../src/io/files.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { claimRunFolder, refuseOtherRun, runFiles, RunLog } from "../../src/train/run_folder.ts";
import { snapshot } from "./toy.ts";

function withFolder(action: (folder: string) => void): void {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    action(join(parent, "run"));
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

const config = (flags: Record<string, string> = {}) =>
  parseConfig({ flags: { model: "base", data: "rows.jsonl", ...flags } });

Deno.test("refuseOtherRun() lets a new or empty folder pass, and makes none", () =>
  withFolder((folder) => {
    refuseOtherRun(folder, config(), false);
    assert.ok(!exists(folder));
    Deno.mkdirSync(folder);
    refuseOtherRun(folder, config(), false);
  }));

Deno.test("refuseOtherRun() refuses what holds another run or other files, and changes nothing", () =>
  withFolder((folder) => {
    claimRunFolder(folder, config());
    const before = snapshot(folder);
    assert.throws(
      () => refuseOtherRun(folder, config(), false),
      new FileError(
        `${folder} holds another run; add --resume to go on with it, or choose another --out`,
      ),
    );
    assert.deepEqual(snapshot(folder), before);
    Deno.removeSync(runFiles(folder).config);
    Deno.writeTextFileSync(join(folder, "thesis.txt"), "years of work");
    assert.throws(
      () => refuseOtherRun(folder, config(), false),
      new FileError(
        `Cannot write ${folder}: found "thesis.txt" in it, wanted a new or empty folder`,
      ),
    );
  }));

Deno.test("refuseOtherRun() resumes the same run only", () =>
  withFolder((folder) => {
    assert.throws(
      () => refuseOtherRun(folder, config(), true),
      new FileError(`${folder} holds no run to resume`),
    );
    claimRunFolder(folder, config());
    refuseOtherRun(folder, config({ "train.lr": "2e-4" }), true);
    assert.throws(
      () => refuseOtherRun(folder, config({ "train.lr": "0.5", "train.steps": "3" }), true),
      new ConfigError(
        `Cannot resume: train.lr is 0.5, wanted 0.0002 as in ${runFiles(folder).config}`,
      ),
    );
    assert.throws(
      () => refuseOtherRun(folder, config({ "adapter.from": "/a" }), true),
      /^ConfigError: Cannot resume: adapter\.from is "\/a", wanted unset as in /,
    );
  }));

Deno.test("RunLog keeps its lines until the folder is there", () =>
  withFolder((folder) => {
    const said: string[] = [];
    const log = new RunLog(runFiles(folder).log, (line) => said.push(line));
    log.tell("one");
    assert.ok(!exists(folder));
    claimRunFolder(folder, config());
    log.open();
    log.tell("two");
    assert.deepEqual(said, ["one", "two"]);
    assert.equal(Deno.readTextFileSync(runFiles(folder).log), "one\ntwo\n");
  }));
