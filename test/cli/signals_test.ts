/** Signals end a command at the next safe point, whatever it is at; a second one ends it at once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { writeJson } from "../../src/io/files.ts";
import { stories, Toy, type ToySettings } from "../train/toy.ts";

const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly printed: string;
}

/** Runs a command, and sends a signal when what it has printed matches. */
async function interrupted(
  toy: Toy,
  args: readonly string[],
  { at, signal, again = false }: { at: RegExp; signal: Deno.Signal; again?: boolean },
): Promise<Ended> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...args],
    env: { XDG_CACHE_HOME: toy.path("cache"), HF_HOME: toy.path("hub"), NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let printed = "";
  let sent = 0;
  const follow = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, isResult: boolean) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      printed += text;
      if (sent === 0 && at.test(isResult ? `result ${text}` : printed)) {
        sent++;
        child.kill(signal);
      } else if (again && sent === 1 && /at the next safe point/.test(printed)) {
        sent++;
        child.kill(signal);
      }
    }
  };
  await Promise.all([follow(child.stdout, true), follow(child.stderr, false)]);
  return { ...await child.status, printed };
}

/** The config of a run of the toy, as a file. */
function configOf(toy: Toy, out: string, settings: ToySettings): string {
  const path = toy.path(`${out}.json`);
  writeJson(path, toy.values(out, settings));
  return path;
}

const isWindows = Deno.build.os === "windows";

Deno.test({ name: "a signal is heeded in every phase of a run", ignore: isWindows }, async (t) => {
  using toy = new Toy();
  const guard = { samples: 4000, budget: "ppl:5%" };
  Deno.writeTextFileSync(toy.path("much.txt"), stories(3000).join("\n<|endoftext|>\n"));
  // Reading and encoding rows are over too soon for a signal: test/train/stop_test.ts stops them.
  await t.step("the base writing text", async () => {
    const { code, printed } = await interrupted(
      toy,
      ["train", configOf(toy, "writing", { guard })],
      { at: /the base writes/, signal: "SIGTERM" },
    );
    assert.equal(code, 130, printed);
    assert.match(printed, /stopped before it began to train; it has left nothing/);
    assert.throws(() => Deno.statSync(toy.path("writing")), Deno.errors.NotFound);
  });

  await t.step("training, and it is gone on with by the command that was printed", async () => {
    const config = configOf(toy, "training", { train: { steps: 4000, log_every: 50 } });
    const { code, printed } = await interrupted(toy, ["train", config, "--train.lr", "0.02"], {
      at: /step /,
      signal: "SIGINT",
    });
    assert.equal(code, 130, printed);
    const [, next] = /stopped after \d+ updates; go on with: deno task (.*)/.exec(printed) ?? [];
    assert.equal(next, `train ${config} --train.lr 0.02 --resume`);
    const on = await interrupted(toy, next!.split(" "), {
      at: /resumed after \d+/,
      signal: "SIGTERM",
    });
    assert.equal(on.code, 130, on.printed);
  });

  await t.step("selecting", async () => {
    const guard = { text: [toy.path("much.txt")], every: 4, budget: "ppl:5%" };
    const config = configOf(toy, "selecting", { guard, train: { steps: 4 } });
    const { code, printed } = await interrupted(toy, ["train", config], {
      at: /selecting and certifying/,
      signal: "SIGTERM",
    });
    assert.equal(code, 130, printed);
    assert.match(printed, /stopped after 4 updates; go on with/);
    assert.deepEqual(
      [...Deno.readDirSync(toy.path("selecting"))].map(({ name }) => name).sort(),
      ["checkpoints", "config.json", "documents.json", "log.txt", "metrics.jsonl"],
    );
  });

  await t.step("twice, at once", async () => {
    const config = configOf(toy, "twice", { guard });
    const how = { at: /the base writes/, signal: "SIGINT", again: true } as const;
    const { code, signal, printed } = await interrupted(toy, ["train", config], how);
    assert.equal(signal, "SIGINT", printed);
    assert.equal(code, 130);
    assert.doesNotMatch(printed, /it has left nothing/);
  });
});

Deno.test({ name: "a signal ends a download", ignore: isWindows }, async () => {
  using toy = new Toy();
  const asked = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const silent = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async () => {
    asked.resolve();
    await over.promise; // silent until the child has gone
    return new Response();
  });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, "train", "--model", "me/mine", "--data", toy.rows],
    env: { HF_ENDPOINT: `http://127.0.0.1:${silent.addr.port}`, HF_HOME: toy.path("hub") },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  await asked.promise;
  child.kill("SIGINT");
  const { code, stderr } = await child.output();
  over.resolve();
  await silent.shutdown();
  assert.equal(code, 130, new TextDecoder().decode(stderr));
});

Deno.test({ name: "a signal ends generation with what there is", ignore: isWindows }, async () => {
  using toy = new Toy({ config: { max_position_embeddings: 4096, eos_token_id: null } });
  Deno.writeTextFileSync(join(toy.model, "generation_config.json"), "{}");
  const flags = ["--prompt", "the cat", "--max-tokens", "4000"];
  const { code, printed } = await interrupted(toy, ["generate", toy.model, ...flags], {
    at: /^result /,
    signal: "SIGTERM",
  });
  assert.equal(code, 130, printed);
});
