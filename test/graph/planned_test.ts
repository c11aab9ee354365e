import assert from "node:assert/strict";
import { compile, targetOf } from "../../src/graph/compile.ts";
import { Planned, together } from "../../src/graph/planned.ts";
import { engine } from "../harness.ts";
import { buildNet, data, storeFor } from "./net.ts";

Deno.test("a plan says what the program takes, and is opened as often as wanted", async () => {
  const graph = buildNet();
  const own = storeFor(await engine(), graph);
  const { device } = own;
  const planned = Planned.of(graph, targetOf(device), (plan) => compile(own, graph, { plan }));
  const before = device.allocated;
  const programs = [await planned.open(), await planned.open()];
  const { inputs, temporary } = planned.footprint;
  const taken = device.allocated - before;
  const buffers = 2 * (planned.plan.slots.length + Object.keys(data()).length);
  assert.ok(taken >= 2 * (inputs + temporary), `${taken} bytes`);
  assert.ok(taken < 2 * (inputs + temporary) + 16 * buffers, `${taken} bytes`);
  for (const program of programs) program.destroy();
  assert.equal(device.allocated, before);
  own.store.destroy();
});

Deno.test("programs together take their weights once and all else each", async () => {
  const target = targetOf((await engine()).device);
  const opening = () => Promise.reject(new Error("not opened here"));
  const [all, upper] = [buildNet(), buildNet({ firstTrained: 1 })].map((graph) =>
    Planned.of(graph, target, opening)
  );
  const both = together([all!, upper!]);
  assert.equal(both.weights, all!.footprint.weights);
  assert.equal(both.params, all!.footprint.params);
  assert.ok(upper!.footprint.params < all!.footprint.params);
  for (const part of ["inputs", "temporary"] as const) {
    assert.equal(both[part], all!.footprint[part] + upper!.footprint[part]);
  }
});
