"""Golden values of learning from rewards, made by the trainers of TRL.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 trl==1.16.0
    python test/golden/make_grpo.py

The base and the adapter are those of llama.json (make_golden.py); the reference is the adapter switched off. The answers
are given in place of drawn ones. They were "drawn" by the adapter with noise on it, so that ratios differ from 1 and some
are clipped; then the trainer's own code makes advantages, reference likelihoods and the loss, for two micro-batches whose
gradients add up. TRL has no trainer of REINFORCE++: its advantages are written down here as the paper (arXiv 2501.03262)
has them, and GRPOTrainer takes them as advantages of tokens. Writes grpo.json and grpo.safetensors beside this file.
"""

import json
from tempfile import TemporaryDirectory

import peft
import torch
import transformers
import trl
from datasets import Dataset
from safetensors.torch import save_file
from trainers import HERE, base_of, gradients_of, letters, lora, put_adapter
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

MOST_TOKENS = 16
NOISE = 0.06
PROMPTS = ["is it good?", "name: ", "a"]
ANSWERS = [
    ["yes", "no, never.", "yes!", "it is"],
    ["tom", "a long answer, 12", "x", ""],  # the second is cut off
    ["b", "bb", "bcd", "bcdef"],
]
REWARDS = [[1.0, 0.0, 0.7, 0.2], [0.3, -1.0, 0.0, 2.0], [0.5, 0.5, 0.5, 0.5]]
GRPO = {"kind": "grpo", "scale_rewards": "group", "beta": 0.0, "unbiased_kl": True, "epsilon": 0.2, "epsilon_high": 0.2}
RLOO = {"kind": "rloo", "beta": 0.05, "epsilon": 0.2, "epsilon_high": 0.2, "normalise_advantages": False}
CASES = {
    "grpo": {**GRPO, "loss": "grpo"},
    "grpo_kl": {**GRPO, "loss": "grpo", "beta": 0.3, "unbiased_kl": False},
    "grpo_unbiased_kl": {**GRPO, "loss": "grpo", "beta": 0.3},
    "grpo_batch": {**GRPO, "loss": "grpo", "scale_rewards": "batch"},
    "dr_grpo": {**GRPO, "loss": "dr_grpo", "scale_rewards": "none"},
    "dapo": {**GRPO, "loss": "dapo", "epsilon_high": 0.28},
    "dapo_kl_masked": {**GRPO, "loss": "dapo", "beta": 0.3, "mask_truncated": True},
    "gspo": {**GRPO, "loss": "grpo", "importance_sampling_level": "sequence", "epsilon": 0.05, "epsilon_high": 0.08},
    "gspo_unbiased_kl_masked": {
        **GRPO, "loss": "grpo", "importance_sampling_level": "sequence", "beta": 0.3, "mask_truncated": True,
    },
    "grpo_warm": {**GRPO, "loss": "grpo", "beta": 0.3, "temperature": 1.4},
    "rloo": RLOO,
    "rloo_cool": {**RLOO, "temperature": 0.8},
    "rloo_normalised": {**RLOO, "normalise_advantages": True, "epsilon_high": 0.3},
    "reinforce++": {"kind": "reinforce++", "beta": 0.05, "epsilon": 0.2, "epsilon_high": 0.2},
}


def answers_of(tokenizer):
    """Ids of each prompt and answer, each prompt once for every answer; an answer ends in EOS unless it is cut off."""
    prompts, answers = [], []
    for prompt, texts in zip(PROMPTS, ANSWERS):
        for text in texts:
            ids = tokenizer(text, add_special_tokens=False).input_ids
            prompts.append(tokenizer(prompt).input_ids)
            answers.append(ids[:MOST_TOKENS] if len(ids) >= MOST_TOKENS else [*ids, tokenizer.eos_token_id])
    return prompts, answers


def trainer_of(folder, settings, tokenizer):
    groups, size = len(PROMPTS), len(ANSWERS[0])
    shared = dict(
        output_dir=folder, beta=settings["beta"], epsilon=settings["epsilon"], epsilon_high=settings["epsilon_high"],
        num_generations=size, max_completion_length=MOST_TOKENS, num_iterations=2, steps_per_generation=2,
        per_device_train_batch_size=groups * size // 2, gradient_accumulation_steps=2,
        mask_truncated_completions=settings.get("mask_truncated", False), temperature=settings.get("temperature", 1.0),
        use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none",
    )  # fmt: skip
    if settings["kind"] == "rloo":
        kind, arguments = RLOOTrainer, RLOOConfig(**shared, normalize_advantages=settings["normalise_advantages"])
    elif settings["kind"] == "grpo":
        kind = GRPOTrainer
        arguments = GRPOConfig(
            **shared, loss_type=settings["loss"], scale_rewards=settings["scale_rewards"],
            use_bias_correction_kl=settings["unbiased_kl"],
            importance_sampling_level=settings.get("importance_sampling_level", "token"),
        )  # fmt: skip
    else:
        kind, arguments = GRPOTrainer, GRPOConfig(**shared, loss_type="dapo")
    rewards = [reward for group in REWARDS for reward in group]
    trainer = kind(
        model=base_of(), args=arguments, train_dataset=Dataset.from_list([{"prompt": p} for p in PROMPTS]),
        processing_class=tokenizer, reward_funcs=lambda completions, **_: rewards, peft_config=lora(),
    )  # fmt: skip
    prompts, answers = answers_of(tokenizer)
    texts = tokenizer.batch_decode(answers, skip_special_tokens=True)
    generated = (prompts, answers, texts)
    if kind is GRPOTrainer:
        generated = (prompts, answers, None, texts, None, {}, None, [])
    trainer._generate = lambda _: generated
    return trainer


