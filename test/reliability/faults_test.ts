/**
 * Fault injection: each call that changes files fails in turn, in each way. What is there afterwards
 * is what was there before, or what was to come, or nothing; never a mixture that loads.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { FileError } from "../../src/errors.ts";
import { exportGgufLora } from "../../src/export/gguf_lora.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { exportMlx } from "../../src/export/mlx.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Store } from "../../src/graph/store.ts";
import { exists } from "../../src/io/files.ts";
import { lockFolder } from "../../src/io/lock.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
import { engine, noise } from "../harness.ts";
import { byteTokenizer } from "../export/tokenizers.ts";
import { writeTinyAdapter, writeTinyLlama } from "../models/tiny.ts";
import { snapshot, Toy, type ToySettings } from "../train/toy.ts";
import { type Call, type Fate, onDisk } from "./disk.ts";

const FATES = ["short", "ENOSPC", "EIO"] as const;
const LASTING = "and all after it";
/** Some of the calls by default; all of them with `deno task faults`. */
const isWhole = Deno.env.has("GRAFT_ALL_FAULTS");

/** Every so many calls, or all. */
const some = (step: number) => ({ step: isWhole ? 1 : step });

interface World {
  readonly folder: string;
  readonly work: () => unknown;
  /** Looks at what is there; `isLasting` where nothing could be written, or removed, after a fault. */
  readonly check: (isDone: boolean, isLasting: boolean) => unknown;
}

/** Runs `work` of a new world for each of its calls and fates. */
async function eachFault(
  make: (folder: string) => World | Promise<World>,
  { step = 1 } = {},
): Promise<void> {
  const calls = await once(make, () => "done");
  assert.ok(calls.length > 3, `${calls.length} calls`);
  for (let at = 0; at < calls.length; at += step) {
    const { name } = calls[at]!;
    for (const fate of FATES) {
      if (fate === "short" && name !== "write") continue;
      await once(make, (_, n) => n === at ? fate : "done", `${name} ${at}: ${fate}`);
    }
    await once(make, (_, n) => n >= at ? "EROFS" : "done", `${name} ${at} ${LASTING}: EROFS`);
  }
}

