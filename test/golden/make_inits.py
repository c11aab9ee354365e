"""Golden values of adapters that start from the base's weights, made by PEFT: peft/inits.json

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python test/golden/make_inits.py

Each case is trained for ten updates with AdamW on the documents of a checkpoint that make_golden.py left, and saved as a
plain LoRA of the untouched base, which PEFT does by the difference from where it started. Written are the losses and two
numbers of each module's update. The tests read only the results, so CI needs no Python.
"""

import json
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from make_adapters import base_of
from make_golden import ADAMW, HERE, UPDATES, loss_of, summary
from safetensors.torch import load_file

CASES = {
    "pissa": dict(base="llama_bias", init="pissa", target_modules=["q_proj", "v_proj", "down_proj"],
                  rank_pattern={"v_proj": 3}, alpha_pattern={"layers.1.mlp.down_proj": 2}),
    "pissa_conv1d": dict(base="gpt2", init="pissa", target_modules=["c_attn", "c_proj"]),
    "olora": dict(base="llama", init="olora", target_modules=["k_proj", "gate_proj", "down_proj", "lm_head"],
                  use_rslora=True),
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


def make(base, init, **settings):
    golden = json.loads((HERE / f"{base}.json").read_text())
    model = base_of(golden, load_file(HERE / f"{base}.safetensors"))
    ids, labels = [[torch.tensor(x) for x in golden[key]] for key in ("ids", "labels")]
    lora = peft.LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", init_lora_weights=init, **settings)
    model = peft.get_peft_model(model, lora).eval()
    with tempfile.TemporaryDirectory() as folder:
        start, end = Path(folder) / "start", Path(folder) / "end"
        model.peft_config["default"].init_lora_weights = True
        model.save_pretrained(start)
        model.peft_config["default"].init_lora_weights = init
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], **ADAMW)
        losses = []
        for _ in range(UPDATES):
            optimizer.zero_grad()
            loss = loss_of(model, ids, labels)
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
        model.save_pretrained(end, path_initial_model_for_weight_conversion=str(start))
        adapter = json.loads((end / "adapter_config.json").read_text())
        updates = updates_of(adapter, load_file(end / "adapter_model.safetensors"))
    kept = ("r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora", "target_modules")
    return {
        "base": base,
        "init": init,
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
