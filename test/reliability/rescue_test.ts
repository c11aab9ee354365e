/** Folders that a run cannot write any more: full, read-only, gone. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../src/config/mod.ts";
import { FileError } from "../../src/errors.ts";
import { withPatience } from "../../src/io/patience.ts";
import { claimRunFolder } from "../../src/runs/folder.ts";
import { Rescue, type RescueOptions } from "../../src/runs/rescue.ts";
import { stoppable } from "../../src/stop.ts";
import { writeText } from "../../src/io/files.ts";
import { removeTemporary } from "../../src/io/folders.ts";
import { guarded } from "../forgetting/guarded_toy.ts";
import { Toy, type ToyOptions, type ToySettings } from "../train/toy.ts";
import { type Fate, onDisk } from "./disk.ts";

const settings: ToySettings = { guard: false, train: { steps: 8, checkpoint_every: 3 } };

/** A run from whose `after`-th update on its folder refuses. */
async function refused(toy: Toy, out: string, after: number, fate: Fate, options: ToyOptions) {
  let isFull = false;
  const said: string[] = [];
  const inside = (path: string) => path.startsWith(toy.path(out));
  const on: ToyOptions["on"] = (event) => {
    if (event.kind === "update" && event.metrics.step === after) isFull = true;
    if (event.kind === "log") said.push(event.line);
  };
  const decide = ({ path }: { path: string }) => isFull && inside(path) ? fate : "done";
  const ended = await onDisk(decide, () => toy.train(out, settings, { ...options, on }))
    .catch((fault: Error) => fault);
  return { ended, said };
}

for (const fate of ["ENOSPC", "EROFS", "EIO"] as const) {
  Deno.test(`a run whose folder meets ${fate} moves to --rescue, and ends in the same bytes`, async () => {
    using toy = new Toy();
    await toy.train("whole", settings);
    const rescue = toy.path("elsewhere");
    const { ended, said } = await refused(toy, "full", 4, fate, { rescue });
    assert.ok(!(ended instanceof Error), String(ended));
    assert.equal(ended.out, rescue);
    assert.equal(ended.saved, join(rescue, "adapter"));
    const moves = said.filter((line) => line.includes("goes on in"));
    assert.equal(moves.length, 1);
    assert.match(moves[0]!, /^Cannot write .*full.*: .*; resume it with --out /);
    assert.deepEqual(toy.adapter("elsewhere"), toy.adapter("whole"));
    assert.deepEqual(toy.metrics("elsewhere").map(({ step }) => step), [...Array(8).keys()]);
  });
}

Deno.test("a run that moved is resumed where it lies", async () => {
  using toy = new Toy();
  await toy.train("whole", settings);
  let asked = 0;
  const stop = {
    get aborted() {
      return ++asked === 7;
    },
  };
  const rescue = toy.path("elsewhere");
  const { ended } = await refused(toy, "full", 1, "ENOSPC", { rescue, stop });
  assert.ok(!(ended instanceof Error) && ended.stopped, String(ended));
  await toy.train("elsewhere", settings, { resume: true });
  assert.deepEqual(toy.adapter("elsewhere"), toy.adapter("whole"));
});

Deno.test("without --rescue a full disk is a fault that names the file; the checkpoint before stays", async () => {
  using toy = new Toy();
  await toy.train("whole", settings);
  const { ended } = await refused(toy, "full", 4, "ENOSPC", {});
  assert.ok(ended instanceof FileError);
  assert.match(
    ended.message,
    /^Cannot write .*(metrics\.jsonl|log\.txt).*: no space left on device$/,
  );
  await toy.train("full", settings, { resume: true });
  assert.deepEqual(toy.adapter("full"), toy.adapter("whole"));
});

Deno.test("what is said within a write is written where the run lies by then", async () => {
  using toy = new Toy();
  const { now } = performance;
  let time = 0;
  performance.now = () => time += 60_000; // so that each phase is told
  try {
    const { ended, said } = await refused(toy, "full", 4, "ENOSPC", {
      rescue: toy.path("elsewhere"),
    });
    assert.ok(!(ended instanceof Error), String(ended));
    assert.equal(said.filter((line) => /no space left/.test(line)).length, 1);
  } finally {
    performance.now = now;
  }
  const log = Deno.readTextFileSync(toy.path("elsewhere", "log.txt"));
  assert.match(log, /writing tensors/);
});

