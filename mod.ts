/**
 * Graft: LoRA fine-tuning of language models on any GPU that WebGPU reaches, with forgetting
 * measured beside the loss.
 *
 * @example Train, merge, ask
 * ```ts ignore
 * import { loadModel, locate, merge, parseConfig, train } from "@graft/lora";
 *
 * const config = parseConfig({ file: "configs/quickstart/train.json" });
 * const { saved } = await train(config);
 * const { folder } = await locate(config.config.model, "model");
 * merge(folder, saved, "merged");
 *
 * using model = await loadModel("merged");
 * for await (const piece of model.write("What is the opposite of big?\n")) console.log(piece);
 * ```
 *
 * What there is, by task: {@linkcode parseConfig}, {@linkcode train} and {@linkcode follow} train;
 * {@linkcode loadModel} opens a model that measures texts, is evaluated on tasks, chats and writes;
 * {@linkcode merge}, {@linkcode exportGguf}, {@linkcode exportGgufLora} and {@linkcode exportMlx} take
 * it elsewhere; {@linkcode locate}, {@linkcode readPeft}, {@linkcode writePeft},
 * {@linkcode openSafetensors} and {@linkcode writeSafetensors} are its files; {@linkcode RunHistory}
 * has the runs of the past, {@linkcode openDevice} a GPU for several models, and
 * {@linkcode stoppable} an end before the end. Losses are in nats a token, scores shares from 0 to 1,
 * memory in bytes. What is wrong is a {@linkcode ConfigError}, a {@linkcode FileError}, a
 * {@linkcode GpuError} or a {@linkcode StoppedError}.
 *
 * @example Measure a model
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadModel } from "@graft/lora";
 *
 * using model = await loadModel("configs/quickstart/base");
 * const { perplexity } = await model.perplexity(["Sam went to the park. Sam saw a big dog."]);
 * assert(perplexity > 1 && perplexity < 1024);
 * ```
 *
 * @example Talk with a model through its own chat template
 * ```ts ignore
 * import { loadModel } from "@graft/lora";
 *
 * using model = await loadModel("HuggingFaceTB/SmolLM2-135M-Instruct", { adapter: "runs/mine" });
 * const turns = [{ role: "user", content: "What is the capital of France?" }] as const;
 * for await (const piece of model.chat(turns, { maxTokens: 20 })) console.log(piece);
 * ```
 *
 * @example A model of the hub, downloaded once into the cache that Python's tools share
 * ```ts ignore
 * import { loadModel } from "@graft/lora";
 *
 * using model = await loadModel("HuggingFaceTB/SmolLM2-135M@main", { say: console.error });
 * ```
 *
 * @module
 */
