"""Golden values of preference losses, made by the DPOTrainer of TRL.

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 trl==1.16.0
    pip install trl==0.24.0 --no-deps --target OLD
    python test/golden/make_dpo.py OLD

The base and the adapter are those of llama.json (make_golden.py); the reference is the adapter switched off. For each
loss what `compute_loss` returns for all rows in one batch, the metrics that it logs, and the gradients of the adapter;
for the sigmoid also the losses and margins of some updates with AdamW.
TRL 1 takes label smoothing for a few losses only, not for the sigmoid; the function that did, `dpo_loss` of 0.24, is
taken from OLD for that one. Writes dpo.json and dpo.safetensors beside this file.
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
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, processors
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

HERE = Path(__file__).parent
BETA = 0.1
SMOOTHING = 0.2
ADAMW = dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
UPDATES = 5
ROWS = [
    {"prompt": "is it good?", "chosen": " yes", "rejected": " no, never."},
    {"prompt": "name: ", "chosen": "a long answer, 12", "rejected": "x"},
    {"prompt": "a", "chosen": "bcde", "rejected": "bcdf"},
]


def letters():
    """The tokenizer of test/models/tiny.ts."""
    special = ["<unk>", "<s>", "</s>"]
    characters = "abcdefghijklmnopqrstuvwxyz .,!?'\n0123456789:"
    vocabulary = {token: i for i, token in enumerate([*special, *characters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<unk>"
    )


def trainer_of(folder, loss):
    """A trainer of the base of llama.json with its adapter; one that was there before would be the reference."""
    golden = json.loads((HERE / "llama.json").read_text())
    tensors = load_file(HERE / "llama.safetensors")
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(**golden["config"]), dtype=torch.float32, attn_implementation="eager"
    )
    prefix = "weight/"
    model.load_state_dict({k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)})
    kept = {"r", "lora_alpha", "target_modules", "task_type"}
    arguments = DPOConfig(
        output_dir=folder, beta=BETA, loss_type=[loss], per_device_train_batch_size=len(ROWS), use_cpu=True, bf16=False,
        gradient_checkpointing=False, report_to="none",
    )  # fmt: skip
    trainer = DPOTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(ROWS), processing_class=letters(),
        peft_config=peft.LoraConfig(**{k: v for k, v in golden["adapter"].items() if k in kept}),
    )  # fmt: skip
    for name, tensor in trainer.model.named_parameters():
        if tensor.requires_grad:
            assert tensor.dtype == torch.float32
            with torch.no_grad():
                tensor.copy_(tensors["lora/" + name.replace(".default.weight", ".weight")])
    return trainer


def gradients_of(model):
    factors = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    return {name.replace(".default.weight", ".weight"): tensor.grad.clone() for name, tensor in factors.items()}


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
    golden = {"beta": BETA, "rows": ROWS, "losses": {}}
    tensors = {}
    with TemporaryDirectory() as folder:
        for loss in ("sigmoid", "ipo", "hinge", "smoothed"):
            trainer = trainer_of(folder, "sigmoid" if loss == "smoothed" else loss)
            inputs = next(iter(trainer.get_train_dataloader()))
            trainer.model.train()
            if loss == "smoothed":
                value, chosen, rejected = smoothed_loss(old)(*log_likelihoods(trainer, inputs))
                value = value.mean()
                metrics = {"rewards/chosen": chosen.mean().item(), "rewards/rejected": rejected.mean().item()}
            else:
                value = trainer.compute_loss(trainer.model, inputs)
                metrics = {k: v[-1] for k, v in trainer._metrics["train"].items() if k.startswith("rewards/")}
                logps = log_likelihoods(trainer, inputs)
            value.backward()
            golden["losses"][loss] = {"loss": value.item(), **metrics}
            tensors |= {f"{loss}/{name}": gradient for name, gradient in gradients_of(trainer.model).items()}
            if loss == "sigmoid":
                mask = inputs["completion_mask"]
                lengths = inputs["attention_mask"].sum(dim=1).tolist()
                golden["ids"] = [ids[:n] for ids, n in zip(inputs["input_ids"].tolist(), lengths)]
                golden["prompt_lengths"] = (mask.argmax(dim=1)).tolist()
                golden["log_likelihoods"] = [part.tolist() for part in logps]
                golden["updates"] = {**ADAMW, **updates_of(trainer, inputs)}
            print(loss, golden["losses"][loss])
    golden["smoothing"] = SMOOTHING
    made_by = {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)}
    golden["made_by"] = {**made_by, "smoothed": "trl 0.24.0"}
    (HERE / "dpo.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / "dpo.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make(sys.argv[1])
