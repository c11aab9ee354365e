/**
 * What a run is made of beside its model: what an update minimises, what happens around updates, and
 * what is measured. The training loop knows these and no method by name.
 *
 * @module
 */
import type { Answers, Example, Examples, RowTokenizer } from "../data/mod.ts";
import type { Queued } from "../eval/documents.ts";
import type { Slice } from "../gpu/buffer.ts";
import type { Dispatch, ReplayOptions } from "../gpu/program.ts";
import type { Engine } from "../graph/compile.ts";
import type { Value } from "../graph/graph.ts";
import type { Planned } from "../graph/planned.ts";
import type { LossProgram } from "../models/loss_program.ts";
import type { LossGraphOptions, Model } from "../models/model.ts";
import type { AttemptLedger } from "./attempts.ts";
import type { SeenDocuments, UsedDocuments } from "./documents.ts";
import type { Column, Fields, Meter, RunMetric } from "./measured.ts";
import type { TrainSettings } from "./settings.ts";

export type { TrainSettings } from "./settings.ts";

export type { Column, Fields, Meter, Metric, RunMetric } from "./measured.ts";
export { metricOf, metricsOf } from "./measured.ts";

/** One replay of an update; its gradients are added to those of the others. */
export interface Replay {
  /** Tokens that it processes. */
  readonly tokens: number;
  /** Tokens of them that are predicted. */
  readonly supervised: number;
  /** Where its weighted losses lie once it has run. */
  readonly losses: Slice;
  /** Writes what it reads and submits it, without waiting; `draw` keys random numbers. */
  run(draw: number, after?: ReplayOptions["after"]): void;
  /** What a fault in it is looked for with; absent of a penalty, which has no rows. */
  readonly evidence?: ReplayEvidence;
}

/** The rows of a replay, and how to find the first dispatch that breaks. */
export interface ReplayEvidence {
  /** Indices of its examples, which are rows of the run in its main objective. */
  readonly examples: readonly number[];
  /** {@link Replay.run} with a look at what each dispatch has written. A sync point. */
  firstNonFinite(draw: number): Promise<Pick<Dispatch, "label" | "place"> | null>;
}

/** What the losses of an update came to. */
export interface Observed {
  /** What was minimised, as weighted: the update is refused where it is no finite number. */
  readonly minimised: number;
  readonly fields: Fields;
}

/** What an update minimises: a sum of token losses, each times its weight, or a penalty. */
export interface Objective {
  /** The most replays of an update. */
  readonly count: number;
  /** The most losses of a replay. */
  readonly capacity: number;
  /**
   * The replays of an update.
   *
   * @param before what the objectives before it have put into the update.
   */
  plan(step: number, before: Pick<Replay, "tokens" | "supervised">): Promise<readonly Replay[]>;
  /** Takes the losses of an update's replays, in their order, some updates later. */
  observe(step: number, losses: readonly Float32Array[]): Observed;
}

/** What happens before updates. All it does is a function of the updates so far. */
export interface Hook {
  /** Updates that it looks back: what they came to must have been observed. */
  readonly lag: number;
  /** What the learning rate is multiplied by. */
  readonly rate: number;
  /** Whether all has been observed that {@link before} uses. */
  isReady(step: number): boolean;
  /**
   * Acts before an update.
   *
   * @returns what to say, where there is something.
   */
  before(step: number): Promise<string | null>;
  /** Whether the run ends here, before its last update; never where absent. */
  readonly isOver?: boolean;
  /** The number of an update for the optimizer, counted from 1 since its moments were fresh. */
  age(step: number): number;
}

/** The task on a sample of rows, by which moments of a run are compared. */
export interface TaskSample {
  readonly rows: readonly Example[];
  /** Where they come from. */
  readonly from: string;
  /** What the loss is measured in: `nats a token`. */
  readonly unit: string;
  /** Submits a measurement of the task's loss on them, as the model is now. */
  queue(): Promise<Queued<number>>;
}

/** What a method says of a finished run: a file of JSON, and the same as a page. */
export interface Report {
  /** The method, and the beginning of the file's name. */
  readonly name: string;
  /** What the file holds. */
  readonly data: object;
  /** The page, with the lines of `metrics.jsonl` and further sections of HTML. */
  readonly page: (
    metrics: readonly Readonly<Record<string, number | null | undefined>>[],
    title: string,
    more: readonly (readonly [title: string, html: string])[],
  ) => string;
}

/** A prompt and what the model as it is now answers. */
export interface SampleText {
  /** What was asked. */
  readonly prompt: string;
  /** What was answered. */
  readonly text: string;
}

/** What the model writes now and then. */
export interface Sampler {
  /** Whether it is to write before that update. */
  isDue(step: number): boolean;
  /** Lets the model write as it is. A sync point. */
  sample(): Promise<readonly SampleText[]>;
}

/** What the end of a run is given. */
export interface EndContext {
  /** Updates done. */
  readonly step: number;
  /** Seconds that they took. */
  readonly seconds: number;
  /** Measures what the store holds, as at the end of any run. */
  readonly measure: () => Promise<Fields>;
  /** Saves what the store holds, at a scaling, into that folder of the run (its own by default). */
  readonly save: (options?: { scaling?: number; folder?: string }) => Promise<void>;
  readonly log: (line: string) => void;
}

/** What a run comes to. */
export interface Ending {
  readonly measured: Fields;
  readonly report: Report | null;
}

