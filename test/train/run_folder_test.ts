import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, FileError } from "../../src/errors.ts";
import { exists, readJsonObject, writeJson } from "../../src/io/files.ts";
import { parseConfig, type ParsedConfig } from "../../src/config/mod.ts";
import { claimRunFolder, logListener, refuseOtherRun, runFiles } from "../../src/runs/folder.ts";
import type { StartEvent } from "../../src/runs/events.ts";
import { sized } from "../../src/train/sizes/choice.ts";
import { startPanel } from "../../src/runs/panel.ts";
import { snapshot } from "./toy.ts";

function withFolder(action: (folder: string) => void): void {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    action(join(parent, "run"));
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

/** A folder that holds a run which nobody is at. */
function claimAndLeave(folder: string, parsed: ParsedConfig): void {
  using claimed = claimRunFolder(folder, parsed);
  claimed.saveConfig();
}

const config = (flags: Record<string, string> = {}) =>
  parseConfig({ flags: { model: "base", data: "rows.jsonl", ...flags } });

Deno.test("refuseOtherRun() lets a new or empty folder pass, and makes none", () =>
  withFolder((folder) => {
    refuseOtherRun(folder, config(), false);
    assert.ok(!exists(folder));
    Deno.mkdirSync(folder);
    refuseOtherRun(folder, config(), false);
    Deno.writeTextFileSync(join(folder, ".config.json.01234567.tmp"), "of a run that was killed");
    refuseOtherRun(folder, config(), false);
  }));

Deno.test("refuseOtherRun() refuses what holds another run or other files, and changes nothing", () =>
  withFolder((folder) => {
    claimAndLeave(folder, config());
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
    claimAndLeave(folder, config());
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
    claimAndLeave(folder, config());
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
    claimAndLeave(folder, parsed);
    const start: StartEvent = {
      kind: "start",
      ...{ config: sized(parsed.config, 512, false), origin: parsed.origin },
      trains: "adapter",
      out: folder,
      steps: 2,
      done: 0,
      memory: {},
      facts: {
        model: { family: "llama", parameters: 1e6, context: 512 },
        trained: 1e4,
        epochs: null,
        hashes: { rows: "r", base: "b" },
        sources: [],
      },
      columns: [],
      device: { adapter: "none", software: true },
    };
    listener(start);
    listener({ kind: "log", line: "two" });
    listener({ kind: "fault", error: new Error("gone") });
    listener({ kind: "log", line: "three" });
    assert.equal(Deno.readTextFileSync(log), `one\n${startPanel(start).join("\n")}\ntwo\n`);
  }));

Deno.test("a run folder has one writer at a time, who is named, and none once it is let go of", () =>
  withFolder((folder) => {
    const first = claimRunFolder(folder, config());
    first.saveConfig();
    const named = new RegExp(`process ${Deno.pid} on ".*", since \\d{4}-.*, writes there$`);
    for (const resume of [true, false]) {
      assert.throws(() => refuseOtherRun(folder, config(), resume), named);
      assert.throws(() => claimRunFolder(folder, config(), { resume }), named);
    }
    first[Symbol.dispose]();
    assert.deepEqual(Object.keys(snapshot(folder)), [runFiles(folder).config]);
    using _second = claimRunFolder(folder, config(), { resume: true });
  }));

Deno.test("a lock that a killed process has left holds nobody off, and its half-written files go", () =>
  withFolder((folder) => {
    claimAndLeave(folder, config());
    const { config: saved, checkpoints } = runFiles(folder);
    Deno.mkdirSync(checkpoints);
    Deno.writeTextFileSync(join(folder, ".lock"), '{"pid":1,"host":"elsewhere"}');
    const left = [join(folder, ".adapter.0123abcd.tmp"), join(checkpoints, ".step-9.89abcdef.tmp")];
    Deno.mkdirSync(left[0]!);
    for (const path of [join(left[0]!, "a"), left[1]!, join(folder, ".mine.tmp")]) {
      Deno.writeTextFileSync(path, "half");
    }
    claimRunFolder(folder, config(), { resume: true })[Symbol.dispose]();
    assert.deepEqual(Object.keys(snapshot(folder)).sort(), [join(folder, ".mine.tmp"), saved]);
  }));

Deno.test("refuseOtherRun() lets model, data and text lie elsewhere where a checkpoint knows them", () =>
  withFolder((folder) => {
    claimAndLeave(folder, config());
    const moved = config({ model: "/elsewhere/base" });
    assert.throws(
      () => refuseOtherRun(folder, moved, true),
      /model is "\/elsewhere\/base", wanted/,
    );
    Deno.mkdirSync(runFiles(folder).checkpoints);
    Deno.writeTextFileSync(join(runFiles(folder).checkpoints, "step-00000001.safetensors"), "");
    refuseOtherRun(folder, moved, true);
    using claimed = claimRunFolder(folder, moved, { resume: true });
    claimed.saveConfig();
    assert.equal(readJsonObject(runFiles(folder).config)["model"], moved.config.model);
    assert.throws(() => refuseOtherRun(folder, config({ "train.lr": "1" }), true), /writes there/);
  }));
