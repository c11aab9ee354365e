"""Golden values of preference losses, made by the trainers of TRL.

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 trl==1.16.0
    pip install trl==0.24.0 --no-deps --target OLD
    python test/golden/make_dpo.py OLD

The base and the adapter are those of llama.json (make_golden.py); the reference is the adapter switched off. For each
loss what `compute_loss` returns for all rows in one batch, the metrics that it logs, and the gradients of the adapter;
for the sigmoid also the losses and margins of some updates with AdamW.
TRL 1 takes label smoothing for a few losses only, not for the sigmoid; the function that did, `dpo_loss` of 0.24, is
taken from OLD for that one. The losses without a reference are the functions of CPOTrainer and ORPOTrainer on the
log-likelihoods of the answers, beside the negative log-likelihood of the chosen answers' tokens (ORPOTrainer would take
that of prompts too). Writes dpo.json and dpo.safetensors beside this file.
"""

import ast
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import peft
import torch
import transformers
import trl
from datasets import Dataset
from safetensors.torch import save_file
from trainers import ADAMW, HERE, UPDATES, base_of, gradients_of, letters, lora, put_adapter
from trl import DPOConfig, DPOTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOTrainer

BETA = 0.1
SMOOTHING = 0.2
SMOOTHED = {"robust", "exo_pair"}
AGAINST_BASE = ["sigmoid", "ipo", "hinge", "sigmoid_norm", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down"]
WITHOUT_REFERENCE = {
    "cpo": {"kind": "cpo", "beta": 0.3, "label_smoothing": 0.1, "sft_weight": 0.7},
    "simpo": {"kind": "simpo", "beta": 2.0, "gamma": 0.6, "label_smoothing": 0, "sft_weight": 0},
    "orpo": {"kind": "orpo", "beta": 0.4},
}
ROWS = [
    {"prompt": "is it good?", "chosen": " yes", "rejected": " no, never."},
    {"prompt": "name: ", "chosen": "a long answer, 12", "rejected": "x"},
    {"prompt": "a", "chosen": "bcde", "rejected": "bcdf"},
]


def cases():
    """The settings of each case as `objective` has them, and the losses of the DPOTrainer with their weights."""
    for loss in [*AGAINST_BASE, *sorted(SMOOTHED)]:
        share = SMOOTHING if loss in SMOOTHED else 0
        yield loss, {"loss": loss, "label_smoothing": share, "sft_weight": 0}, {loss: 1.0}
    yield "smoothed", {"loss": "sigmoid", "label_smoothing": SMOOTHING, "sft_weight": 0}, {"sigmoid": 1.0}
    with_sft = {"loss": "sigmoid", "label_smoothing": 0, "sft_weight": 0.5}
    yield "with_sft", with_sft, {"sigmoid": 1.0, "sft": 0.5}


def trainer_of(folder, losses, smoothing=0):
    """A trainer of the base of llama.json with its adapter; one that was there before would be the reference."""
    arguments = DPOConfig(
        output_dir=folder, beta=BETA, loss_type=list(losses), loss_weights=list(losses.values()), label_smoothing=smoothing,
        per_device_train_batch_size=len(ROWS), use_cpu=True, bf16=False,
        gradient_checkpointing=False, report_to="none",
    )  # fmt: skip
    trainer = DPOTrainer(
        model=base_of(), args=arguments, train_dataset=Dataset.from_list(ROWS), processing_class=letters(),
        peft_config=lora(),
    )  # fmt: skip
    put_adapter(trainer.model)
    return trainer


def smoothed_loss(old):
    """`dpo_loss` of a TRL that is not imported: two of one name cannot be."""
    tree = ast.parse((Path(old) / "trl/trainer/dpo_trainer.py").read_text())
    function = next(node for node in ast.walk(tree) if getattr(node, "name", "") == "dpo_loss")
    kinds = SimpleNamespace(ALPHA_DIVERGENCE="alpha_divergence", JS_DIVERGENCE="js_divergence")
    scope = {"torch": torch, "F": torch.nn.functional, "FDivergenceType": kinds}
    exec(compile(ast.Module([function], []), "dpo_loss", "exec"), scope)
    settings = SimpleNamespace(
        beta=BETA, label_smoothing=SMOOTHING, reference_free=False, f_divergence_type="reverse_kl",
        accelerator=SimpleNamespace(device="cpu"),
    )  # fmt: skip
    return lambda *logps: scope["dpo_loss"](settings, *logps, loss_type="sigmoid")


def log_likelihoods(trainer, inputs):
    """Of all chosen and of all rejected answers, under the tuned model and under the base."""
    labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100)
    kept = {name: inputs[name] for name in ("input_ids", "attention_mask")}

    def both(model):
        return model(**kept, labels=labels, fused_lm_head=True, use_cache=False).log_probs.sum(dim=1).chunk(2)

    with torch.no_grad(), trainer.model.disable_adapter():
        base = both(trainer.model)
    return [*both(trainer.model), *base]


