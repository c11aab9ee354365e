/** A run goes on with the same rows, base and text wherever they lie, and with no others. */
import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { Toy } from "./toy.ts";

const guardOf = (text: string) => ({ text: [text], every: 3, budget: "ppl:50%" });

/** A run that was stopped after four of six updates, with a checkpoint. */
async function stopped(toy: Toy, out: string) {
  let asked = 0;
  const settings = { guard: guardOf(toy.text) };
  await toy.train(out, settings, { stopWanted: () => ++asked === 4 });
  return settings;
}

function flipBit(path: string, at: number): void {
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length + at]! ^= 1;
  Deno.writeFileSync(path, bytes);
}

Deno.test("--resume compares contents of rows, base and text, not their paths", async () => {
  using toy = new Toy();
  await toy.train("whole", { guard: guardOf(toy.text) });
  const settings = await stopped(toy, "run");
  const refused = (what: string, other: object = settings) =>
    assert.rejects(
      toy.train("run", other, { resume: true }),
      (fault) => fault instanceof FileError && fault.message.startsWith(`Cannot resume: ${what}`),
    );

  const weights = `${toy.model}/model.safetensors`;
  flipBit(weights, -2);
  await refused(`the base model in ${toy.model} holds other files than when the run began`);
  flipBit(weights, -2);

  const text = Deno.readTextFileSync(toy.text);
  Deno.writeTextFileSync(toy.text, text.replaceAll("saw", "was"));
  await refused("the retention text is another than when the run began");
  Deno.writeTextFileSync(toy.text, text);

  const rows = Deno.readTextFileSync(toy.rows);
  Deno.writeTextFileSync(toy.rows, rows.split("\n").reverse().join("\n"));
  await refused(`${toy.rows} holds other rows than when the run began`);

  const elsewhere = { rows: toy.path("rows2.jsonl"), text: toy.path("text2.txt") };
  Deno.writeTextFileSync(elsewhere.rows, rows);
  Deno.renameSync(toy.text, elsewhere.text);
  Deno.renameSync(toy.model, toy.path("model2"));
  const metrics = Deno.openSync(toy.path("run", "metrics.jsonl"), { append: true });
  metrics.writeSync(Uint8Array.of(0xff, 0x7b, 0x22)); // what a killed run may leave
  metrics.close();
  const moved = {
    model: toy.path("model2"),
    data: [{ path: elsewhere.rows, format: "tokens" }],
    guard: guardOf(elsewhere.text),
  };
  await toy.train("run", moved, { resume: true });
  assert.deepEqual(toy.adapter("run"), toy.adapter("whole"));
  assert.deepEqual(toy.metrics("run").map(({ step }) => step), [0, 1, 2, 3, 4, 5]);
});