def log_likelihoods(trainer, batch, model_is_base=False):
    """Of each token of the answers, [answers, tokens], padded."""
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    whole = (batch["completion_ids"] != 0).int()
    mask = torch.cat([batch["prompt_mask"], whole], dim=1)
    kept = batch["completion_ids"].size(1)
    with torch.no_grad():
        if model_is_base:
            with trainer.model.disable_adapter():
                return trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, kept)[0]
        return trainer._get_per_token_logps_and_entropies(trainer.model, ids, mask, kept)[0]


def reinforce_advantages(batch, old, base, beta):
    """Of each token: what is still to come of reward and divergence, normalised over all tokens."""
    mask = batch["completion_mask"].float()
    rewards = -beta * (old - base) * mask
    last = mask.sum(1).long() - 1
    rewards[torch.arange(len(last)), last] += torch.tensor([reward for group in REWARDS for reward in group])
    returns = rewards.flip(1).cumsum(1).flip(1)
    mean = (returns * mask).sum() / mask.sum()
    variance = ((returns - mean) ** 2 * mask).sum() / mask.sum()
    return (returns - mean) * variance.clamp(min=1e-8).rsqrt() * mask


def rows_of(batch, chosen):
    return {k: v[chosen] if torch.is_tensor(v) and v.dim() > 0 else v for k, v in batch.items()}


def make():
    tokenizer = letters()
    prompts, answers = answers_of(tokenizer)
    golden = {"prompts": prompts, "answers": answers, "rewards": REWARDS, "most_tokens": MOST_TOKENS, "cases": {}}
    tensors = {}
    for name, settings in CASES.items():
        with TemporaryDirectory() as folder:
            trainer = trainer_of(folder, settings, tokenizer)
            model = trainer.model.train()
            trainer.current_gradient_accumulation_steps = 2
            put_adapter(model, NOISE)
            inputs = [{"prompt": prompt} for prompt in PROMPTS for _ in ANSWERS[0]]
            batch = trainer._generate_and_score_completions(inputs)
            old, base = log_likelihoods(trainer, batch), log_likelihoods(trainer, batch, True)
            if settings["kind"] == "reinforce++":
                batch["advantages"] = reinforce_advantages(batch, old, base, settings["beta"])
                trainer.beta = 0.0
            put_adapter(model)
            value, clipped = 0.0, 0.0
            by_answers = settings["kind"] == "rloo" or settings.get("importance_sampling_level") == "sequence"
            half = len(answers) // 2
            order = [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]
            for chosen in (order[:half], order[half:]):
                loss = trainer.compute_loss(model, rows_of(batch, torch.tensor(chosen)))
                if settings["kind"] == "rloo":  # the Trainer of transformers divides it
                    loss = loss / 2
                loss.backward()
                value += loss.item()
                ratios = half if by_answers else batch["completion_mask"][chosen].sum().item()
                clipped += trainer._metrics["train"]["clip_ratio/region_mean"][-1] * ratios
            metrics = {k: v[-1] for k, v in trainer._metrics["train"].items()}
            tokens = sum(len(ids) for ids in answers)
            new = log_likelihoods(trainer, batch)
            whole = torch.tensor([[i < len(ids) for i in range(new.size(1))] for ids in answers])
            apart = (base - new)[whole]
            kl = ((apart.exp() - apart - 1).sum() / tokens).item()
            golden["cases"][name] = {
                "settings": settings, "loss": value, "kl": kl,
                "reward": metrics["reward"], "reward_std": metrics["reward_std"],
                "no_signal": metrics["frac_reward_zero_std"],
                "clip_share": clipped / (2 * half if by_answers else batch["completion_mask"].sum().item()),
            }  # fmt: skip
            tensors |= {f"{name}/{factor}": gradient for factor, gradient in gradients_of(model).items()}
            print(name, golden["cases"][name])
            found = [row[: len(ids)].tolist() for row, ids in zip(old, answers)]
            if "temperature" in settings:
                golden["cases"][name]["old"] = found
            else:
                golden.setdefault("old", found)
                assert golden["old"] == found
    golden["made_by"] = {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)}
    (HERE / "grpo.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "grpo.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