Deno.test("a rescue folder that is taken is refused before anything is trained", async () => {
  using toy = new Toy();
  await assert.rejects(toy.train("run", settings, { rescue: toy.model }), /wanted a new or empty/);
});

/** A run's folder that is held, its patience, and what that says. */
function held(toy: Toy, { out = "run", ...options }: Partial<RescueOptions> & { out?: string }) {
  const parsed = parseConfig({ values: toy.values(out, settings) });
  const claimed = claimRunFolder(toy.path(out), parsed);
  claimed.saveConfig();
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const rescue = new Rescue({ parsed, claimed, to: null, waits: true, say, ...options });
  const stack = new DisposableStack();
  stack.use(claimed);
  stack.use(rescue);
  return { said, path: toy.path(out, "x.txt"), rescue, [Symbol.dispose]: () => stack.dispose() };
}

Deno.test("a run that waits writes once there is room, and says both", async () => {
  using toy = new Toy();
  let room = 0;
  using run = held(toy, { pause: () => void room++ });
  const decide = ({ path }: { path: string }) =>
    room < 3 && path.startsWith(toy.path("run")) ? "ENOSPC" : "done";
  await onDisk(decide, () => withPatience(run.rescue, () => writeText(run.path, "kept")));
  assert.equal(Deno.readTextFileSync(run.path), "kept");
  assert.equal(run.said.length, 2);
  assert.match(run.said[0]!, /^Cannot write .*x\.txt: no space left on device; the run keeps /);
  assert.match(run.said[1]!, /can be written again/);
});

Deno.test("a run that waits ends with the fault where it is stopped", async () => {
  using toy = new Toy();
  const stop = { aborted: false };
  using run = held(toy, { pause: () => void (stop.aborted = true) });
  const write = () => withPatience(run.rescue, () => writeText(run.path, "kept"));
  await onDisk(() => "EIO", () => {
    assert.throws(() => stoppable(stop, write), /^FileError: Cannot write .*input\/output error$/);
  });
});

Deno.test("a folder that is gone is made again, unless the one that it was in is gone too", () => {
  using toy = new Toy();
  const [above, away] = [toy.path("above"), toy.path("away")];
  let waited = 0;
  using run = held(toy, {
    out: "above/run",
    pause() {
      if (++waited === 2) Deno.renameSync(away, above);
    },
  });
  Deno.removeSync(join(above, "run"), { recursive: true });
  withPatience(run.rescue, () => writeText(run.path, "kept"));
  assert.match(run.said[0]!, /made anew; what it held before is lost/);
  assert.deepEqual(namesIn(join(above, "run")), [".lock", "config.json", "x.txt"]);
  Deno.renameSync(above, away);
  withPatience(run.rescue, () => writeText(run.path, "kept too"));
  assert.equal(waited, 2);
  assert.equal(Deno.readTextFileSync(run.path), "kept too");
  assert.match(run.said[1]!, /: no such file or directory; the run keeps what it has in memory/);
});

const namesIn = (folder: string) => {
  removeTemporary(folder);
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
};

Deno.test("a guarded run whose folder vanishes ends with what it has measured since", async () => {
  using toy = new Toy();
  const said: string[] = [];
  const { forgetting } = await toy.train("run", guarded(toy), {
    waits: true,
    on: (event) => {
      if (event.kind === "log") said.push(event.line);
      if (event.kind !== "update" || event.metrics.step !== 14) return;
      Deno.removeSync(toy.path("run"), { recursive: true });
    },
  });
  assert.ok(said.some((line) => /made anew/.test(line)), said.join("\n"));
  assert.ok(said.some((line) => /moments are gone from the disk/.test(line)), said.join("\n"));
  assert.ok(forgetting);
  assert.ok(toy.adapter("run").length > 0);
});