def without_reference(settings, trainer, inputs):
    """Loss and metrics of a loss that looks at no base."""
    chosen, rejected, *_ = log_likelihoods(trainer, inputs)
    tokens = inputs["completion_mask"].sum(dim=1).chunk(2)
    nll = -chosen.sum() / tokens[0].sum()
    accelerator = SimpleNamespace(device="cpu")
    if settings["kind"] == "orpo":
        scope = SimpleNamespace(beta=settings["beta"], accelerator=accelerator)
        found = ORPOTrainer.odds_ratio_loss(scope, chosen / tokens[0], rejected / tokens[1])
        value = nll - found[0].mean()
    else:
        is_simpo = settings["kind"] == "simpo"
        scope = SimpleNamespace(
            beta=settings["beta"], alpha=0.0, loss_type="simpo" if is_simpo else "sigmoid", accelerator=accelerator,
            simpo_gamma=settings.get("gamma"), label_smoothing=settings["label_smoothing"],
        )  # fmt: skip
        of = [chosen / tokens[0], rejected / tokens[1]] if is_simpo else [chosen, rejected]
        found = CPOTrainer.cpo_loss(scope, *of)
        value = found[0].mean() + settings["sft_weight"] * nll
    rewards = {"rewards/chosen": found[1].mean().item(), "rewards/rejected": found[2].mean().item()}
    return value, rewards


def updates_of(trainer, inputs):
    """Losses and margins of updates with AdamW."""
    optimizer = torch.optim.AdamW([p for p in trainer.model.parameters() if p.requires_grad], **ADAMW)
    losses, margins = [], []
    for _ in range(UPDATES):
        optimizer.zero_grad()
        value = trainer.compute_loss(trainer.model, inputs)
        value.backward()
        optimizer.step()
        losses.append(value.item())
        margins.append(trainer._metrics["train"]["rewards/margins"][-1])
    return {"losses": losses, "margins": margins}


def make(old):
    golden = {"rows": ROWS, "losses": {}}
    tensors = {}
    with TemporaryDirectory() as folder:
        free = [(name, settings, {"sigmoid": 1.0}) for name, settings in WITHOUT_REFERENCE.items()]
        for loss, settings, losses in [*cases(), *free]:
            trainer = trainer_of(folder, losses, settings.get("label_smoothing", 0) if loss in SMOOTHED else 0)
            inputs = next(iter(trainer.get_train_dataloader()))
            trainer.model.train()
            if loss == "smoothed":
                value, chosen, rejected = smoothed_loss(old)(*log_likelihoods(trainer, inputs))
                value = value.mean()
                metrics = {"rewards/chosen": chosen.mean().item(), "rewards/rejected": rejected.mean().item()}
            elif loss in WITHOUT_REFERENCE:
                value, metrics = without_reference(settings, trainer, inputs)
            else:
                value = trainer.compute_loss(trainer.model, inputs)
                metrics = {k: v[-1] for k, v in trainer._metrics["train"].items() if k.startswith("rewards/")}
                logps = log_likelihoods(trainer, inputs)
            value.backward()
            settings = {"kind": "dpo", "beta": BETA, **settings}
            golden["losses"][loss] = {"settings": settings, "loss": value.item(), **metrics}
            tensors |= {f"{loss}/{name}": gradient for name, gradient in gradients_of(trainer.model).items()}
            if loss == "sigmoid":
                mask = inputs["completion_mask"]
                lengths = inputs["attention_mask"].sum(dim=1).tolist()
                golden["ids"] = [ids[:n] for ids, n in zip(inputs["input_ids"].tolist(), lengths)]
                golden["prompt_lengths"] = (mask.argmax(dim=1)).tolist()
                golden["log_likelihoods"] = [part.tolist() for part in logps]
                golden["updates"] = {**ADAMW, **updates_of(trainer, inputs)}
            print(loss, golden["losses"][loss])
    made_by = {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)}
    golden["made_by"] = {**made_by, "smoothed": "trl 0.24.0"}
    (HERE / "dpo.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "dpo.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(sys.argv[1])
