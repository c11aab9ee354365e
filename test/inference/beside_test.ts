/** Adapters of a base side by side: what each row comes to is what its adapter alone does. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { AdapterOptions } from "../../src/adapters/adapter.ts";
import { openGroups } from "../../src/inference/beside.ts";
import { BatchDecoder, type Sequence } from "../../src/inference/decoder.ts";
import { openModel } from "../../src/inference/open.ts";
import { engine } from "../harness.ts";
import { writeAdapter } from "../serve/served_tiny.ts";
import { SMOLLM2, withTinyChat } from "./tiny_chat.ts";

/** Of other ranks and modules each, so that owners and scales differ by module. */
const ADAPTERS: Readonly<Record<string, Partial<AdapterOptions>>> = {
  wide: { rank: 7, alpha: 32 },
  few: { rank: 4, alpha: 64, targets: ["q_proj", "down_proj"] },
  lengths: { method: "dora" },
  head: { targets: ["lm_head", "o_proj"] },
};

const sequence = (reader: string, from: number): Sequence => ({
  reader,
  ids: [5, from, 9, 40 + from, 7],
  cached: 0,
});

/** The scores after sequences of readers. */
async function scoresOf(decoder: BatchDecoder, readers: readonly string[]) {
  const active = new Map(readers.map((reader, slot) => [slot, sequence(reader, 3 + slot)]));
  const found = await decoder.step(active);
  assert.equal(found.length, readers.length);
  return new Map(found.map(({ slot, scores }) => [slot, scores.slice()]));
}

Deno.test("rows of several adapters in one replay have the bits that each has alone", () =>
  withTinyChat(SMOLLM2, async (model) => {
    const folders = new Map<string, string>();
    for (const [i, [name, options]] of Object.entries(ADAPTERS).entries()) {
      folders.set(name, join(model, "..", name));
      await writeAdapter(model, folders.get(name)!, 100 * (i + 1), options);
    }
    const { device } = await engine();
    const readers = ["wide", "base", "few", "wide"];
    const size = { context: 64, slots: readers.length };
    const alone = new Map<string, Map<number, Float32Array>>();
    for (const name of ["base", "wide", "few"]) {
      using open = openModel(device, model, folders.get(name));
      using decoder = await BatchDecoder.plan(open.engine, open.model, {
        ...size,
        adapt: open.adapt,
      })
        .open();
      alone.set(name, await scoresOf(decoder, readers));
    }
    using open = openModel(device, model);
    const groups = openGroups(open, folders);
    assert.deepEqual(groups.map(({ names, isPerRow }) => [names, isPerRow]), [
      [["lengths"], false],
      [["head"], false],
      [["wide", "few"], true],
    ]);
    const { engine: beside, adapt, names: adapters } = groups.at(-1)!;
    using decoder = await BatchDecoder.plan(beside, open.model, { ...size, adapt, adapters })
      .open();
    const mixed = await scoresOf(decoder, readers);
    for (const [slot, reader] of readers.entries()) {
      assert.deepEqual(mixed.get(slot), alone.get(reader)!.get(slot), reader);
    }
    assert.notDeepEqual(mixed.get(0), alone.get("base")!.get(0));
    for (const group of groups) group[Symbol.dispose]();
  }));
