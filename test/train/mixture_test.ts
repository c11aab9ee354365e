/** A run over a mixture says what shares its epochs had, and goes on in the middle of one. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";
import { Toy } from "./toy.ts";

Deno.test("a run mixes by the sizes of its sources, says so each epoch, and resumes within", async () => {
  using toy = new Toy();
  const rows = (count: number) => Array.from({ length: count }, (_, i) => ({ length: 12 + i % 9 }));
  const data = [["few.jsonl", 6], ["many.jsonl", 60]].map(([name, count]) => ({
    path: toy.writeRows(name as string, rows(count as number)),
    format: "tokens",
  }));
  const settings = {
    data,
    mixture: { maximum: 12, temperature: 1 },
    train: { steps: 14, checkpoint_every: 0 },
  };
  const lines: string[] = [];
  await toy.train("whole", settings, { say: (line) => lines.push(line) });
  const epochs = lines.filter((line) => line.startsWith("epoch "));
  assert.ok(epochs.length >= 1, lines.join("\n"));
  for (const [i, line] of epochs.entries()) {
    const [, epoch, few, many] =
      /^epoch (\d+): of \d+ supervised tokens ([\d.]+) % .*few\.jsonl, ([\d.]+) % .*many\.jsonl$/
        .exec(line)!;
    assert.equal(Number(epoch), i + 1);
    assert.ok(Math.abs(Number(few) - 100 / 3) < 1.5, line);
    assert.ok(Math.abs(Number(few) + Number(many) - 100) < 0.02, line);
  }
  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("whole"));
});

Deno.test("a mixture by size leaves no place for weights", () => {
  const values = { model: "m", data: [{ path: "a" }, { path: "b", weight: 2 }] };
  assert.throws(
    () => parseConfig({ values: { ...values, mixture: { maximum: 3000 } } }),
    /^ConfigError: data\.1\.weight: found 2 beside mixture, wanted only one of the two$/,
  );
  const { config } = parseConfig({
    values,
    flags: { "mixture.temperature": "2", "data.1.weight": "null" },
  });
  assert.deepEqual(config.mixture, { temperature: 2 });
});
