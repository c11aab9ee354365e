/**
 * Where the defaults of the configuration table come from.
 *
 * @module
 */

const QLORA = "QLoRA (Dettmers et al., 2023)";
const ADAM = "Adam (Kingma and Ba, 2015), as in PyTorch";
const TRANSFORMERS = "transformers' TrainingArguments";
const GUARD = "our own, docs/forgetting.md";
const ANY = "any number would do";
const NEUTRAL = "asks for nothing";
const OWN = "our own choice";

/** By key; `eval.data` has those of `data`. */
const SOURCES: Readonly<Record<string, string>> = {
  "data.seed": ANY,
  "data.train_on": "every turn of an assistant, as TRL's assistant_only_loss",
  "data.on_empty": "our own: no row is lost without a word",
  "data.positive_examples": "Tk-Instruct (Wang et al., 2022)",
  "data.eos": NEUTRAL,
  "data.special_tokens": "our own: what a row says is no markup",
  "data.split.seed": ANY,
  "mixture.temperature": "shares in proportion to the rows, T5 (Raffel et al., 2020)",
  "adapter.rank": `between the 8 of PEFT and the 64 of ${QLORA}`,
  "adapter.targets": `${QLORA}, LoRA Learns Less and Forgets Less (Biderman et al., 2024)`,
  "adapter.rank_pattern": NEUTRAL,
  "adapter.alpha_pattern": NEUTRAL,
  "adapter.rslora": "LoRA (Hu et al., 2021)",
  "adapter.init_rho": "PEFT's EvaConfig",
  "adapter.init_whiten": "PEFT's EvaConfig",
  "adapter.modules_to_save": NEUTRAL,
  "adapter.bias": "PEFT's LoraConfig",
  "objective.loss": "the paper of the kind: DPO (Rafailov et al., 2023), KTO, GRPO",
  "objective.unbiased_kl": "TRL's GRPOConfig",
  "objective.normalise_advantages": "TRL's RLOOConfig",
  "objective.importance_sampling_level": "TRL's GRPOConfig",
  "objective.gae_lambda": "TRL's PPOConfig",
  "objective.value_coef": "TRL's PPOConfig",
  "objective.epsilon_value": "TRL's PPOConfig",
  "objective.lmbda": "TRL's GKDConfig",
  "objective.gamma": "TRL's CPOConfig",
  "objective.centring": NEUTRAL,
  "objective.desirable_weight": "KTO (Ethayarajh et al., 2024)",
  "objective.undesirable_weight": "KTO (Ethayarajh et al., 2024)",
  "train.lr": `${QLORA}, for models of up to 13B`,
  "train.schedule": "Alpaca (Taori et al., 2023)",
  "train.warmup": "Alpaca (Taori et al., 2023)",
  "train.min_lr_ratio": "transformers' cosine schedule ends at 0",
  "train.cycles": "transformers' schedules",
  "train.power": "transformers' schedules",
  "train.decay": "Scaling Laws Beyond Fixed Training Durations (Hägele et al., 2024)",
  "train.weight_decay": TRANSFORMERS,
  "train.beta1": ADAM,
  "train.optimizer": TRANSFORMERS,
  "train.lora_plus_ratio": "LoRA (Hu et al., 2021)",
  "train.lr_pattern": NEUTRAL,
  "train.weight_decay_pattern": NEUTRAL,
  "train.clip": TRANSFORMERS,
  "train.seed": TRANSFORMERS,
  "train.shuffle": "transformers' Trainer",
  "train.log_every": OWN,
  "train.eval_every": OWN,
  "train.keep": TRANSFORMERS,
  "train.min_delta": "transformers' EarlyStoppingCallback",
  "train.metric": TRANSFORMERS,
  "train.checkpoint_every": OWN,
  "train.allow": "our own: a fault that ruins training stops it",
  "train.retries": OWN,
  "train.outer_lr": "local SGD (Stich, 2018)",
  "train.outer_momentum": "local SGD (Stich, 2018)",
  "guard": NEUTRAL,
  "guard.text": NEUTRAL,
  "guard.samples": GUARD,
  "guard.budget": GUARD,
  "guard.loss": GUARD,
  "guard.fisher_documents": GUARD,
  "guard.share": GUARD,
  "guard.every": GUARD,
  "guard.documents.control": GUARD,
  "guard.documents.certificate": GUARD,
  "guard.documents.probe": GUARD,
  "guard.task_rows": GUARD,
  "guard.delta": "the usual level of a test, 5 %",
  "guard.strict": GUARD,
  "guard.controller.lambda": GUARD,
  "guard.controller.ki": GUARD,
  "guard.controller.kp": GUARD,
  "guard.controller.kd": GUARD,
  "guard.controller.margin": GUARD,
  "guard.controller.fade": GUARD,
  "guard.controller.ema": GUARD,
  "guard.rollback.at": GUARD,
  "guard.rollback.most": GUARD,
  "eval.tasks.seed": ANY,
  "eval.samples": OWN,
  "eval.sample_tokens": OWN,
  "eval.sample_every": NEUTRAL,
  "rank_timeout": OWN,
  "out": OWN,
  "history": OWN,
  "log": NEUTRAL,
};

/** Every key that has a source. */
export const sourcedKeys: readonly string[] = Object.keys(SOURCES);

/** Where the default of a key comes from; undefined for one without a default of its own. */
export const sourceOf = (key: string): string | undefined => {
  const plain = key.replace(/\.\d+(?=\.)/g, "").replace(/^eval\.data\./, "data.");
  return Object.hasOwn(SOURCES, plain) ? SOURCES[plain] : undefined;
};
