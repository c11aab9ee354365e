"""Golden values of distillation, made by the trainer of TRL.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 trl==1.16.0
    python test/golden/make_gkd.py

The student is the base of llama.json with its adapter, the teacher the base of gemma2.json (make_golden.py), which has
another architecture and caps its logits. For each case what `compute_loss` returns for two micro-batches of padded
answers, summed, and the gradients of the adapter. GKDTrainer gives its divergence no temperature, which here is that of
the case. The last case has answers in place of drawn ones, one of them cut off. Writes gkd.json and gkd.safetensors
beside this file.
"""

import json
from functools import partial
from tempfile import TemporaryDirectory

import peft
import torch
import transformers
import trl
from datasets import Dataset
from safetensors.torch import save_file
from trainers import HERE, base_of, gradients_of, letters, lora, put_adapter
from trl.experimental.gkd import GKDConfig, GKDTrainer

ROWS = [
    {"prompt": "is it good?", "completion": " yes"},
    {"prompt": "name: ", "completion": "a long answer, 12"},
    {"prompt": "a", "completion": "bcde"},
    {"prompt": "is it? ", "completion": "no, never."},
]
DRAWN = ["yes, it is", "x", "bcdefghijklmnopq", ""]
MOST_TOKENS = 16
CASES = {
    "forward": {"beta": 0.0, "temperature": 1.0, "lmbda": 0.0},
    "reverse": {"beta": 1.0, "temperature": 1.0, "lmbda": 0.0},
    "jensen_shannon": {"beta": 0.5, "temperature": 1.0, "lmbda": 0.0},
    "warm": {"beta": 0.2, "temperature": 1.7, "lmbda": 0.0},
    "drawn": {"beta": 0.5, "temperature": 0.9, "lmbda": 1.0},
}


def documents(tokenizer, is_drawn):
    """Ids of each prompt and answer; an answer ends in EOS unless it is cut off."""
    found = []
    for row, drawn in zip(ROWS, DRAWN):
        ids = tokenizer(drawn if is_drawn else row["completion"], add_special_tokens=False).input_ids
        is_cut = is_drawn and len(ids) >= MOST_TOKENS
        found.append((tokenizer(row["prompt"]).input_ids, ids if is_cut else [*ids, tokenizer.eos_token_id]))
    return found


def batch_of(chosen):
    width = max(len(prompt) + len(answer) for prompt, answer in chosen)
    rows = {"input_ids": [], "attention_mask": [], "labels": []}
    for prompt, answer in chosen:
        padding = width - len(prompt) - len(answer)
        rows["input_ids"].append([*prompt, *answer, *[0] * padding])
        rows["attention_mask"].append([1] * (width - padding) + [0] * padding)
        rows["labels"].append([*[-100] * len(prompt), *answer, *[-100] * padding])
    return {name: torch.tensor(values) for name, values in rows.items()}


def trainer_of(folder, settings):
    arguments = GKDConfig(
        output_dir=folder, **settings, per_device_train_batch_size=2, use_cpu=True, bf16=False,
        gradient_checkpointing=False, report_to="none",
    )  # fmt: skip
    trainer = GKDTrainer(
        model=base_of(), teacher_model=base_of("gemma2"), args=arguments, processing_class=letters(),
        train_dataset=Dataset.from_list(ROWS), peft_config=lora(),
    )  # fmt: skip
    trainer.generalized_jsd_loss = partial(GKDTrainer.generalized_jsd_loss, temperature=settings["temperature"])
    put_adapter(trainer.model)
    return trainer


def make():
    tokenizer = letters()
    golden = {"rows": ROWS, "most_tokens": MOST_TOKENS, "cases": {}}
    golden["drawn"] = [{"prompt": p, "answer": a} for p, a in documents(tokenizer, True)]
    tensors = {}
    for name, settings in CASES.items():
        with TemporaryDirectory() as folder:
            trainer = trainer_of(folder, settings)
        found = documents(tokenizer, settings["lmbda"] == 1)
        tokens = sum(len(answer) for _, answer in found)
        value = 0.0
        for chosen in ([0, 2], [1, 3]):
            inputs = batch_of([found[i] for i in chosen])
            loss = trainer.compute_loss(trainer.model, inputs, num_items_in_batch=tokens)
            loss.backward()
            value += loss.item()
        golden["cases"][name] = {"settings": settings, "loss": value}
        tensors |= {f"{name}/{factor}": gradient for factor, gradient in gradients_of(trainer.model).items()}
        print(name, golden["cases"][name])
    golden["made_by"] = {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)}
    (HERE / "gkd.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "gkd.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
