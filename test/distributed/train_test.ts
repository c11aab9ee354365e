/** Runs whose updates are shared: ranks of one process, which leave what one rank leaves. */
import assert from "node:assert/strict";
import { Communicator, RankFault } from "../../src/distributed/communicator.ts";
import { inProcess } from "../../src/distributed/transport.ts";
import { ConfigError, GpuError } from "../../src/errors.ts";
import { exists } from "../../src/io/files.ts";
import { Toy, type ToySettings } from "../train/toy.ts";
import { assertSameBits, GUARD, SHARED, together, untimed } from "./together.ts";

Deno.test("2 and 4 ranks make the bits of one with as many partial sums", async () => {
  using toy = new Toy();
  await assertSameBits(toy, { train: SHARED }, [2, 4]);
  await toy.train("in one sum", { train: { ...SHARED, partial_sums: 1 } });
  assert.notDeepEqual(toy.adapter("in one sum"), toy.adapter("alone"));
  await toy.train("as ever", { train: { ...SHARED, partial_sums: undefined } });
  assert.deepEqual(toy.adapter("as ever"), toy.adapter("in one sum"));
});

Deno.test("and with a guard and a mixture, the certificate too", async () => {
  using toy = new Toy();
  toy.writeRows("more.jsonl", [31, 22, 17, 28].map((length) => ({ length })));
  const entry = (path: string, weight: number) => ({
    path: toy.path(path),
    format: "tokens",
    weight,
  });
  const settings = {
    train: SHARED,
    guard: { ...GUARD, text: [toy.text] },
    data: [entry("rows.jsonl", 1), entry("more.jsonl", 3)],
  };
  await assertSameBits(toy, settings, [2]);
  const report = (out: string) => {
    const { cost: _, ...rest } = JSON.parse(
      Deno.readTextFileSync(toy.path(out, "forgetting_report.json")),
    );
    return rest;
  };
  assert.deepEqual(report("of-2"), report("alone"));
});

Deno.test("a run of 4 ranks that was stopped goes on with 2", async () => {
  using toy = new Toy();
  const settings = { train: { ...SHARED, steps: 6 }, guard: { ...GUARD, text: [toy.text] } };
  await toy.train("alone", settings);
  // One rank alone is asked to stop; all end after the same update, which is the one after.
  let asked = 0;
  const all = inProcess(4).map((transport) => new Communicator(transport, 60));
  const first = await Promise.all(all.map((ranks) =>
    toy.train("stopped", settings, {
      ranks,
      stopWanted: () => ranks.rank === 2 && ++asked === 2,
    })
  ));
  assert.deepEqual(first.map(({ stopped, step }) => [stopped, step]), Array(4).fill([true, 3]));
  const rest = await together(toy, 2, () => settings, { out: "stopped", resume: true });
  for (const result of rest) assert.ok(!(result instanceof Error), String(result));
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("alone"));
  assert.deepEqual(untimed(toy.metrics("stopped")), untimed(toy.metrics("alone")));
});

Deno.test("only rank 0 writes, and tells who waited for whom", async () => {
  using toy = new Toy();
  const said: string[][] = [[], []];
  const all = inProcess(2).map((transport) => new Communicator(transport, 60));
  const results = await Promise.all(
    all.map((ranks) =>
      toy.train(`run-${ranks.rank}`, { train: { ...SHARED, partial_sums: undefined } }, {
        ranks,
        say: (line) => void said[ranks.rank]!.push(line),
      }).catch((fault) => fault)
    ),
  );
  assert.match(String(results[1]), /Ranks disagree: out is ".*run-0" in rank 0/);
  const good = await together(toy, 2, () => ({ train: SHARED }), { out: "run" });
  assert.equal(good[1] instanceof Error ? good[1] : good[1]!.saved, null);
  assert.ok(exists(toy.path("run", "metrics.jsonl")));
  for (const { waited, slowest_rank: slowest } of toy.metrics("run")) {
    assert.ok(waited! >= 0);
    assert.ok(slowest === 0 || slowest === 1);
  }
});

Deno.test("ranks that cannot train together all say why", async () => {
  using toy = new Toy();
  const faults = async (size: number, settings: (rank: number) => ToySettings) => {
    const results = await together(toy, size, settings, { out: "run" });
    assert.ok(!exists(toy.path("run")));
    return results.map((result) => result instanceof Error ? result : assert.fail());
  };
  const rates = await faults(2, (rank) => ({ train: { ...SHARED, lr: 0.01 + rank } }));
  for (const { message } of rates) {
    assert.equal(
      message,
      "Ranks disagree: train.lr is 0.01 in rank 0 and 1.01 in rank 1, wanted the same in all",
    );
  }
  toy.writeRows("other.jsonl", [{ length: 40 }, { length: 60 }]);
  const rows = await faults(2, (rank) => ({
    train: SHARED,
    data: [{ path: toy.path(rank === 0 ? "rows.jsonl" : "other.jsonl"), format: "tokens" }],
  }));
  for (const { message } of rows) assert.match(message, /^Ranks disagree: the hash of rows is /);
  const three = await faults(3, () => ({ train: SHARED }));
  assert.ok(three[0] instanceof ConfigError);
  assert.equal(
    three[0].message,
    "train.partial_sums: found 4 beside 3 ranks, wanted as many, or twice, four times, ... as many, " +
      "as ranks",
  );
  const many = await faults(8, () => ({ train: { ...SHARED, partial_sums: undefined } }));
  assert.match(
    many[0]!.message,
    /^Found 8 ranks, wanted at most 4, the micro-batches of an update/,
  );
});

Deno.test("a number that is not finite ends or turns back all ranks alike", async () => {
  using toy = new Toy();
  const settings = (retries: number) => ({
    train: { ...SHARED, lr: 1e20, retries },
    adapter: { alpha: 1e20 },
  });
  const [first, second] = await together(toy, 2, () => settings(0), { out: "run" });
  assert.ok(first instanceof GpuError || first instanceof RankFault, String(first));
  assert.ok(second instanceof GpuError || second instanceof RankFault, String(second));
  assert.match((first as Error).message, /is (NaN|Infinity)/);
  const again = await together(toy, 2, () => settings(2), { out: "again" });
  for (const fault of again) assert.match(String(fault), /after 2 times back with half the rate/);
});
