/**
 * Whole LoRA steps: forward, backward and update.
 *
 * @module
 */
import { join } from "node:path";
import { Adapter } from "../adapters/adapter.ts";
import { remove } from "../io/folders.ts";
import type { Engine } from "../graph/compile.ts";
import type { NumberType } from "../graph/graph.ts";
import { writeFreshModel } from "../models/init.ts";
import { LossProgram } from "../models/loss_program.ts";
import { Model } from "../models/model.ts";
import { adamw } from "../ops/mod.ts";
import { Optimizer } from "../train/optimizer.ts";
import { BASE, growingStream, quickstartStream } from "./data.ts";
import { randomDocuments } from "./documents.ts";
import { withOwnStore } from "./fill.ts";
import type { Bench } from "./kernels.ts";
import { loraDecoder } from "./lora_decoder.ts";
import type { Work } from "./measure.ts";

const DOCUMENTS = 2;
const LENGTH = 256;
const T = DOCUMENTS * LENGTH;
const RATE = 1e-3;
const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 };

/** All steps. */
export const stepBenches = (): Bench[] => [
  decoderStep("f32"),
  decoderStep("bf16"),
  { name: "LoRA step, quickstart", open: quickstartStep },
  { name: "LoRA step, quickstart, each with other rows", open: fedStep },
  { name: "LoRA step, quickstart, rows encoded meanwhile", open: growingStep },
];

function decoderStep(type: NumberType): Bench {
  const name = `LoRA step, plain decoder, frozen ${type}`;
  return { name, open: async (engine) => (await loraDecoder(engine, name, type)).work };
}

/** A step of the quickstart's architecture with fresh weights, f32, always on the same rows. */
async function quickstartStep(engine: Engine): Promise<Work> {
  const { program, step, vocabSize } = await openQuickstart(engine);
  program.feed(randomDocuments(DOCUMENTS, LENGTH, vocabSize));
  return { name: "LoRA step, quickstart", tokens: T, replay: step };
}

/** The same, on rows that are packed and written while the device works on those before. */
async function fedStep(engine: Engine): Promise<Work> {
  const { program, step } = await openQuickstart(engine);
  const stream = await quickstartStream(T);
  const taken = new Taken();
  let micro = 0;
  return {
    name: "LoRA step, quickstart, each with other rows",
    tokens: T,
    async replay() {
      const begin = performance.now();
      program.feed(await stream.micro(micro++));
      taken.add(performance.now() - begin);
      step();
    },
    note: () => Promise.resolve(taken.describe()),
  };
}

/** The same, on rows that workers encode while the device works. */
async function growingStep(engine: Engine): Promise<Work> {
  const { program, step } = await openQuickstart(engine);
  const { stream, rows } = await growingStream(T);
  const taken = new Taken();
  await stream.micro(0); // what a run waits for before its first step
  let micro = 0;
  return {
    name: "LoRA step, quickstart, rows encoded meanwhile",
    tokens: T,
    async replay() {
      const begin = performance.now();
      program.feed(await stream.micro(micro++));
      taken.add(performance.now() - begin);
      step();
    },
    note: () =>
      Promise.resolve(`${taken.describe()}; ${rows.encoded} of ${rows.length} rows were encoded`),
    close: async () => await rows[Symbol.asyncDispose](),
  };
}

/** Milliseconds that steps spend on their rows. */
class Taken {
  #ms = 0;
  #times = 0;
  #longest = 0;

  add(ms: number): void {
    this.#ms += ms;
    this.#times++;
    this.#longest = Math.max(this.#longest, ms);
  }

  describe(): string {
    const mean = (this.#ms / this.#times).toFixed(3);
    return `${mean} ms of it to get the rows, at most ${this.#longest.toFixed(3)}`;
  }
}

async function openQuickstart(engine: Engine) {
  const own = withOwnStore(engine);
  const folder = Deno.makeTempDirSync();
  try {
    const checkpoint = join(folder, "model");
    writeFreshModel(BASE, checkpoint, 1);
    using model = new Model(checkpoint);
    const adapter = Adapter.fresh(own, model, {
      rank: 8,
      alpha: 16,
      targets: "all-linear",
    });
    const { graph } = model.lossGraph(own, { T, adapt: adapter.adapt, train: true });
    own.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    adapter.load(own.store, 1);
    const program = await LossProgram.open(own, model, { T, adapt: adapter.adapt, train: true });
    const optimizer = await Optimizer.open(own, adamw(SETTINGS), 1);
    let t = 0;
    const step = () => {
      program.run();
      optimizer.step(RATE, ++t, () => {});
    };
    return { program, step, vocabSize: model.config.vocabSize };
  } finally {
    remove(folder);
  }
}
