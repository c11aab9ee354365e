/**
 * What a run trains: an adapter on a frozen base, or every parameter of the model.
 *
 * @module
 */
import { Adapter } from "../adapters/adapter.ts";
import { continued } from "../adapters/continued.ts";
import type { Measured } from "../adapters/init/init.ts";
import { isMeasured } from "../adapters/init/mod.ts";
import type { AdaptedModule } from "../adapters/methods/mod.ts";
import { type PeftAdapter, readPeft, writePeft } from "../adapters/peft/folder.ts";
import { atScaling } from "../adapters/scaling.ts";
import type { Engine } from "../graph/compile.ts";
import type { Value } from "../graph/graph.ts";
import type { Store } from "../graph/store.ts";
import { writeCheckpoint } from "../io/checkpoint.ts";
import { configText } from "../io/config_text.ts";
import { cachedName } from "../io/hub/mod.ts";
import { type Dtype, fromFloat32, type TensorData } from "../io/safetensors/safetensors.ts";
import { type LossGraphOptions, type Model, SCORE, SCORE_MODULE } from "../models/model.ts";
import { HEAD } from "../models/stored.ts";
import { loadParam, loadStored, storedParam } from "../models/weights.ts";
import type { AdapterConfig } from "../config/mod.ts";

/** How a run's params enter the graph, the store and the run folder. */
export interface Trainable {
  /** For the loss graph. */
  readonly graph: Pick<LossGraphOptions, "adapt" | "full" | "seed">;
  /** Fills the params in the store with what training starts from, measured where it was. */
  load(store: Store, params: readonly Value[], measured?: Measured): void;
  /** The modules of an adapter whose initial values are measured; absent where they are not. */
  readonly measures?: readonly AdaptedModule[];
  /** Writes what was trained, an adapter at that scaling (1 where absent). A sync point. */
  save(store: Store, folder: string, scaling?: number): Promise<void>;
  /** Reads an adapter back at a scaling; null of a whole model. A sync point. */
  read(store: Store, scaling: number): Promise<PeftAdapter | null>;
  /**
   * What a param is at scaling 0, as the store keeps it; undefined for one that may keep its
   * numbers.
   */
  base(param: string): Float32Array | undefined;
  /** What there is to know before it is trained, in words. */
  readonly notes: readonly string[];
  /** Its folder in the run folder. */
  readonly folder: string;
}

/**
 * An adapter, fresh or from a PEFT folder, saved as `adapter/`.
 *
 * @param how where `leavesHead`, a head of scores is trained beside it and neither read nor saved;
 * `ranks` by module stand in place of those of the config.
 */
export function trainAdapter(
  engine: Engine,
  model: Model,
  config: AdapterConfig,
  { seed, leavesHead = false, ranks }: {
    readonly seed: number;
    readonly leavesHead?: boolean;
    readonly ranks?: ReadonlyMap<string, number>;
  },
): Trainable {
  const whole = model.scores > 0 ? withScoreHead(config) : config;
  const options = { ...whole, ...(ranks && { ranks }) };
  const read = (folder: string) =>
    leavesHead ? withFreshHead(readPeft(folder), model) : readPeft(folder);
  const adapter = config.from === undefined
    ? Adapter.fresh(engine, model, options)
    : continued(engine, model, read(config.from), { ...options, from: config.from });
  const readBack = async (store: Store, scaling: number) => {
    const whole = nameBase(await adapter.read(store, model.folder));
    const saved = leavesHead ? withoutHead(whole) : whole;
    const fan_in_fan_out = model.family.stored?.transposed !== undefined;
    const task_type = leavesHead ? "CAUSAL_LM" : taskOf(model);
    const config = { task_type, ...saved.config, fan_in_fan_out };
    return atScaling({ ...saved, config }, scaling, engine, model);
  };
  return {
    graph: { adapt: adapter.adapt, seed },
    load: (store, _params, measured) => adapter.load(store, seed, measured),
    ...(config.from === undefined && isMeasured(config.init) &&
      { measures: adapter.adapted.sizes }),
    read: readBack,
    save: async (store, folder, scaling = 1) => writePeft(folder, await readBack(store, scaling)),
    base: (param) => adapter.base(param),
    notes: model.config.tied ? tieNotes(adapter, model) : [],
    folder: "adapter",
  };
}

/** A head of scores is trained whole, as PEFT does unasked. */
function withScoreHead<C extends Pick<AdapterConfig, "modules_to_save">>(config: C): C {
  const { modules_to_save: saved = [] } = config;
  return saved.includes(SCORE_MODULE)
    ? config
    : { ...config, modules_to_save: [...saved, SCORE_MODULE] };
}

/** The saved modules of an adapter, as its config names them. */
const savedBy = ({ config }: PeftAdapter) => (config["modules_to_save"] ?? []) as readonly string[];

/** An adapter with the fresh head of scores of a model. */
function withFreshHead(adapter: PeftAdapter, { tensors }: Model): PeftAdapter {
  const { shape } = tensors.get(SCORE);
  const head = { name: SCORE, shape, numbers: loadStored(tensors, SCORE) };
  return {
    ...adapter,
    whole: [...adapter.whole ?? [], head],
    config: { ...adapter.config, modules_to_save: [...savedBy(adapter), SCORE_MODULE] },
  };
}

/** The same without it. */
function withoutHead(adapter: PeftAdapter): PeftAdapter {
  const saved = savedBy(adapter).filter((module) => module !== SCORE_MODULE);
  return {
    ...adapter,
    whole: adapter.whole?.filter(({ name }) => name !== SCORE) ?? [],
    config: { ...adapter.config, modules_to_save: saved.length > 0 ? saved : null },
  };
}

/** What PEFT calls what a model is for. */
function taskOf({ hasEncoder, scores }: Model): string {
  if (scores > 0) return "SEQ_CLS";
  return hasEncoder ? "SEQ_2_SEQ_LM" : "CAUSAL_LM";
}

/** PEFT warns too: each end of a tied pair is trained by itself. */
function tieNotes({ changed }: Adapter, model: Model): string[] {
  const ends = changed.filter((name) => name === HEAD || name === model.tensors.embedding);
  if (ends.length === 0) return [];
  return [
    `adapter: it changes ${ends.join(" and ")}, which the base ties to one tensor: to merge it ` +
    "takes --untie",
  ];
}

/** Names a base out of the hub's cache as PEFT finds it anywhere: by repository and commit. */
function nameBase(adapter: PeftAdapter): PeftAdapter {
  const { repo, commit } = cachedName(adapter.baseModel) ?? {};
  const config = { ...adapter.config, revision: commit ?? null };
  return { ...adapter, baseModel: repo ?? adapter.baseModel, config };
}

/** Every parameter of the model, saved as `model/` in `dtype`. */
export function trainFull(model: Model, dtype: Dtype): Trainable {
  const { tensors } = model;
  let trained: readonly Value[] = [];
  return {
    graph: { full: true },
    load: (store, params) => {
      trained = params;
      for (const param of params) store.writeParam(param.name, loadParam(tensors, param));
    },
    save: async (store, folder) => {
      const saved: TensorData[] = [];
      for (const param of trained) {
        const { name, shape } = tensors.get(param.name);
        const numbers = storedParam(tensors, param, await store.readParam(param.name));
        saved.push({ name, shape, dtype, data: fromFloat32(numbers, dtype) });
      }
      writeCheckpoint(folder, {
        config: configText(model.folder, { dtype }),
        tensors: saved,
        copyFrom: model.folder,
      });
    },
    read: () => Promise.resolve(null),
    base: () => undefined,
    notes: [],
    folder: "model",
  };
}