async function once(
  make: (folder: string) => World | Promise<World>,
  decide: (call: Call, n: number) => Fate,
  what = "no fault",
): Promise<Call[]> {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const { folder: at, work, check } = await make(folder);
    const calls: Call[] = [];
    const ended = await onDisk((call) => {
      if (!call.path.startsWith(at)) return "done";
      calls.push(call);
      return decide(call, calls.length - 1);
    }, work).then(() => null, (fault: Error) => fault);
    assert.ok(ended === null || ended instanceof FileError, `${what}: ${ended?.stack}`);
    if (what.endsWith("short") || what === "no fault") assert.equal(ended, null, what);
    if (ended) assert.ok(ended.message.includes(at), `${what}: ${ended.message}`);
    try {
      await check(ended === null, what.includes(LASTING));
    } catch (fault) {
      throw new Error(`${what}: ${(fault as Error).message}`, { cause: fault });
    }
    return calls;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** What `read` makes of what is there; null where it is refused by a sentence. */
function orRefused<T>(read: () => T): T | null {
  try {
    return read();
  } catch (fault) {
    assert.ok(fault instanceof FileError, String(fault));
    return null;
  }
}

async function storeOf(seed: number): Promise<Store> {
  const store = new Store((await engine()).device);
  store.addParams([new Graph().param("a", [24], "rows")]);
  for (const [j, flat] of (["params", "m", "v"] as const).entries()) {
    store.writeParam("a", noise(24, seed + j), flat);
  }
  return store;
}

Deno.test("a fault at any call of a checkpoint leaves it, or the one before, to go on from", () =>
  eachFault(async (folder) => {
    const steps = [6, 7, 8];
    for (const step of steps) await saveCheckpoint(await storeOf(step), folder, step);
    const [store, loaded] = [await storeOf(9), await storeOf(1)];
    return {
      folder,
      work: () => saveCheckpoint(store, folder, 9, { part: { kept: 9 } }),
      async check(isDone, isLasting) {
        const said: string[] = [];
        const { step } = loadCheckpoint(loaded, folder, { say: (line) => said.push(line) });
        assert.deepEqual(said, []);
        assert.ok(step === 9 || (step === 8 && !isDone), `step ${step}`);
        const wanted = await storeOf(step);
        for (const flat of ["params", "m", "v"] as const) {
          assert.deepEqual(await loaded.readParam("a", flat), await wanted.readParam("a", flat));
        }
        const left = Object.keys(snapshot(folder)).filter((path) => path.endsWith(".tmp"));
        assert.ok(left.length === 0 || isLasting, left.join(" "));
      },
    };
  }));

/** An adapter that is to be written over another, or over none. */
function adapterWorld(folder: string, before: number | null, after: number): World {
  const [model, at, other] = ["model", "adapter", "other"].map((name) => join(folder, name));
  writeTinyLlama(model!);
  writeTinyAdapter(other!, model!, after);
  const { modules, ...rest } = readPeft(other!);
  const wanted = {
    ...rest,
    modules: modules.map((one) => ({ ...one, a: one.a.map((x) => 2 * x) })),
  };
  if (before !== null) writeTinyAdapter(at!, model!, before);
  const old = before === null ? null : readPeft(at!);
  return {
    folder,
    work: () => writePeft(at!, wanted),
    check(isDone, isLasting) {
      const found = orRefused(() => readPeft(at!));
      const text = JSON.stringify(found?.modules.map(({ scale, a }) => [scale, a[0]]));
      const of = (adapter: typeof old) =>
        JSON.stringify(adapter?.modules.map(({ scale, a }) => [scale, a[0]]));
      const isNone = found === null && isLasting;
      assert.ok(text === of(wanted) || (!isDone && text === of(old)) || isNone, text);
      assert.ok(!exists(at!) || [...Deno.readDirSync(at!)].length <= 2);
    },
  };
}

Deno.test("a fault at any call of an adapter leaves the new one, the one before, or none", async () => {
  await eachFault((folder) => adapterWorld(folder, null, 6), some(4));
  await eachFault((folder) => adapterWorld(folder, 6, 12), some(2));
});

Deno.test("a fault at any call of a merge or an export leaves all of the file, or none", async () => {
  const makers: Record<string, (folder: string, model: string, adapter: string) => void> = {
    merged: (out, model, adapter) => mergeAdapter(model, adapter, out, { maxShardBytes: 40_000 }),
    "model.gguf": (out, model) => exportGguf(model, out, { type: "F32" }),
    "lora.gguf": (out, model, adapter) => exportGgufLora(model, readPeft(adapter), out),
    mlx: (out, _, adapter) => exportMlx(readPeft(adapter), out),
  };
  for (const [name, make] of Object.entries(makers)) {
    let whole = "";
    await eachFault((folder) => {
      const [model, adapter, out] = ["model", "adapter", name].map((name) => join(folder, name));
      writeTinyLlama(model!, { vocab: 96 });
      Deno.writeTextFileSync(join(model!, "tokenizer.json"), JSON.stringify(byteTokenizer()));
      writeTinyAdapter(adapter!, model!);
      const state = () => {
        const files = exists(out!) && Deno.statSync(out!).isFile
          ? { [out!]: Deno.readFileSync(out!).toHex() }
          : snapshot(out!);
        return JSON.stringify(
          Object.entries(files).sort().map(([path, bytes]) => [
            path.slice(folder.length),
            bytes.replaceAll(new TextEncoder().encode(folder).toHex(), ""),
          ]),
        );
      };
      return {
        folder,
        work: () => make(out!, model!, adapter!),
        check(isDone) {
          const found = state();
          if (whole === "") whole = found; // of the run without a fault
          assert.ok(found === whole || (!isDone && found === "[]"), `${name}: ${found.length}`);
        },
      };
    }, some(5));
  }
});

Deno.test("a lock that cannot be written is let go of", async () => {
  using toy = new Toy();
  for (const call of ["truncate", "write"]) {
    const locking = onDisk(({ name }) => name === call ? "ENOSPC" : "done", () => {
      return lockFolder(toy.folder);
    });
    await assert.rejects(locking, /^FileError: Cannot lock .*: no space left on device$/);
    lockFolder(toy.folder)[Symbol.dispose]();
  }
});

const settings: ToySettings = {
  guard: false,
  train: { steps: 5, checkpoint_every: 2 },
};

Deno.test("a fault at any call of a run leaves what --resume ends in the same bytes", async () => {
  using whole = new Toy();
  await whole.train("run", settings);
  const wanted = whole.adapter("run");
  await eachFault(() => {
    const toy = new Toy();
    const train = (resume: boolean) => toy.train("run", settings, { resume });
    return {
      folder: toy.path("run"),
      work: () => train(false),
      async check(isDone) {
        using _ = toy;
        const saved = exists(toy.path("run", "adapter"));
        if (isDone || saved) assert.deepEqual(toy.adapter("run"), wanted);
        await train(exists(toy.path("run", "config.json")));
        assert.deepEqual(toy.adapter("run"), wanted);
      },
    };
  }, some(29));
});
