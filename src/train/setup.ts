/**
 * Everything that a run needs, opened in order: data, model, memory, programs, measurements.
 *
 * @module
 */
import {
  type ChatFacts,
  type Encoder,
  type Example,
  type ExampleStore,
  loadExamples,
  readChatFacts,
  type Source,
  Stream,
} from "../data/mod.ts";
import { perplexity } from "../eval/perplexity.ts";
import type { Engine } from "../graph/compile.ts";
import { footprint, plan, printPlan } from "../graph/plan.ts";
import { FLAT } from "../graph/store.ts";
import { loadRetention, RetentionProbe } from "../guard/retention.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { Model } from "../models/model.ts";
import type { Config, DataConfig } from "./config/mod.ts";
import { Optimizer } from "./optimizer.ts";
import type { Trained } from "./trained.ts";

/** What a run says of itself while it is set up and trains. */
export type Say = (line: string) => void;

/** A run that is ready to train. */
export interface Session {
  readonly engine: Engine;
  readonly model: Model;
  readonly trained: Trained;
  readonly config: Config;
  readonly program: LossProgram;
  readonly optimizer: Optimizer;
  readonly stream: Stream;
  /** Micro-batches of one update. */
  readonly microBatches: number;
  /** Updates of the whole run. */
  readonly steps: number;
  readonly probe: RetentionProbe | null;
  /** Mean loss on the evaluation rows, or null where there are none. A sync point. */
  readonly evaluate: (() => Promise<number>) | null;
  /** Frees what the session holds on the device beside the store. */
  readonly close: () => void;
}

/** The tokenizer as the data room wants it: BOS only where the model expects one. */
export function encoderOf({ tokenizer, folder }: Model): Encoder {
  const { addsBos, bos, eos } = tokenizer;
  let chat: ChatFacts | undefined;
  return {
    encode: (text) => tokenizer.encode(text),
    bos: addsBos ? bos : null,
    eos,
    // Read when the first chat asks for it: other data needs nothing of the template.
    get chat() {
      return chat ??= readChatFacts(folder);
    },
  };
}

/** The rows of several sources, one source after the other. */
export interface Rows {
  readonly examples: readonly Example[];
  /** How many each source has, and its weight; absent where no source has one. */
  readonly sources?: readonly Source[];
}

/** Loads the rows of several sources, into the store if there is one, and says what was left out. */
export async function loadRows(
  model: Model,
  entries: readonly DataConfig[],
  train: Config["train"],
  say: Say,
  store?: ExampleStore,
): Promise<Rows> {
  const { vocabSize } = model.config;
  const all: Example[] = [];
  const sources: Source[] = [];
  for (const entry of entries) {
    const { examples, skipped, empty, unsupervised } = await loadExamples(entry, encoderOf(model), {
      maxTokens: longest(model, train),
      onTooLong: train.on_too_long,
      vocabSize,
      allow: train.allow,
      ...(store && { keep: (example) => store.keep(example) }),
    });
    const left = Object.entries({ "too long": skipped, empty, unsupervised })
      .filter(([, count]) => count > 0).map(([what, count]) => `, ${count} ${what}`);
    say(`data: ${entry.path}: ${examples.length} rows${left.join("")}`);
    for (const example of examples) all.push(example);
    sources.push({ count: examples.length, weight: entry.weight ?? 1 });
  }
  const isMixture = entries.some(({ weight }) => weight !== undefined);
  return { examples: all, ...(isMixture && { sources }) };
}

/** The most tokens of a document: what fits into a micro-batch, and what the model was made for. */
export const longest = ({ config }: Model, { micro_batch_tokens: T }: Config["train"]): number =>
  Math.min(T, config.context);

export interface SessionOptions {
  readonly engine: Engine;
  readonly model: Model;
  readonly config: Config;
  readonly trained: Trained;
  /** What to train on, encoded. */
  readonly rows: Rows;
  readonly say: Say;
}

