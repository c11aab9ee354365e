"""Golden values of PPO with learned values, made by functions of TRL.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2
    pip install trl==0.11.4 --no-deps --target OLD
    python test/golden/make_ppo.py OLD

TRL 1.16 has no PPO. `compute_rewards`, `compute_advantages` and `loss` are those of PPOTrainer of 0.11.4, the last whose
values are a head on the policy's own trunk, taken from its source without importing it. The base and the adapter are
those of llama.json (make_golden.py); the reference is the adapter switched off. The answers are those of make_grpo.py,
"drawn" by adapter and head with noise on them, so that ratios and values are clipped. Writes ppo.json and
ppo.safetensors beside this file.
"""

import ast
import json
import sys
import typing
import warnings
from pathlib import Path
from types import SimpleNamespace

import peft
import torch
import transformers
from make_grpo import MOST_TOKENS, NOISE, REWARDS, answers_of
from safetensors.torch import save_file
from trainers import HERE, base_of, gradients_of, letters, lora, put_adapter

HEAD_NOISE = 0.1
CASES = {
    "ppo": {"beta": 0.05, "gamma": 1.0, "gae_lambda": 0.95, "value_coef": 0.1, "epsilon": 0.2, "epsilon_value": 0.2},
    "ppo_clipped": {
        "beta": 0.3, "gamma": 0.9, "gae_lambda": 0.8, "value_coef": 0.7, "epsilon": 0.05, "epsilon_value": 0.05,
    },
}  # fmt: skip
METHODS = {"compute_rewards", "_kl_penalty", "compute_advantages", "loss"}
FUNCTIONS = {"masked_mean", "masked_var", "masked_whiten", "clip_by_value", "entropy_from_logits", "flatten_dict"}


def functions_of(old):
    """Functions of a TRL that is not imported."""
    scope = {"torch": torch, "F": torch.nn.functional, "warnings": warnings, **vars(typing)}
    for file, names in (("core.py", FUNCTIONS), ("trainer/ppo_trainer.py", METHODS)):
        tree = ast.parse((Path(old) / "trl" / file).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name in names:
                node.decorator_list = []
                exec(compile(ast.Module([node], []), node.name, "exec"), scope)
    return scope


def tokens_of(model, head, prompts, answers):
    """Log-likelihoods of the answers' tokens, and the values before them, padded: [answers, tokens]."""
    logps, values = [], []
    for prompt, answer in zip(prompts, answers):
        ids = torch.tensor([[*prompt, *answer]])
        output = model(input_ids=ids, output_hidden_states=True)
        rows = slice(len(prompt) - 1, -1)
        logp = output.logits[0, rows].log_softmax(-1)
        logps.append(logp.gather(1, torch.tensor(answer)[:, None])[:, 0])
        values.append((output.hidden_states[-1][0, rows] @ head.T)[:, 0])
    pad = torch.nn.utils.rnn.pad_sequence
    return pad(logps, batch_first=True), pad(values, batch_first=True)


def make(old):
    tokenizer = letters()
    prompts, answers = answers_of(tokenizer)
    trl = functions_of(old)
    generator = torch.Generator().manual_seed(3)
    head = 0.3 * torch.randn(1, 32, generator=generator)
    old_head = head + HEAD_NOISE * torch.randn(1, 32, generator=generator)
    model = peft.get_peft_model(base_of(), lora())
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones(len(answer)) for answer in answers], batch_first=True)
    with torch.no_grad():
        put_adapter(model, NOISE)
        drawn, expected = tokens_of(model, old_head, prompts, answers)
        with model.disable_adapter():
            base, _ = tokens_of(model, head, prompts, answers)
    put_adapter(model)
    golden = {
        "prompts": prompts, "answers": answers, "rewards": REWARDS, "most_tokens": MOST_TOKENS, "cases": {},
        "old": [row[: len(ids)].tolist() for row, ids in zip(drawn, answers)],
        "base": [row[: len(ids)].tolist() for row, ids in zip(base, answers)],
        "expected": [row[: len(ids)].tolist() for row, ids in zip(expected, answers)],
    }  # fmt: skip
    scores = torch.tensor([reward for group in REWARDS for reward in group])
    tensors = {"head": head}
    for name, settings in CASES.items():
        trainer = SimpleNamespace(
            config=SimpleNamespace(
                kl_penalty="kl", whiten_rewards=False, gamma=settings["gamma"], lam=settings["gae_lambda"],
                cliprange=settings["epsilon"], cliprange_value=settings["epsilon_value"], vf_coef=settings["value_coef"],
                ratio_threshold=1e9,
            ),
            kl_ctl=SimpleNamespace(value=settings["beta"]),
        )  # fmt: skip
        trainer._kl_penalty = lambda *given, trainer=trainer: trl["_kl_penalty"](trainer, *given)
        rewards, _, _ = trl["compute_rewards"](trainer, scores, drawn, base, mask.long())
        values, advantages, returns = trl["compute_advantages"](trainer, expected, rewards, mask)
        model.zero_grad()
        own = head.clone().requires_grad_()
        logps, vpreds = tokens_of(model, own, prompts, answers)
        policy, value, stats = trl["loss"](
            trainer, drawn, values, torch.zeros(*mask.shape, 2), vpreds, logps, mask, advantages, returns
        )
        (policy + value).backward()
        golden["cases"][name] = {
            "settings": settings, "loss": (policy + value).item(), "value_loss": value.item(),
            "clip_share": stats["policy/clipfrac"].item(), "values_clipped": stats["val/clipfrac"].item(),
            "advantages": [row[: len(ids)].tolist() for row, ids in zip(advantages, answers)],
        }  # fmt: skip
        factors = {**gradients_of(model), "base_model.model.score.weight": own.grad}
        tensors |= {f"{name}/{factor}": gradient.clone() for factor, gradient in factors.items()}
        print(name, {key: value for key, value in golden["cases"][name].items() if key != "advantages"})
    made_by = {m.__name__: m.__version__ for m in (torch, transformers, peft)}
    golden["made_by"] = {**made_by, "trl": "0.11.4"}
    (HERE / "ppo.json").write_text(json.dumps(golden) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "ppo.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(sys.argv[1])
