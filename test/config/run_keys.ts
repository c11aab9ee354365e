/** Keys that show in a run of the toy: its adapter, metrics, log or folder. */
import type { KeyCase } from "./keys.ts";

/** Names of files in the folder that stand for their paths. */
const ROWS = [{ path: "rows.jsonl", format: "tokens" }];
const TWO = [...ROWS, { path: "more.jsonl", format: "tokens" }];
const EVAL = { "eval.data": [{ path: "more.jsonl", format: "tokens" }] };
const SAMPLED = { ...EVAL, "eval.samples": 1, "eval.sample_every": 1, "eval.sample_tokens": 3 };
const PREFERENCES = {
  data: [{ path: "preferences.jsonl", template: "plain" }],
  objective: { kind: "dpo" },
};
const BOTTLENECK = { "adapter.method": "bottleneck", "adapter.rank": undefined };
const LABELLED = {
  data: [{ path: "labelled.jsonl", template: "plain" }],
  objective: { kind: "kto" },
};
/** The toy's model soon learns to write vowels. */
const ASKED = [{ path: "asked.jsonl", template: "plain" }];
const DRAWN = {
  ...{ kind: "grpo", rewards: [{ kind: "regex", pattern: "[aeiou]" }], prompts: 2, answers: 6 },
  max_tokens: 3,
};
const drawn = (objective: object = {}, more: object = {}) => ({
  data: ASKED,
  ...{ "train.tokens_per_batch": undefined, "train.schedule": "constant", "train.warmup": 0 },
  objective: { ...DRAWN, ...objective },
  ...more,
});
const taught = () => ({
  ...drawn(),
  objective: { kind: "gkd", teacher: "biased", lmbda: 0.5, prompts: 2, max_tokens: 3 },
});
const DRAWN_AGAIN = drawn({ iterations: 3 });
/** The loss of other rows soon rises, with such steps. */
const TURNING = { "train.steps": 12, "train.lr": 0.5, "train.eval_every": 1 };
const KEPT_PREFERENCES = {
  ...PREFERENCES,
  "eval.data": PREFERENCES.data,
  ...{ "train.eval_every": 1, "train.keep": "best" },
};
const two = (weight: number) => [TWO[0], { ...TWO[1], weight }];

