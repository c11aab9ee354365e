/**
 * What a run trains: an adapter on a frozen base, or every parameter of the model.
 *
 * @module
 */
import { join } from "node:path";
import { Lora } from "../adapters/lora.ts";
import { readPeft, writePeft } from "../adapters/peft.ts";
import type { Engine } from "../graph/compile.ts";
import type { Value } from "../graph/graph.ts";
import type { Store } from "../graph/store.ts";
import { writeCheckpoint } from "../io/checkpoint.ts";
import { configText } from "../io/config_text.ts";
import { type Dtype, fromFloat32, type TensorData } from "../io/safetensors.ts";
import type { LossGraphOptions, Model } from "../models/model.ts";
import { loadParam, storedParam } from "../models/weights.ts";
import type { AdapterConfig } from "./config/mod.ts";

/** How a run's params enter the graph, the store and the run folder. */
export interface Trained {
  /** For the loss graph. */
  readonly graph: Pick<LossGraphOptions, "adapt" | "full">;
  /** Fills the params in the store with what training starts from. */
  load(store: Store, params: readonly Value[]): void;
  /** Writes what was trained into the run folder. A sync point. */
  save(store: Store, runFolder: string): Promise<void>;
  /** The folder that {@link save} writes. */
  readonly folder: string;
}

/** A LoRA adapter, fresh or from a PEFT folder, saved as `adapter/`. */
export function trainAdapter(
  engine: Engine,
  model: Model,
  config: AdapterConfig,
  seed: number,
): Trained {
  const linear = model.linearModules(engine);
  const lora = config.from === undefined
    ? Lora.fresh(linear, config)
    : Lora.of(linear, readPeft(config.from));
  return {
    graph: { adapt: lora.adapt },
    load: (store) => lora.load(store, seed),
    save: async (store, runFolder) => {
      const adapter = await lora.read(store, model.folder);
      const fan_in_fan_out = model.family.stored?.transposed !== undefined;
      writePeft(join(runFolder, "adapter"), {
        ...adapter,
        config: { ...adapter.config, fan_in_fan_out },
      });
    },
    folder: "adapter",
  };
}

/** Every parameter of the model, saved as `model/` in `dtype`. */
export function trainFull(model: Model, dtype: Dtype): Trained {
  const { tensors } = model;
  let trained: readonly Value[] = [];
  return {
    graph: { full: true },
    load: (store, params) => {
      trained = params;
      for (const param of params) store.writeParam(param.name, loadParam(tensors, param));
    },
    save: async (store, runFolder) => {
      const saved: TensorData[] = [];
      for (const param of trained) {
        const { name, shape } = tensors.get(param.name);
        const numbers = storedParam(tensors, param, await store.readParam(param.name));
        saved.push({ name, shape, dtype, data: fromFloat32(numbers, dtype) });
      }
      writeCheckpoint(join(runFolder, "model"), {
        config: configText(model.folder, dtype),
        tensors: saved,
        copyFrom: model.folder,
      });
    },
    folder: "model",
  };
}
