import assert from "node:assert/strict";
import { run } from "../../src/cli/bench.ts";
import { capture } from "./capture.ts";

interface Report {
  adapter: string;
  rounds: number;
  results: Record<string, number | string>[];
}

async function bench(...args: string[]): Promise<Report> {
  const { code, stdout } = await capture(run, ...args, "--rounds", "1", "--json");
  assert.equal(code, 0);
  return JSON.parse(stdout);
}

Deno.test("bench times the kernels that are asked for", async () => {
  const { adapter, rounds, results } = await bench("--only", "matmul_nt f32 512x8x256");
  assert.ok(adapter.length > 0);
  assert.equal(rounds, 1);
  assert.equal(results.length, 1);
  const [{ name, ms, cpu_ms, gflops }] = results as [Record<string, number>];
  assert.equal(name, "matmul_nt f32 512x8x256");
  assert.ok(cpu_ms! > 0);
  assert.ok(Math.abs(gflops! * ms! * 1e6 / (2 * 512 * 8 * 256) - 1) < 1e-9);
});

Deno.test("bench trains while it times a step", async () => {
  const { results: [step] } = await bench("--only", "plain decoder, frozen bf16");
  const [, loss, steps] = /^loss ([\d.]+) after (\d+) steps$/.exec(step!["note"] as string)!;
  assert.ok(Number(steps) >= 4);
  assert.ok(Number(loss) < Math.log(2048), `the loss is ${loss}`);
});

Deno.test("bench compares with what it printed earlier, of the same machine alone", async () => {
  const file = Deno.makeTempFileSync({ prefix: "graft_test_", suffix: ".json" });
  const save = (report: object) => Deno.writeTextFileSync(file, JSON.stringify(report));
  const only = ["--only", "f32 512x8x"]; // two products
  const earlier = await bench(...only);
  const [first] = earlier.results as [Record<string, number>];
  const results = [{ ...first, ms: 8 * first.ms!, cpu_ms: 4 * first.cpu_ms! }]; // the others are new
  save({ ...earlier, results });
  const now = await bench(...only, "--against", file);
  assert.equal(now.results.length, earlier.results.length);
  for (const [i, { name, ms, cpu_ms, against }] of now.results.entries()) {
    if (i > 0) assert.equal(against, null, `${name} was not measured earlier`);
    else {
      const wanted = { ms: 8 * first.ms!, cpu_ms: 4 * first.cpu_ms! };
      const times = {
        faster: wanted.ms / Number(ms),
        faster_per_cpu: wanted.cpu_ms / Number(cpu_ms),
      };
      assert.deepEqual(against as unknown, { ...wanted, ...times });
    }
  }
  const { stdout } = await capture(run, ...only, "--rounds", "1", "--against", file);
  const [headings, row, ...others] = stdout.trimEnd().split("\n");
  assert.match(headings!, /tokens\/s +ms then +times +CPU then +times$/);
  assert.match(
    row!,
    new RegExp(`${(8 * first.ms!).toFixed(3)} +[\\d.]+ +${(4 * first.cpu_ms!).toFixed(3)} `),
  );
  assert.equal(others.length, now.results.length - 1);

  const refused = async (wanted: RegExp) =>
    await assert.rejects(capture(run, ...only, "--against", file), { message: wanted });
  save({ ...earlier, processor: "another" });
  await refused(
    /^Cannot compare with .*: found measurements of processor "another", wanted ".*" as here$/,
  );
  save({ ...earlier, adapter: undefined });
  await refused(/: found measurements of adapter null, wanted /);
  save({ ...earlier, results: [{ name: "linear", ms: 0, cpu_ms: 1 }] });
  await refused(/^Cannot read .*: wanted what deno task bench --json printed$/);
  save({ profile: [] });
  await refused(/^Cannot read /);
  await assert.rejects(capture(run, "--profile", "--against", file), /--against compares/);
  Deno.removeSync(file);
});

Deno.test("bench names what it does not know", async () => {
  await assert.rejects(capture(run, "--only", "conv2d"), /Found no benchmark named conv2d/);
});

Deno.test("bench times the way of data, and says what a step spends on its rows", async () => {
  const { results: [encoding, packing] } = await bench("--only", "data,");
  for (
    const { tokens_per_second: speed } of [encoding!, packing!] as { tokens_per_second: number }[]
  ) {
    assert.ok(speed > 0);
  }
  const { results: [step] } = await bench("--only", "each with other rows");
  assert.match(
    step!["note"] as string,
    /^\d+\.\d{3} ms of it to get the rows, at most \d+\.\d{3}$/,
  );
  const { results: [growing] } = await bench("--only", "rows encoded meanwhile");
  const [, encoded, rows] = /at most \d+\.\d{3}; (\d+) of (\d+) rows were encoded$/.exec(
    growing!["note"] as string,
  )!;
  assert.ok(0 < Number(encoded) && Number(encoded) <= Number(rows));
});