export { ConfigError, FileError, GpuError, StoppedError } from "./src/errors.ts";
export { type Stop, stoppable } from "./src/stop.ts";
export {
  type Device,
  type DeviceOptions,
  type KernelSet,
  type MatrixReads,
  openDevice,
  type Product,
  type Tuned,
} from "./src/gpu/device.ts";
export type {
  BesideLikelihood,
  ClassifyConfig,
  CpoConfig,
  DpoConfig,
  GkdConfig,
  GrpoConfig,
  KeepConfig,
  KtoConfig,
  ObjectiveConfig,
  OnlineConfig,
  OrpoConfig,
  PolicyConfig,
  PpoConfig,
  PreferenceConfig,
  ReferenceConfig,
  ReinforceConfig,
  RewardConfig,
  RlooConfig,
  SamplingConfig,
  ScoreConfig,
  SftConfig,
  SimpoConfig,
} from "./src/objectives/settings.ts";
export type {
  FormatReward,
  FunctionReward,
  JsonSchemaReward,
  JudgeReward,
  LengthReward,
  MetricReward,
  ModelReward,
  RegexReward,
  RewardConfig as RewardSettings,
  Weighed,
} from "./src/rewards/settings.ts";
export type { RewardScale } from "./src/objectives/policy/advantages.ts";
export type { Clipping } from "./src/objectives/policy/surrogate.ts";
export type { GrpoLoss, RatioLevel } from "./src/objectives/policy/update.ts";
export type { ReferenceLossName } from "./src/objectives/preference/losses/mod.ts";
export type { UnpairedLossName } from "./src/objectives/unpaired/losses.ts";
export type { ReferenceSettings } from "./src/objectives/preference/losses/loss.ts";
export {
  type ChatOptions,
  type EvaluateOptions,
  type LanguageModel,
  loadModel,
  type LoadOptions,
  type WriteOptions,
} from "./src/library/language_model.ts";
export type { ChatTurn, Role, ToolCall } from "./src/rows/content.ts";
export type { Perplexity } from "./src/eval/perplexity.ts";
export type { TaskEntry } from "./src/eval/tasks/entry.ts";
export type { GenerateOptions } from "./src/inference/generator.ts";
export type { SampleOptions } from "./src/inference/sample.ts";
export type { Bias } from "./src/adapters/peft/config.ts";
export type { Tokens } from "./src/adapters/trained_tokens.ts";
export {
  type AdapterConfig,
  type Config,
  type ConfigSources,
  type DataConfig,
  type EvalConfig,
  type GuardConfig,
  type Origin,
  parseConfig,
  type ParsedConfig,
  type PresetName,
  type RanksConfig,
  type ScheduleConfig,
  type ScheduleName,
  type SizedConfig,
  type SizedTrain,
  type SumsConfig,
  type ToldConfig,
  type TrainConfig,
} from "./src/config/mod.ts";
export type { Example, Sides, TextFlag } from "./src/data/example.ts";
export type { Grades } from "./src/rows/content.ts";
export type { FaultName } from "./src/data/tokenize/faults.ts";
export type {
  ChainOfThoughtSettings,
  DataEntry,
  FewShotSettings,
  FlanSetting,
  FormSettings,
  JinjaSetting,
  OnEmpty,
  Pairs,
  ParaphraseSetting,
  Pattern,
  PromptSetting,
  PromptSourceSetting,
  ProportionalSettings,
  Shares,
  Template as PromptTemplate,
  TemplateSetting,
  TrainOn,
} from "./src/data/mod.ts";
export type { ControllerOptions } from "./src/forgetting/control/controller.ts";
export type { RollbackOptions } from "./src/forgetting/control/parts.ts";
export type * from "./src/forgetting/report/format.ts";
export type { Divergence, MetricScores, TaskScores } from "./src/eval/tasks/report.ts";
export type { Paired, Summary } from "./src/eval/tasks/scores.ts";
export type {
  BackEvent,
  Column,
  Fields,
  MemoryParts,
  Metrics,
  Report,
  RunEnd,
  RunEvent,
  RunFacts,
  RunListener,
  SampleText,
  SourceFacts,
  StartEvent,
} from "./src/runs/events.ts";
export type { Progress } from "./src/progress.ts";
export { follow } from "./src/train/follow.ts";
export type { FreeOptions, FreeResult, RunResult, TrainOptions } from "./src/train/options.ts";
export { train } from "./src/train/run.ts";
export {
  type RunEvents,
  RunHistory,
  type RunRecord,
  type RunStatus,
} from "./src/runs/history/history.ts";
export {
  mergeAdapter as merge,
  type Merged,
  type MergeDtype,
  type MergeOptions,
  type MergeTensorsOptions,
} from "./src/adapters/merge.ts";
export type { MethodName, ModuleMethodName } from "./src/adapters/methods/mod.ts";
export type { BottleneckKind, BottleneckOptions } from "./src/adapters/peft/adapter_hub_config.ts";
export type { PromptMethodName } from "./src/adapters/prompts/mod.ts";
export type { InitConfig } from "./src/config/init.ts";
export type { VirtualConfig } from "./src/config/virtual.ts";
export type { MethodKeys } from "./src/config/method_keys.ts";
export type { OptimizerConfig, OptimizerName } from "./src/config/mod.ts";
export type { InitName, MeasuredName } from "./src/adapters/init/mod.ts";
export type { FormatName } from "./src/formats/mod.ts";
export type { GgufType } from "./src/io/gguf/tensor_types.ts";
export { exportGgufLora } from "./src/export/gguf_lora.ts";
export {
  type ExportedModel,
  exportGguf,
  type GgufOptions,
  type RoundedMatrix,
} from "./src/export/gguf_model.ts";
export { type ImportanceMatrix, readImportance } from "./src/export/gguf/importance.ts";
export { exportMlx } from "./src/export/mlx.ts";
export type { Exported } from "./src/export/proven.ts";
export {
  type DownloadProgress,
  type HubOptions,
  type HubSettings,
  locate,
  type Located,
  type RepoKind,
} from "./src/io/hub/mod.ts";
export {
  type LoraWeights,
  type PeftAdapter,
  type PromptRows,
  readPeft,
  type TokenRows,
  type WholeTensor,
  writePeft,
} from "./src/adapters/peft/folder.ts";
export {
  type Dtype,
  DTYPE_BYTES,
  openSafetensors,
  type ReadOptions,
  type SafetensorsFile,
  type TensorData,
  type TensorInfo,
  writeSafetensors,
} from "./src/io/safetensors/safetensors.ts";
