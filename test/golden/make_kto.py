"""Golden values of KTO, made by the trainer of TRL.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 trl==1.16.0
    python test/golden/make_kto.py

The base and the adapter are those of llama.json (make_golden.py); the reference is the adapter switched off. For each
case what `compute_loss` returns for all rows in one batch, the metrics that it logs, and the gradients of the adapter;
for the first also the losses of some updates with AdamW. Writes kto.json and kto.safetensors beside this file.
"""

import json
from tempfile import TemporaryDirectory

import peft
import torch
import transformers
import trl
from datasets import Dataset
from safetensors.torch import save_file
from trainers import ADAMW, HERE, UPDATES, base_of, gradients_of, letters, lora, put_adapter
from trl import KTOConfig, KTOTrainer

ROWS = [
    {"prompt": "is it good?", "completion": " yes", "label": True},
    {"prompt": "name: ", "completion": "a long answer, 12", "label": False},
    {"prompt": "a", "completion": "bcde", "label": True},
    {"prompt": "name: ", "completion": "x", "label": True},
    {"prompt": "is it? ", "completion": "no, never.", "label": False},
]
CASES = {
    "kto": {"loss": "kto", "beta": 0.1, "desirable_weight": 1.0, "undesirable_weight": 1.0},
    "weighed": {"loss": "kto", "beta": 0.5, "desirable_weight": 1.3, "undesirable_weight": 0.7},
    "apo": {"loss": "apo_zero_unpaired", "beta": 0.3, "desirable_weight": 1.0, "undesirable_weight": 1.0},
}


def trainer_of(folder, loss, rows=ROWS, **settings):
    """A trainer of the base of llama.json with its adapter."""
    arguments = KTOConfig(
        output_dir=folder, loss_type=loss, **settings, per_device_train_batch_size=len(rows), use_cpu=True, bf16=False,
        train_sampling_strategy="sequential", gradient_checkpointing=False, report_to="none",
    )  # fmt: skip
    trainer = KTOTrainer(
        model=base_of(), args=arguments, train_dataset=Dataset.from_list(rows), processing_class=letters(),
        peft_config=lora(),
    )  # fmt: skip
    put_adapter(trainer.model)
    return trainer


def updates_of(trainer, inputs):
    optimizer = torch.optim.AdamW([p for p in trainer.model.parameters() if p.requires_grad], **ADAMW)
    losses, kl = [], []
    for _ in range(UPDATES):
        optimizer.zero_grad()
        value = trainer.compute_loss(trainer.model, inputs)
        value.backward()
        optimizer.step()
        losses.append(value.item())
        kl.append(trainer._metrics["train"]["kl"][-1])
    return {**ADAMW, "losses": losses, "kl": kl}


def make():
    golden = {"rows": ROWS, "cases": {}}
    tensors = {}
    with TemporaryDirectory() as folder:
        for case, settings in CASES.items():
            trainer = trainer_of(folder, **settings)
            inputs = next(iter(trainer.get_train_dataloader()))
            trainer.model.train()
            value = trainer.compute_loss(trainer.model, inputs)
            value.backward()
            logged = ("kl", "rewards/chosen", "rewards/rejected", "rewards/margins")
            metrics = {name: trainer._metrics["train"][name][-1] for name in logged}
            golden["cases"][case] = {"settings": {"kind": "kto", **settings}, "loss": value.item(), **metrics}
            tensors |= {f"{case}/{name}": gradient for name, gradient in gradients_of(trainer.model).items()}
            print(case, golden["cases"][case])
            if case == "kto":
                lengths = inputs["KL_attention_mask"].sum(dim=1).tolist()
                golden["mismatched"] = [ids[:n] for ids, n in zip(inputs["KL_input_ids"].tolist(), lengths)]
                golden["updates"] = updates_of(trainer, inputs)
    golden["made_by"] = {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)}
    (HERE / "kto.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "kto.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make()
