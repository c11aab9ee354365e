import assert from "node:assert/strict";
import { runFiles } from "../../src/runs/folder.ts";
import { stories, Toy } from "../train/toy.ts";

Deno.test("a guarded run leaves report.html, with its curves", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(48).join("\n<|endoftext|>\n"));
  const guard = { text: [toy.text], budget: "ppl:5%", every: 2 };
  await toy.train("run", { guard, train: { steps: 4, log_every: 1 } });
  const { forgetting, report } = runFiles(toy.path("run"));
  const page = Deno.readTextFileSync(report);
  const { statement } = JSON.parse(Deno.readTextFileSync(forgetting));
  assert.ok(page.includes(statement.slice(statement.indexOf(": "))));
  assert.match(page, /<h1>run<\/h1>/);
  assert.match(page, /"id":"chart-weight"/);
});
