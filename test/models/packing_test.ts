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

/** How far two ways to the same losses are apart: root mean square and worst token, nats. */
function distance(found: readonly Float32Array[], wanted: readonly Float32Array[]) {
  assert.equal(found.length, wanted.length);
  let [squares, worst, tokens] = [0, 0, 0];
  for (const [d, losses] of found.entries()) {
    assert.ok(losses.length > 0 && losses.length === wanted[d]!.length);
    for (const [i, loss] of losses.entries()) {
      assert.ok(loss >= 0);
      const apart = Math.abs(loss - wanted[d]![i]!);
      squares += apart ** 2;
      worst = Math.max(worst, apart);
      tokens++;
    }
  }
  return { rms: Math.sqrt(squares / tokens), worst };
}

/** What the documents cost, each alone in a row of that many tokens. */
async function alone(kernels: KernelSet, model: Model, documents: readonly Example[], rows = T) {
  const losses = await openLosses(kernels, model, rows);
  const found = [];
  for (const document of documents) found.push(...await losses.of([document]));
  losses.close();
  return found;
}

for (const { name, ignore, model: folder, data } of CASES) {
  // A sum's order follows a document's place in its row, so losses differ by rounding, and by how
  // much depends on the processor. The two kernel sets also add the same document in two orders:
  // their distance is the rounding of this model on this processor.
  Deno.test({
    name: `packing: ${name}: a token costs the same packed and alone, but for rounding`,
    ignore,
    fn: async () => {
      using model = new Model(folder);
      const documents = await documentsOf(model, data);
      const register = await alone("register", model, documents);
      const shared = await alone("shared", model, documents);
      const rounding = distance(register, shared);
      assert.ok(rounding.rms < 5e-6, `rounding of ${rounding.rms} nats`);
      const assertNear = (found: Float32Array[], wanted: Float32Array[], what: string) => {
        const { rms, worst } = distance(found, wanted);
        const line = `${what}: ${rms.toExponential(1)} rms, ${worst.toExponential(1)} at most`;
        assert.ok(rms <= 2 * rounding.rms && worst <= 4 * rounding.worst, line);
      };
      for (const [kernels, wanted] of [["register", register], ["shared", shared]] as const) {
        const losses = await openLosses(kernels, model);
        const packed = await losses.of(documents);
        losses.close();
        assertNear(packed, wanted, `${kernels} kernels, alone in a row`);
        const shorter = await alone(kernels, model, documents, 208);
        assertNear(packed, shorter, `${kernels} kernels, alone in a shorter row`);
      }
    },
  });

  for (const kernels of ["register", "shared"] as const) {
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
