"""Golden values of adapters that start from the base's weights, made by PEFT: peft/inits.json

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python test/golden/make_inits.py

Each case is trained for ten updates with AdamW on the documents of a checkpoint that make_golden.py left, and saved as
a plain LoRA of the untouched base, which PEFT does by the difference from where it started. EVA and CorDA read the same
documents before: EVA in one batch, CorDA one by one. Of EVA's decomposition 100 iterations are made, for PEFT's own
four leave up to 2e-3 of what they should find; the case "eva_iterations" has those four. Written are the losses and two
numbers of each module's update. The tests read only the results, so CI needs no Python.
"""

import functools
import json
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from make_adapters import base_of
from make_golden import ADAMW, HERE, UPDATES, loss_of, summary
from peft.tuners.lora import eva
from peft.tuners.lora.config import CordaConfig, EvaConfig
from peft.tuners.lora.corda import preprocess_corda
from peft.utils.incremental_pca import IncrementalPCA
from safetensors.torch import load_file

CASES = {
    "pissa": dict(base="llama_bias", init="pissa", target_modules=["q_proj", "v_proj", "down_proj"],
                  rank_pattern={"v_proj": 3}, alpha_pattern={"layers.1.mlp.down_proj": 2}),
    "pissa_conv1d": dict(base="gpt2", init="pissa", target_modules=["c_attn", "c_proj"]),
    "olora": dict(base="llama", init="olora", target_modules=["k_proj", "gate_proj", "down_proj", "lm_head"],
                  use_rslora=True),
    "eva": dict(base="llama_bias", init="eva", target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"],
                alpha_pattern={"layers.1.mlp.down_proj": 2}),
    "eva_conv1d": dict(base="gpt2", init="eva", rho=1.5, target_modules=["c_attn", "c_proj"], use_rslora=True,
                       rank_pattern={"c_attn": 3}),
    "eva_alone": dict(base="llama", init="eva", rho=1, target_modules=["q_proj", "up_proj"]),
    "eva_whiten": dict(base="llama", init="eva", whiten=True, target_modules=["v_proj", "o_proj", "down_proj"]),
    "eva_iterations": dict(base="llama_bias", init="eva", iterations=4, target_modules=["v_proj", "down_proj"]),
    "corda_ipm": dict(base="llama", init="corda_ipm", target_modules=["k_proj", "gate_proj", "down_proj"],
                      rank_pattern={"k_proj": 3}),
    "corda_kpm": dict(base="llama_bias", init="corda_kpm", target_modules=["q_proj", "v_proj", "up_proj", "down_proj"],
                      use_rslora=True),
    "corda_conv1d": dict(base="gpt2", init="corda_kpm", target_modules=["c_attn", "c_proj"]),
}  # fmt: skip


def updates_of(adapter, tensors):
    """scale B A of every module of a saved adapter."""
    found = {}
    for name, a in tensors.items():
        if "lora_A" not in name:
            continue
        module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        b = tensors[name.replace("lora_A", "lora_B")]
        matching = [v for k, v in adapter["alpha_pattern"].items() if module.endswith(k)]
        alpha = matching[0] if matching else adapter["lora_alpha"]
        found[module] = alpha / (len(a) ** 0.5 if adapter["use_rslora"] else len(a)) * b @ a
    return found


def padded(ids, labels):
    """The documents as one batch."""
    pad = torch.nn.utils.rnn.pad_sequence
    return {
        "input_ids": pad(ids, batch_first=True),
        "labels": pad(labels, batch_first=True, padding_value=-100),
        "attention_mask": pad([torch.ones_like(x) for x in ids], batch_first=True),
    }


class ReadOnce(IncrementalPCA):
    """PEFT reads a single batch again, to see that it has converged: it would count twice in the singular values."""

    def partial_fit(self, *batch, **more):
        return self if hasattr(self, "components_") else super().partial_fit(*batch, **more)


def adapted(model, documents, init, rho, whiten, iterations, settings):
    """The model with an adapter that starts so."""
    ids, labels = documents
    name, _, method = init.partition("_") if init.startswith("corda") else (init, "", "")
    more = {}
    if name == "eva":
        more["eva_config"] = EvaConfig(rho=rho, tau=0.9999, whiten=whiten)
    if name == "corda":
        more["corda_config"] = CordaConfig(corda_method=method)
    lora = peft.LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", init_lora_weights=name, **more, **settings)
    if name == "corda":
        preprocess_corda(model, lora, run_model=lambda: [model(x[None]) for x in ids])
    model = peft.get_peft_model(model, lora).eval()
    if name == "eva":
        eva.IncrementalPCA = functools.partial(ReadOnce if whiten else IncrementalPCA, lowrank_niter=iterations)
        peft.initialize_lora_eva_weights(model, [padded(ids, labels)], show_progress_bar=False)
    return model.eval()


def make(base, init, rho=2, whiten=False, iterations=100, **settings):
    golden = json.loads((HERE / f"{base}.json").read_text())
    model = base_of(golden, load_file(HERE / f"{base}.safetensors"))
    ids, labels = [[torch.tensor(x) for x in golden[key]] for key in ("ids", "labels")]
    model = adapted(model, (ids, labels), init, rho, whiten, iterations, settings)
    with tempfile.TemporaryDirectory() as folder:
        start, end = Path(folder) / "start", Path(folder) / "end"
        config = model.peft_config["default"]
        init_lora_weights = config.init_lora_weights
        config.init_lora_weights = True
        model.save_pretrained(start)
        config.init_lora_weights = init_lora_weights
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], **ADAMW)
        losses = []
        for _ in range(UPDATES):
            optimizer.zero_grad()
            loss = loss_of(model, ids, labels)
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
        if init == "eva":  # leaves the base alone
            model.save_pretrained(end)
        else:
            model.save_pretrained(end, path_initial_model_for_weight_conversion=str(start))
        adapter = json.loads((end / "adapter_config.json").read_text())
        updates = updates_of(adapter, load_file(end / "adapter_model.safetensors"))
    kept = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "target_modules")
    return {
        "base": base,
        "init": init,
        **({"rho": rho} if init == "eva" else {}),
        **({"whiten": True} if whiten else {}),
        "settings": settings,
        "adapter": {key: adapter[key] for key in kept},
        "losses": losses,
        "updates": {module: summary(update) for module, update in sorted(updates.items())},
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    made = {m.__name__: m.__version__ for m in (torch, transformers, peft)}
    cases = {name: make(**case) for name, case in CASES.items()}
    for name, case in cases.items():
        print(name, *(f"{x:.4f}" for x in case["losses"]))
    (HERE / "peft" / "inits.json").write_text(json.dumps({"made_by": made, "cases": cases}, indent=1) + "\n")