/** What a method adds to a run. */
export interface Part {
  /** The name of its section in a checkpoint. */
  readonly name: string;
  readonly objective?: Objective;
  readonly hook?: Hook;
  readonly meters?: readonly Meter[];
  readonly sampler?: Sampler;
  readonly columns?: readonly Column[];
  /** Documents that it uses beside the rows that are trained on. */
  readonly documents?: UsedDocuments;
  /** Hears of what is measured before an update: the params are those that it is measured of. */
  hear?(step: number, values: Promise<Fields>): void;
  /** Decides what is saved in place of the model as it is after the last update. */
  end?(context: EndContext): Promise<Ending>;
  /** For a checkpoint, as JSON. A sync point where a measurement is under way. */
  state?(): Promise<unknown>;
  /**
   * Goes on from what a checkpoint kept.
   *
   * @throws {FileError} where it kept nothing of this part.
   */
  restore?(state: unknown): void;
  /** Removes what a checkpoint that holds {@link state} no longer needs. */
  sweep?(): void;
  /** Frees what it holds on the device beside the store. */
  close(): void;
}

/** The part that the run is about. */
export interface MainPart extends Part {
  readonly objective: Objective;
  readonly task: (count: number) => Promise<TaskSample>;
  /** Tokens that its updates have processed; `train.tokens_per_batch` an update where absent. */
  readonly tokens?: () => number;
}

/** Rows that are trained on, by source. */
export interface TrainRows {
  readonly examples: Examples;
  /** How sources are mixed, and who is told of each epoch; empty where each row comes once. */
  readonly mixture: {
    readonly sources?: readonly { readonly count: number; readonly weight: number }[];
    readonly onEpochEnd?: (epoch: number, tokens: readonly number[]) => void;
  };
}

/** What a method is planned from: shapes and settings, and neither weights nor rows. */
export interface PlanContext {
  readonly engine: Engine;
  readonly model: Model;
  readonly train: TrainSettings;
  /** Of the graph that is trained. */
  readonly graph: LossGraphOptions;
  /** The most tokens of a document. */
  readonly maxTokens: number;
  /** Whether there is `eval.data`. */
  readonly hasEval: boolean;
}

/** What a method is prepared from, before anything is allocated. */
export interface RunContext extends PlanContext {
  readonly tokenizer: RowTokenizer;
  readonly rows: TrainRows;
  /** The rows of `eval.data`. */
  readonly measured: readonly Example[];
  /** What the adapter that is trained has been made with before. */
  readonly seen: SeenDocuments;
  /** Where tests are counted; null where they are not. */
  readonly attempts: AttemptLedger | null;
  readonly log: (line: string) => void;
}

/** What a method is opened with: the params are in the store. */
export interface OpenContext {
  /** Measures the model as it is; shared by all that measure. */
  readonly tuned: () => Promise<LossProgram>;
  /** Updates of the whole run. */
  readonly steps: number;
  /** The share of the peak learning rate that is yet to go after an update. */
  readonly remainingDecay: (step: number) => number;
  /** What a param is where nothing is learnt; undefined for one that may keep its numbers. */
  readonly base: (param: string) => Float32Array | undefined;
  /** The folder of checkpoints. */
  readonly folder: string;
}

/** A method that knows what it takes on the device and has taken nothing yet. */
export interface MethodPlan<P> {
  /** The most replays that it adds to an update. */
  readonly count: number;
  /** Bytes on the device beside the store's params, by what they are for. */
  readonly memory: Readonly<Record<string, number>>;
  /** Whether it measures: the program for that is counted once. */
  readonly measures: boolean;
  /** Reads what it goes by; `context` is that of the plan, with the rows. */
  prepare(context: RunContext): Promise<P>;
}

/** The plan of what a run is about. */
export interface MainPlan extends MethodPlan<PreparedMain> {
  /** What a micro-batch is trained by. */
  readonly step: Pick<Planned, "plan" | "footprint">;
  /** What is trained. */
  readonly params: readonly Value[];
}

/** A method that has read what it goes by. */
export interface Prepared<P extends Part = Part, C = OpenContext> {
  /** Whether it compares moments by a metric, and so is opened after all that measure. */
  readonly compares?: boolean;
  /** Text that it keeps the model to, which a run may learn from; none where absent. */
  readonly retention?: readonly Example[];
  open(context: C): Promise<P>;
}

/** What the main objective has prepared: it also says how long a run is. */
export interface PreparedMain extends Prepared<MainPart> {
  /** Updates of so many passes over the rows. */
  steps(epochs: number): Promise<number>;
}

/** An objective that a run is about. */
export interface MainMethod {
  /** What its rows have. */
  readonly answers: Answers;
  /** The classes of its rows, where they have one. */
  readonly labels?: readonly string[];
  /** Whether it looks at a column of rows that their format does not read; at none where absent. */
  readonly reads?: (column: string) => boolean;
  /** Scores that a head of its own gives a document; none where absent. */
  readonly scores?: number;
  /** Whether that head is a help in training alone, and no part of what is saved. */
  readonly leavesHead?: boolean;
  /** Plans its programs, for as many tokens as wanted, any number of times. */
  plan(context: PlanContext): MainPlan;
}

/** What is opened beside an objective: it sees the task, and what the parts opened before it measure. */
export interface SideContext extends OpenContext, Pick<MainPart, "task" | "tokens"> {
  readonly metrics: readonly RunMetric[];
}

/** The plan of what is beside it. */
export type SidePlan = MethodPlan<Prepared<Part, SideContext>>;

/** What is added to a run beside its objective. */
export interface SideMethod {
  plan(context: PlanContext): Promise<SidePlan>;
}
