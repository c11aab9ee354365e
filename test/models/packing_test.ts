/** Documents packed into one row do not see each other: on real models and real text. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  batch,
  type DataEntry,
  type Example,
  loadExamples,
  rowTokenizer,
} from "../../src/data/mod.ts";
import type { KernelSet } from "../../src/gpu/device.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import { Store } from "../../src/graph/store.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { engine } from "../harness.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";

const T = 512;
const BOUND = 1e-5;
const quickstart = (name: string) =>
  fileURLToPath(new URL(`../../configs/quickstart/${name}`, import.meta.url));

interface Case {
  readonly name: string;
  readonly ignore: boolean;
  readonly model: string;
  readonly data: readonly DataEntry[];
}

const CASES: Case[] = [
  {
    name: "the embedded base",
    ignore: false,
    model: quickstart("base"),
    data: [
      { path: quickstart("retention.jsonl"), format: "text" },
      { path: quickstart("instructions.jsonl"), template: "plain" },
    ],
  },
  {
    name: "stories260K",
    ignore: noSharedData,
    model: join(sharedData, "models/stories260K"),
    data: [
      { path: join(sharedData, "text/stories260K_samples.jsonl"), format: "text" },
      { path: join(sharedData, "instruct/instruction-data.json"), template: "plain" },
    ],
  },
];

/** Documents of different lengths that fill most of a row, a few from each source. */
async function documentsOf(model: Model, data: readonly DataEntry[]): Promise<Example[]> {
  const chosen: Example[] = [];
  let room = T;
  for (const [i, entry] of data.entries()) {
    const left = i === 0 ? T / 2 : 0;
    const { examples } = await loadExamples(entry, rowTokenizer(model), { maxTokens: 200 });
    for (const example of examples) {
      if (example.ids.length > room - left) continue;
      chosen.push(example);
      room -= example.ids.length;
    }
  }
  assert.ok(chosen.length >= 4 && room < T / 8, `${chosen.length} documents, ${room} free`);
  return chosen;
}

/** Another document of the same length and mask. */
function changed({ ids, labels, origin }: Example, vocab: number): Example {
  const other = ids.map((id, i) => i === 0 ? id : (id + 7 * i + 1) % vocab);
  return { ids: other, labels: labels.map((label, i) => label < 0 ? label : other[i]!), origin };
}

/** A loss of the model and what documents cost in one row, each token for itself. */
async function openLosses(kernels: KernelSet, model: Model, rows = T) {
  const { device, pipelines } = await engine(kernels);
  const store = new Store(device);
  const program = await LossProgram.open({ device, pipelines, store }, model, { T: rows });
  return {
    async of(examples: readonly Example[]): Promise<Float32Array[]> {
      const packed = batch(examples, rows);
      program.feed(packed);
      program.run();
      const losses = await readFloats(device, program.compiled.output("losses"));
      return packed.documents.map(({ rowBegin, rowEnd }) => losses.slice(rowBegin, rowEnd));
    },
    close() {
      program.compiled.destroy();
      store.destroy();
    },
  };
}

/** Each token's loss is the same within 1e-5 nats. */
function assertNear(found: readonly Float32Array[], wanted: readonly Float32Array[], what: string) {
  assert.equal(found.length, wanted.length);
  let worst = 0;
  for (const [d, losses] of found.entries()) {
    assert.ok(losses.length > 0 && losses.length === wanted[d]!.length);
    for (const [i, loss] of losses.entries()) {
      assert.ok(loss >= 0);
      worst = Math.max(worst, Math.abs(loss - wanted[d]![i]!));
    }
  }
  console.log(`${what}: tokens at most ${worst.toExponential(1)} apart`);
  assert.ok(worst <= BOUND);
}

for (const { name, ignore, model: folder, data } of CASES) {
  for (const kernels of ["register", "shared"] as const) {
    Deno.test({
      name: `packing: ${name}, ${kernels} kernels: a token costs the same packed and alone`,
      ignore,
      fn: async () => {
        using model = new Model(folder);
        const documents = await documentsOf(model, data);
        const losses = await openLosses(kernels, model);
        const packed = await losses.of(documents);
        const alone = [];
        for (const document of documents) alone.push(...await losses.of([document]));
        assertNear(packed, alone, "alone in a row");
        losses.close();

        const small = await openLosses(kernels, model, 208);
        const other = [];
        for (const document of documents) other.push(...await small.of([document]));
        assertNear(packed, other, "alone in a shorter row");
        small.close();
      },
    });

    Deno.test({
      name: `packing: ${name}, ${kernels} kernels: another document changes no bit of the others`,
      ignore,
      fn: async () => {
        using model = new Model(folder);
        const documents = await documentsOf(model, data);
        const losses = await openLosses(kernels, model);
        const before = await losses.of(documents);
        for (const [i, document] of documents.entries()) {
          const after = await losses.of(
            documents.with(i, changed(document, model.config.vocabSize)),
          );
          for (const [j, found] of after.entries()) {
            const isSame = bits(found) === bits(before[j]!);
            assert.equal(isSame, i !== j, `document ${j} after document ${i} was changed`);
          }
        }
        losses.close();
      },
    });
  }
}

const bits = (numbers: Float32Array) => new Uint8Array(numbers.buffer).toHex();
