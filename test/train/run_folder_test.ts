import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, FileError } from "../../src/errors.ts";
import { exists, readJsonObject, writeJson } from "../../src/io/files.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { claimRunFolder, logListener, refuseOtherRun, runFiles } from "../../src/runs/folder.ts";
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

Deno.test("refuseOtherRun() resumes a run that is older than a key, unless the key is set", () =>
  withFolder((folder) => {
    claimRunFolder(folder, config());
    const path = runFiles(folder).config;
    const { history: _, ...older } = readJsonObject(path);
    writeJson(path, older);
    refuseOtherRun(folder, config(), true);
    assert.throws(
      () => refuseOtherRun(folder, config({ history: "false" }), true),
      new ConfigError(`Cannot resume: history is false, wanted unset as in ${path}`),
    );
  }));

Deno.test("log.txt gets its lines once the folder is there, and none after the end", () =>
  withFolder((folder) => {
    const { log } = runFiles(folder);
    const listener = logListener(log);
    listener({ kind: "log", line: "one" });
    assert.ok(!exists(folder));
    const parsed = config();
    claimRunFolder(folder, parsed);
    listener({
      kind: "start",
      ...parsed,
      trains: "adapter",
      out: folder,
      steps: 2,
      done: 0,
      memory: {},
      columns: [],
      device: { adapter: "none", software: true },
    });
    listener({ kind: "log", line: "two" });
    listener({ kind: "fault", error: new Error("gone") });
    listener({ kind: "log", line: "three" });
    assert.equal(Deno.readTextFileSync(log), "one\ntwo\n");
  }));
