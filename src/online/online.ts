/**
 * Learning from rewards: the model as it is answers prompts, and answers that are worth more than was to
 * be expected become likelier.
 *
 * Whatever the method, its loss is linear in the log-likelihood of each token as far as its gradient
 * goes. So an update draws answers, has them judged, goes forward for their likelihoods under the model
 * and its base, and what the method makes of all that is the weight of each token in the loss graph of
 * fine-tuning.
 *
 * @module
 */
import type { DataEntry, Example } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import type { Queued } from "../eval/documents.ts";
import { ownBytes } from "../graph/footprint.ts";
import { BatchGenerator } from "../inference/batch.ts";
import { promptLength } from "../inference/samples.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import type {
  Fields,
  MainMethod,
  MainPart,
  MainPlan,
  Meter,
  PlanContext,
  RunContext,
} from "../objectives/objective.ts";
import type { OnlineConfig } from "../objectives/settings.ts";
import { taskSample } from "../objectives/task_rows.ts";
import { readsColumn } from "../rewards/columns.ts";
import { openReward } from "../rewards/mod.ts";
import { PromptSampler } from "./prompt_sampler.ts";
import { planPolicy } from "./learner.ts";
import type { Limits } from "./limits.ts";
import { OnlineObjective, type Rolls } from "./objective.ts";
import { planValued } from "./ppo/learner.ts";
import { Roller } from "./rollouts.ts";
import { ToldRows } from "./rows.ts";

/**
 * Learning from rewards.
 *
 * @param entries the sources of rows, whose columns rewards are told.
 * @param rolls draws answers in place of the model.
 */
export const online = (
  config: OnlineConfig,
  entries: readonly DataEntry[],
  rolls?: Rolls,
): MainMethod => ({
  answers: "one",
  ...(config.kind === "ppo" && { scores: 1, leavesHead: true }),
  reads: (column) => readsColumn(config.rewards, column),
  plan: (context) => plan(context, { config, entries, rolls }),
});

interface Given {
  readonly config: OnlineConfig;
  readonly entries: readonly DataEntry[];
  readonly rolls: Rolls | undefined;
}

function plan(context: PlanContext, { config, entries, rolls }: Given): MainPlan {
  const { engine, model, graph, maxTokens } = context;
  const { kind, prompts, answers } = config;
  refuseEncoder(model, `for objective.kind ${kind}`);
  const learner = config.kind === "ppo" ? planValued(context, config) : planPolicy(context, config);
  const { adapt, full = false } = graph;
  const slots = prompts * answers;
  const sampling = BatchGenerator.plan(engine, model, { context: maxTokens, slots, adapt, full });
  return {
    count: slots * learner.replays,
    measures: false,
    memory: {
      ...learner.memory,
      "to draw answers": sampling.footprint.states + ownBytes(sampling.footprint),
    },
    step: learner.step,
    params: learner.params,
    prepare: async (context) => {
      const told = await ToldRows.read(entries);
      const open = async () => {
        const reward = await openReward(config.rewards, {
          device: engine.device,
          say: context.log,
        });
        const batch = await sampling.open();
        const { rows, train } = context;
        const sampler = new PromptSampler(rows, train, config);
        const roller = new Roller({
          ...{ batch, reward, told, sampler, config, rows: rows.examples, seed: train.seed },
        });
        await firstRow(context, roller);
        const count = slots * learner.replays;
        const opened = await learner.open();
        const objective = new OnlineObjective(opened, rolls ?? roller, config, count);
        const close = () => {
          batch[Symbol.dispose]();
          Promise.resolve(reward.close()).catch(() => {});
        };
        return partOf(context, { objective, roller, config, close });
      };
      const { length } = context.rows.examples;
      const steps = (epochs: number) =>
        Promise.resolve(Math.max(1, Math.ceil(epochs * length / prompts) * config.iterations));
      return { steps, open };
    },
  };
}

/** @throws {ConfigError} {FileError} where rows ask nothing, or the reward cannot judge the first. */
async function firstRow({ rows: { examples } }: RunContext, roller: Roller): Promise<void> {
  await examples.arrived?.([0]);
  const row = examples.at(0)!;
  if (row.ids.length === 0) return; // it was left out
  if (promptLength(row) < 1) {
    throw new ConfigError(`${row.origin}: found a row without a prompt, wanted one to answer`);
  }
  await roller.tryReward(row);
}

interface Opened {
  readonly objective: OnlineObjective;
  readonly roller: Roller;
  readonly config: OnlineConfig;
  readonly close: () => void;
}

function partOf(
  context: RunContext,
  { objective, roller, config, close }: Opened,
): MainPart {
  const { measured, train: { eval_every: every } } = context;
  return {
    name: config.kind,
    objective,
    hook: objective,
    columns: [
      { field: "reward", label: "reward", unit: "number" },
      { field: "kl", label: "kl", unit: "number" },
    ],
    meters: measured.length > 0 ? [heldOutMeter(roller, objective.limits, measured, every)] : [],
    task: (count) =>
      taskSample(context, count, "of reward, negated", async (rows) => {
        const { reward } = await roller.greedy(rows);
        return { result: Promise.resolve(-reward) };
      }),
    tokens: () => objective.tokens,
    state: () => Promise.resolve(objective.state()),
    restore: (state) => objective.restore(state),
    close: () => {
      objective.close();
      close();
    },
  };
}

/** The reward of the likeliest answers to `eval.data`. A sync point. */
function heldOutMeter(
  roller: Roller,
  limits: Limits,
  rows: readonly Example[],
  every: number,
): Meter {
  return {
    known: {},
    metrics: [{ field: "eval_reward", better: "higher" }],
    isDue: (step) => every > 0 && step % every === 0,
    async measure(): Promise<Queued<Fields>> {
      const { reward, tokens } = await roller.greedy(rows);
      limits.heldOut(reward);
      return { result: Promise.resolve({ eval_reward: reward, eval_answer_tokens: tokens }) };
    },
  };
}
