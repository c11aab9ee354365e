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
