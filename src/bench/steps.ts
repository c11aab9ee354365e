/**
 * Whole LoRA steps: forward, backward and update.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Lora } from "../adapters/lora.ts";
import type { Engine } from "../graph/compile.ts";
import type { NumberType } from "../graph/graph.ts";
import { writeFreshModel } from "../models/init.ts";
import { LossProgram } from "../models/loss_program.ts";
import { Model } from "../models/model.ts";
import { Optimizer } from "../train/optimizer.ts";
import { randomDocuments } from "./documents.ts";
import { withOwnStore } from "./fill.ts";
import type { Bench } from "./kernels.ts";
import { loraDecoder } from "./lora_decoder.ts";

const BASE = fileURLToPath(new URL("../../configs/quickstart/base/", import.meta.url));
const DOCUMENTS = 2;
const LENGTH = 256;
const RATE = 1e-3;
const SETTINGS = { decay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 1 };

/** All steps. */
export const stepBenches = (): Bench[] => [
  decoderStep("f32"),
  decoderStep("bf16"),
  { name: "LoRA step, quickstart", open: quickstartStep },
];

function decoderStep(type: NumberType): Bench {
  const name = `LoRA step, plain decoder, frozen ${type}`;
  return { name, open: async (engine) => (await loraDecoder(engine, name, type)).work };
}

/** A step of the quickstart's architecture with fresh weights, f32. */
async function quickstartStep(engine: Engine) {
  const own = withOwnStore(engine);
  const T = DOCUMENTS * LENGTH;
  const folder = Deno.makeTempDirSync();
  try {
    const checkpoint = join(folder, "model");
    writeFreshModel(BASE, checkpoint, 1);
    using model = new Model(checkpoint);
    const lora = Lora.fresh(model.linearModules(own), {
      rank: 8,
      alpha: 16,
      targets: "all-linear",
    });
    const { graph } = model.lossGraph(own, { T, adapt: lora.adapt, train: true });
    own.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    lora.load(own.store, 1);
    const program = await LossProgram.open(own, model, { T, adapt: lora.adapt, train: true });
    program.feed(randomDocuments(DOCUMENTS, LENGTH, model.config.vocabSize));
    const optimizer = await Optimizer.open(own, SETTINGS, 1);
    let t = 0;
    return {
      name: "LoRA step, quickstart",
      tokens: T,
      replay() {
        program.run();
        optimizer.step(RATE, ++t, () => {});
      },
    };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