/** Opens a session: plans the memory, checks it, loads the weights and records the programs. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { engine, model, config, trained, rows, say } = options;
  const { train, guard } = config;
  const T = train.micro_batch_tokens;
  const retention = guard
    ? await loadRetention(encoderOf(model), {
      ...guard,
      seed: train.seed,
      maxTokens: longest(model, train),
    })
    : null;
  const { examples: measured } = await loadRows(model, config.eval.data, train, say);
  const stream = new Stream(rows.examples, {
    T,
    ...(rows.sources && { sources: rows.sources }),
    seed: train.seed,
    shuffle: train.shuffle,
    ...(guard && retention ? { retention: retention.train, retentionShare: guard.share } : {}),
  });
  const graphOptions = { T, ...trained.graph, recompute: train.recompute };
  placeParams(options, graphOptions);
  const program = await LossProgram.open(engine, model, { ...graphOptions, train: true });
  const microBatches = train.tokens_per_batch / T;
  const { weight_decay: decay, beta1, beta2, eps: epsilon, clip } = train;
  const settings = { decay, beta1, beta2, epsilon, clip };
  const optimizer = await Optimizer.open(engine, settings, microBatches);
  const needsMeasure = retention || measured.length > 0;
  const tuned = needsMeasure ? await LossProgram.open(engine, model, graphOptions) : null;
  return {
    engine,
    model,
    trained,
    config,
    program,
    optimizer,
    stream,
    microBatches,
    steps: train.steps ?? stepsOf(stream, train.epochs!, microBatches),
    probe: retention && await openProbe(options, tuned!, retention.held),
    evaluate: measured.length > 0 ? async () => (await perplexity(tuned!, measured)).nll : null,
    close: () => {
      for (const { compiled } of [program, ...(tuned ? [tuned] : [])]) compiled.destroy();
      optimizer.close();
    },
  };
}

/** Every dispatch of a training step, for `--print-plan`. */
export function describePlan(
  { engine, model, config, trained }: Omit<SessionOptions, "rows" | "say">,
): string {
  const { micro_batch_tokens: T, recompute } = config.train;
  const { graph } = model.lossGraph(engine, { T, ...trained.graph, recompute, train: true });
  return printPlan(plan(graph));
}

/** Plans the training graph before anything is allocated, says what it takes, makes the params. */
function placeParams(
  { engine, model, trained, say }: SessionOptions,
  graphOptions: Parameters<Model["lossGraph"]>[1],
): void {
  const { graph } = model.lossGraph(engine, { ...graphOptions, train: true });
  const { weights, params, temporary } = footprint(graph, plan(graph));
  const state = params * FLAT.length;
  const total = weights + state + temporary;
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  say(
    `memory: ${mib(total)} (weights ${mib(weights)}, trained params with gradients and moments ${
      mib(state)
    }, activations ${mib(temporary)})`,
  );
  checkMemory(engine, total);
  const values = graph.values.filter(({ kind }) => kind === "param");
  engine.store.addParams(values);
  trained.load(engine.store, values);
}

/** A real GPU does not say how much memory it has; software Vulkan shares the machine's. */
function checkMemory({ device }: Engine, bytes: number): void {
  if (!device.software) return;
  const { available } = Deno.systemMemoryInfo();
  if (bytes <= available) return;
  throw new RangeError(
    `The run needs ${bytes} bytes but only ${available} are free; lower ` +
      "train.micro_batch_tokens or set train.recompute",
  );
}

async function openProbe(
  { engine, model }: SessionOptions,
  tuned: LossProgram,
  held: readonly Example[],
): Promise<RetentionProbe> {
  const base = await LossProgram.open(engine, model, { T: tuned.T });
  const probe = await RetentionProbe.open(base, tuned, held);
  base.compiled.destroy();
  return probe;
}

function stepsOf(stream: Stream, epochs: number, microBatches: number): number {
  const whole = Math.floor(epochs);
  const part = epochs - whole;
  const micros = stream.micros(whole) +
    part * (stream.micros(whole + 1) - stream.micros(whole));
  return Math.max(1, Math.ceil(micros / microBatches));
}
