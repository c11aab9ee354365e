"""Golden values of heads that score documents, made by transformers, PEFT and TRL.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 trl==1.16.0
    python test/golden/make_score_head.py

The base is that of llama.json (make_golden.py) under a head of scores; the adapter is one of PEFT with `task_type`
SEQ_CLS, whose numbers are made up here and kept as PEFT saves them. For classes: scores, loss and gradients of
LlamaForSequenceClassification. For rewards: what `compute_loss` of RewardTrainer returns for all rows in one batch, what
it logs, and the gradients; for ranked answers, which TRL has none of, the same by InstructGPT's formula on the scores of
the same model. Writes score_head.json and score_head.safetensors beside this file.
"""

import json
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import peft
import torch
import transformers
import trl
from datasets import Dataset
from make_dpo import letters
from safetensors.torch import load_file, save_file
from torch.nn.functional import logsigmoid
from transformers import AutoConfig, AutoModelForSequenceClassification
from trl import RewardConfig, RewardTrainer

HERE = Path(__file__).parent
LABELS = ["no", "yes", "maybe"]
TEXTS = [
    {"text": "is it good? yes", "label": "yes"},
    {"text": "name: a long answer, 12", "label": "no"},
    {"text": "bcde", "label": 2},
    {"text": "it is not what it is", "label": "yes"},
]
PAIRS = [
    {"prompt": "is it good?", "chosen": " yes", "rejected": " no, never.", "margin": 0.5},
    {"prompt": "name: ", "chosen": "a long answer, 12", "rejected": "x", "margin": 0.0},
    {"prompt": "a", "chosen": "bcde", "rejected": "bcdf", "margin": 1.5},
]
RANKED = [
    {"prompt": "name: ", "answers": ["a long answer, 12", "x", "no, never.", "bcde"], "scores": [3, 1, 2, 1]},
    {"prompt": "a", "answers": ["b", "c"], "scores": [0.5, 0.75]},
]
CENTRING = 0.01


def model_of(scores, folder):
    """The base under a head of scores, with an adapter that is not nothing."""
    golden = json.loads((HERE / "llama.json").read_text())
    tensors = load_file(HERE / "llama.safetensors")
    config = AutoConfig.for_model(**golden["config"], num_labels=scores)
    config.pad_token_id = 0
    model = AutoModelForSequenceClassification.from_config(
        config, dtype=torch.float32, attn_implementation="eager"
    )
    prefix = "weight/"
    weights = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert missing == ["score.weight"], missing
    kept = {"r", "lora_alpha", "target_modules"}
    lora = peft.LoraConfig(
        **{k: v for k, v in golden["adapter"].items() if k in kept}, task_type="SEQ_CLS", modules_to_save=["score"]
    )
    adapted = peft.get_peft_model(model, lora)
    generator = torch.Generator().manual_seed(3)
    for name, tensor in adapted.named_parameters():
        if tensor.requires_grad:
            with torch.no_grad():
                tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
    adapted.save_pretrained(folder)
    return adapted


def ids_of(tokenizer, texts, end=""):
    return tokenizer([text + end for text in texts], return_tensors="pt", padding=True)


def gradients_of(model, loss, case):
    model.zero_grad()
    loss.backward()
    short = (".default.weight", ".weight")
    return {
        f"{case}/{name.replace(*short).replace('.modules_to_save', '')}": tensor.grad.clone()
        for name, tensor in model.named_parameters()
        if tensor.requires_grad
    }


def saved(folder, name):
    tensors = load_file(Path(folder) / "adapter_model.safetensors")
    config = json.loads((Path(folder) / "adapter_config.json").read_text())
    config["target_modules"] = sorted(config["target_modules"])
    return {f"{name}/{key}": value for key, value in tensors.items()}, config


def classes(tokenizer):
    with TemporaryDirectory() as folder:
        model = model_of(len(LABELS), folder)
        tensors, config = saved(folder, "classifier")
    labels = [LABELS.index(row["label"]) if isinstance(row["label"], str) else row["label"] for row in TEXTS]
    found = model(**ids_of(tokenizer, [row["text"] for row in TEXTS]), labels=torch.tensor(labels))
    tensors |= gradients_of(model, found.loss, "classes")
    golden = {"labels": LABELS, "rows": TEXTS, "scores": found.logits.tolist(), "loss": found.loss.item()}
    return {**golden, "adapter": config}, tensors


def rewards(tokenizer):
    with TemporaryDirectory() as folder:
        model = model_of(1, folder)
        tensors, config = saved(folder, "reward")
        golden = {"pairs": PAIRS, "ranked": {"rows": RANKED}, "adapter": config, "cases": {}}
        cases = {"plain": (False, None), "margin": (True, None), "centred": (True, CENTRING)}
        for case, (has_margin, centring) in cases.items():
            arguments = RewardConfig(
                output_dir=folder, per_device_train_batch_size=len(PAIRS), use_cpu=True, bf16=False,
                gradient_checkpointing=False, report_to="none", center_rewards_coefficient=centring,
            )  # fmt: skip
            rows = [{k: v for k, v in row.items() if has_margin or k != "margin"} for row in PAIRS]
            trainer = RewardTrainer(
                model=model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
            )
            inputs = trainer.data_collator(list(trainer.train_dataset))
            assert ("margin" in inputs) == has_margin
            trainer.model.train()
            loss = trainer.compute_loss(trainer.model, dict(inputs))
            logged = {k: v[-1] for k, v in trainer._metrics["train"].items() if k in ("accuracy", "margin", "mean_reward")}
            tensors |= gradients_of(trainer.model, loss, case)
            golden["cases"][case] = {"centring": centring or 0, "has_margin": has_margin, "loss": loss.item(), **logged}
        golden["scores"] = trainer.model(**{k: v for k, v in inputs.items() if k != "margin"}).logits.flatten().tolist()
    texts = [row["prompt"] + answer for row in RANKED for answer in row["answers"]]
    scores = model(**ids_of(tokenizer, texts, "</s>")).logits.flatten().split([len(row["answers"]) for row in RANKED])
    loss, centre, pairs = 0, 0, 0
    for row, found in zip(RANKED, scores):
        ranks = row["scores"]
        ordered = [(i, j) if ranks[i] > ranks[j] else (j, i)
                   for i, j in combinations(range(len(ranks)), 2) if ranks[i] != ranks[j]]
        loss = loss - sum(logsigmoid(found[i] - found[j]) for i, j in ordered) / len(ordered) / len(RANKED)
        centre = centre + sum((found[i] + found[j]) ** 2 for i, j in ordered)
        pairs += len(ordered)
    loss = loss + CENTRING * centre / pairs
    tensors |= gradients_of(model, loss, "ranked")
    golden["ranked"] |= {"centring": CENTRING, "scores": [part.tolist() for part in scores], "loss": loss.item()}
    return golden, tensors


def make():
    tokenizer = letters()
    golden, tensors = {}, {}
    for name, of in (("classes", classes), ("rewards", rewards)):
        golden[name], found = of(tokenizer)
        tensors |= found
    golden["made_by"] = {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)}
    (HERE / "score_head.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "score_head.safetensors")
    print(json.dumps({k: golden[k] for k in ("classes", "rewards")}, indent=1)[:6000])


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