export const runKeys: Readonly<Record<string, KeyCase>> = {
  model: { to: "other" },
  quantize: { to: "q8_0" },
  data: { to: TWO },
  "data.weight": { to: 3, beside: { data: two(1) } },
  mixture: { to: { maximum: 5 }, beside: { data: TWO } },
  "mixture.maximum": { to: 2, beside: { data: TWO, mixture: { maximum: 12 } } },
  "mixture.temperature": { to: 9, beside: { data: TWO, mixture: {} } },
  adapter: { to: { rank: 2 } },
  "adapter.rank": { to: 2 },
  "adapter.alpha": { to: 1 },
  "adapter.targets": { to: ["q_proj"] },
  "adapter.exclude": { to: ["q_proj"] },
  "adapter.layers": { to: [1] },
  "adapter.rank_pattern": { to: { q_proj: 2 } },
  "adapter.alpha_pattern": { to: { q_proj: 2 } },
  "adapter.rslora": { to: true },
  "adapter.method": { to: "dora" },
  "adapter.init": { to: "pissa" },
  "adapter.init_tokens": { to: 20, beside: { "adapter.init": "corda_ipm" } },
  "adapter.init_rho": { to: 1, beside: { "adapter.init": "eva" } },
  "adapter.init_whiten": { to: true, beside: { "adapter.init": "eva" } },
  "adapter.freeze_a": { to: true },
  "adapter.feedforward_modules": {
    to: ["v_proj"],
    beside: { "adapter.method": "ia3", "adapter.rank": undefined },
  },
  "adapter.dropout": { to: 0.5 },
  "adapter.trainable_token_indices": { to: [5] },
  "adapter.num_virtual_tokens": {
    to: 3,
    beside: { "adapter.method": "prompt_tuning", "adapter.rank": undefined },
  },
  "adapter.prompt_tuning_init_text": {
    to: "abc",
    beside: {
      ...{ "adapter.method": "prompt_tuning", "adapter.rank": undefined },
      "adapter.num_virtual_tokens": 3,
    },
  },
  "adapter.prefix_projection": {
    to: true,
    beside: { "adapter.method": "prefix_tuning", "adapter.rank": undefined },
  },
  "adapter.encoder_hidden_size": {
    to: 8,
    beside: { "adapter.method": "p_tuning", "adapter.rank": undefined },
  },
  "adapter.bottleneck": { to: "par_bn", beside: BOTTLENECK },
  "adapter.reduction_factor": { to: 8, beside: BOTTLENECK },
  "adapter.non_linearity": { to: "tanh", beside: BOTTLENECK },
  "adapter.modules_to_save": { to: ["norm"] },
  "adapter.bias": { to: "all", beside: { model: "biased" } },
  "adapter.from": { to: "saved", beside: { "adapter.rank": undefined } },
  objective: { to: { kind: "dpo", beta: 0.5 }, beside: PREFERENCES },
  "objective.kind": { to: "dpo", beside: { ...PREFERENCES, objective: { kind: "sft" } } },
  "objective.beta": { to: 2, beside: PREFERENCES },
  "objective.loss": { to: "ipo", beside: PREFERENCES },
  "objective.label_smoothing": { to: 0.3, beside: PREFERENCES },
  "objective.sft_weight": { to: 1, beside: PREFERENCES },
  "objective.reference": { to: "saved", beside: PREFERENCES },
  "objective.gamma": { to: 3, beside: { ...PREFERENCES, objective: { kind: "simpo" } } },
  "objective.desirable_weight": { to: 3, beside: LABELLED },
  "objective.undesirable_weight": { to: 3, beside: LABELLED },
  "objective.labels": {
    to: ["true", "false"],
    beside: {
      data: [{ path: "labelled.jsonl", template: "plain" }],
      objective: { kind: "classify", labels: ["false", "true"] },
    },
  },
  "objective.centring": {
    to: 1,
    beside: { ...PREFERENCES, objective: { kind: "reward" } },
  },
  "objective.teacher": { to: "other", beside: taught() },
  "objective.lmbda": { to: 1, beside: taught() },
  "objective.temperature": { to: 2, beside: drawn({ beta: 0.5 }) },
  "objective.importance_sampling_level": { to: "sequence", beside: DRAWN_AGAIN },
  "objective.gae_lambda": { to: 0.1, beside: drawn({ kind: "ppo" }) },
  "objective.value_coef": { to: 9, beside: drawn({ kind: "ppo" }) },
  "objective.epsilon_value": { to: 1e-4, beside: drawn({ kind: "ppo", iterations: 3 }) },
  "objective.rewards": { to: [{ kind: "length", most: 0, margin: 3 }], beside: drawn() },
  "objective.prompts": { to: 3, beside: drawn() },
  "objective.answers": { to: 4, beside: drawn() },
  "objective.max_tokens": { to: 2, beside: drawn() },
  "objective.iterations": { to: 3, beside: drawn() },
  "objective.resample": { to: 3, beside: drawn({ answers: 2 }) },
  "objective.mask_truncated": { to: true, beside: drawn() },
  "objective.epsilon": { to: 0.01, beside: DRAWN_AGAIN },
  "objective.epsilon_high": { to: 0.01, beside: DRAWN_AGAIN },
  "objective.scale_rewards": { to: "none", beside: drawn({}, { "train.clip": 1e-6 }) },
  "objective.unbiased_kl": { to: false, beside: drawn({ beta: 0.5 }) },
  "objective.normalise_advantages": { to: true, beside: drawn({ kind: "rloo" }) },
  "objective.stop_kl": { to: 1e-6, beside: drawn(), in: "log" },
  "objective.stop_tokens": { to: 1, beside: drawn(), in: "log" },
  "objective.stop_drop": { to: 0.1, beside: drawn(), in: "fault" },
  train: { to: { steps: 2 }, in: "metrics" },
  "train.steps": { to: 2, in: "metrics" },
  "train.epochs": { to: 2, beside: { "train.steps": undefined, "train.epochs": 1 }, in: "metrics" },
  "train.tokens_per_batch": { to: 64 },
  "train.micro_batch_tokens": { to: 128, in: "log" },
  "train.lr": { to: 0.03 },
  "train.optimizer": { to: "lion" },
  "train.lora_plus_ratio": { to: 16 },
  "train.lr_pattern": { to: { q_proj: 0.1 } },
  "train.weight_decay_pattern": { to: { q_proj: 0.5 } },
  "train.momentum": { to: 0.5, beside: { "train.optimizer": "sgd" } },
  "train.nesterov": { to: true, beside: { "train.optimizer": "sgd" } },
  "train.schedule": { to: "linear", beside: { "train.steps": 4 } },
  "train.warmup": { to: 2 },
  "train.min_lr_ratio": { to: 0.5, beside: { "train.steps": 4 } },
  "train.cycles": {
    to: 2,
    beside: { "train.schedule": "cosine_with_restarts", "train.steps": 4 },
  },
  "train.power": { to: 2, beside: { "train.schedule": "polynomial", "train.steps": 4 } },
  "train.decay": {
    to: 2,
    beside: { "train.schedule": "warmup_stable_decay", "train.steps": 4 },
  },
  "train.weight_decay": { to: 0.5 },
  "train.beta1": { to: 0.5 },
  "train.beta2": { to: 0.5 },
  "train.eps": { to: 0.1 },
  "train.clip": { to: 0.001 },
  "train.seed": { to: 7 },
  "train.neftune_noise_alpha": { to: 5 },
  "train.shuffle": { to: false },
  "train.log_every": { to: 2, in: "metrics" },
  "train.eval_every": { to: 1, beside: EVAL, in: "metrics" },
  "train.keep": { to: "best", beside: { ...EVAL, ...TURNING } },
  "train.patience": { to: 1, beside: { ...EVAL, ...TURNING }, in: "metrics" },
  "train.min_delta": { to: 1e9, beside: { ...EVAL, ...TURNING, "train.keep": "best" }, in: "log" },
  "train.metric": { to: "eval_reward_margin", beside: KEPT_PREFERENCES, in: "log" },
  "train.checkpoint_every": { to: 1, in: "files" },
  "train.on_too_long": { to: "truncate", beside: { "data.0.path": "long.jsonl" } },
  "train.allow": { to: ["unsupervised"], beside: { "data.0.path": "bare.jsonl" } },
  "train.retries": { to: 0, beside: { "train.lr": 1e20, "adapter.alpha": 1e20 }, in: "fault" },
  "train.recompute": { to: true, in: "log" },
  "train.memory_gib": { to: 1e-4, in: "fault" },
  "train.partial_sums": { to: 2, beside: { "train.tokens_per_batch": 256 } },
  eval: { to: { data: EVAL["eval.data"], samples: 0 }, in: "measured" },
  "eval.data": { to: EVAL["eval.data"], in: "measured" },
  "eval.tasks": {
    to: [{ path: "asked.jsonl", template: "plain", max_tokens: 3 }],
    in: "measured",
  },
  "eval.samples": { to: 2, beside: SAMPLED, in: "log" },
  "eval.sample_tokens": { to: 5, beside: SAMPLED, in: "log" },
  "eval.sample_every": { to: 2, beside: SAMPLED, in: "log" },
  history: { to: true, in: "files" },
  log: { to: ["tensorboard"], in: "files" },
  webhook: { to: "http://127.0.0.1:1/", in: "log" },
  out: { to: "elsewhere", in: "files" },
  // What they do among ranks is in test/distributed.
  distributed: { to: "mpi", in: "fault" },
  "train.local_updates": { to: 2, in: "fault" },
  "train.outer_lr": { to: 0.7, in: "fault" },
  "train.outer_momentum": { to: 0.9, in: "fault" },
  rank_timeout: { to: 5, in: "fault" },
};

/** The guard that its keys are set beside. */
const GUARD = { text: ["text.txt"], share: 0.5, every: 2, budget: "ppl:50%", task_rows: 3 };
const guard = (keys: Record<string, unknown> = {}) => ({ guard: { ...GUARD, ...keys } });
const OWN_TEXT = guard({ text: [], samples: 50 });
const EWC = {
  guard: { text: ["text.txt"], budget: "ppl:50%", every: 2, task_rows: 3, loss: "ewc", weight: 5 },
};
const ROLLBACK = {
  ...guard({ budget: "kl:0.000000001", every: 1, rollback: { at: 3 } }),
  "train.steps": 12,
};
const LONG = { "train.steps": 8 };
const controlled = (to: number): KeyCase => ({
  to,
  beside: { ...guard(), ...LONG },
  in: "metrics",
});

export const guardKeys: Readonly<Record<string, KeyCase>> = {
  guard: { to: GUARD },
  "guard.text": { to: ["other.txt"], beside: guard() },
  "guard.samples": { to: 56, beside: OWN_TEXT, in: "log" },
  "guard.budget": { to: "ppl:5%", beside: { ...guard(), ...LONG }, in: "metrics" },
  "guard.loss": { to: "ce", beside: guard() },
  "guard.fisher_documents": {
    to: 2,
    beside: { ...EWC, "guard.fisher_documents": 6, "train.lr": 0.05 },
  },
  "guard.share": { to: 0.25, beside: guard() },
  "guard.weight": { to: 0.5, beside: guard() },
  "guard.every": { to: 3, beside: guard(), in: "metrics" },
  "guard.documents": { to: { control: 2 }, beside: guard(), in: "log" },
  "guard.documents.control": { to: 2, beside: guard(), in: "log" },
  "guard.documents.certificate": { to: 14, beside: guard(), in: "log" },
  "guard.documents.probe": { to: 2, beside: guard(), in: "log" },
  "guard.task_rows": { to: 1, beside: guard(), in: "metrics" },
  "guard.delta": { to: 0.2, beside: guard(), in: "report" },
  "guard.strict": { to: true, beside: guard({ budget: "ppl:1%" }), in: "fault" }, // for it takes far more documents
  "guard.controller": { to: { lambda: 5 }, beside: guard() },
  "guard.controller.lambda": { to: 5, beside: guard() },
  "guard.controller.ki": controlled(3),
  "guard.controller.kp": controlled(3),
  "guard.controller.kd": controlled(3),
  "guard.controller.margin": controlled(0.6),
  "guard.controller.fade": controlled(0.9),
  "guard.controller.ema": controlled(0.1),
  "guard.rollback": { to: { at: 0 }, beside: ROLLBACK, in: "report" },
  "guard.rollback.at": { to: 0, beside: ROLLBACK, in: "report" },
  "guard.rollback.most": { to: 1, beside: ROLLBACK, in: "report" },
};
