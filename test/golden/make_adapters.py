"""Golden values of adapters on heads, embeddings, whole modules and biases, made by PEFT: peft/<case>.*

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python test/golden/make_adapters.py [case ...]

Each case is an adapter on a checkpoint that make_golden.py left: the files that PEFT saves, logits and gradients with
it, and the losses of ten updates with AdamW; of DoRA, (IA)^3, VeRA and trained tokens also two numbers of each merged
weight. The tests read only the results, so CI needs no Python.
"""

import copy
import json
import sys
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from make_golden import ADAMW, HERE, UPDATES, logits_of, loss_of, summary
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

CASES = {
    "head_and_embedding": dict(
        base="llama", target_modules=["q_proj", "lm_head", "embed_tokens"], rank_pattern={"lm_head": 3, "embed_tokens": 5}
    ),
    "saved_and_lora_only": dict(
        base="llama_bias", target_modules=["q_proj", "down_proj"], bias="lora_only",
        modules_to_save=["lm_head", "embed_tokens", "norm"],
    ),
    "tied_both_ends": dict(base="gemma3_text", target_modules=["v_proj", "embed_tokens", "lm_head"], use_rslora=True),
    "tied_one_end": dict(base="gemma2", target_modules=["v_proj", "embed_tokens"]),
    "tied_saved": dict(base="qwen2", target_modules=["o_proj"], modules_to_save=["embed_tokens"], bias="all"),
    "tied_conv1d": dict(
        base="gpt2", target_modules=["c_attn", "wte", "wpe"], bias="all", modules_to_save=["lm_head", "ln_f", "h.1.mlp"]
    ),
    "dora": dict(
        base="llama_bias", target_modules=["q_proj", "v_proj", "o_proj", "up_proj", "down_proj"], use_dora=True,
        rank_pattern={"v_proj": 3}, alpha_pattern={"layers.1.mlp.up_proj": 2},
    ),
    "dora_conv1d": dict(base="gpt2", target_modules=["c_attn", "c_proj"], use_dora=True, bias="lora_only"),
    "tokens_tied": dict(base="qwen2", target_modules=["q_proj", "down_proj"], trainable_token_indices=[75, 3, 18, 90, 11]),
    "tokens_untied": dict(
        base="llama", target_modules=["v_proj"], trainable_token_indices={"embed_tokens": [85, 3], "lm_head": [85, 75, 7]}
    ),
    "tokens_scaled": dict(base="gemma3_text", target_modules=["v_proj"], trainable_token_indices=[95, 3, 11]),
    "frozen_a": dict(base="llama", target_modules=["q_proj", "o_proj", "down_proj"], freeze_a=True),
    "ia3": dict(
        base="llama_bias", target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "up_proj", "down_proj"],
        feedforward_modules=["down_proj"], modules_to_save=["norm"],
    ),
    "ia3_conv1d": dict(
        base="gpt2", target_modules=["c_attn", "attn.c_proj", "mlp.c_proj"], feedforward_modules=["mlp.c_proj"]
    ),
    "vera": dict(
        base="llama_bias", kind="vera", target_modules=["q_proj", "v_proj", "o_proj", "down_proj"], modules_to_save=["norm"]
    ),
    "vera_conv1d": dict(base="gpt2", kind="vera", target_modules=["c_attn", "c_proj"]),
    "neox": dict(base="gpt_neox", target_modules=["query_key_value", "embed_in", "lm_head"], bias="lora_only"),
}  # fmt: skip


def base_of(golden, tensors):
    config = AutoConfig.for_model(**golden["config"])
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    weights = {name.removeprefix("weight/"): t for name, t in tensors.items() if name.startswith("weight/")}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model


def saved_names(model, adapter_names):
    """What PEFT saves a trained tensor as, by its name in memory."""
    def short(name):
        name = name.replace("lora_magnitude_vector.default.weight", "lora_magnitude_vector")
        return name.replace("modules_to_save.default.", "").replace(".default", "")

    return {name: short(name) for name in adapter_names}


def make(case, base, freeze_a=False, kind="lora", **settings):
    golden = json.loads((HERE / f"{base}.json").read_text())
    model = base_of(golden, load_file(HERE / f"{base}.safetensors"))
    ids, labels = [[torch.tensor(x) for x in golden[key]] for key in ("ids", "labels")]
    generator = torch.Generator().manual_seed(77)
    if "feedforward_modules" in settings:
        config = peft.IA3Config(task_type="CAUSAL_LM", **settings)
    elif kind == "vera":
        config = peft.VeraConfig(r=6, task_type="CAUSAL_LM", projection_prng_key=5, **settings)
    else:
        config = peft.LoraConfig(r=4, lora_alpha=6, task_type="CAUSAL_LM", **settings)
    model = peft.get_peft_model(model, config, low_cpu_mem_usage=False).eval()
    adapted = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    trained = {name: tensor for name, tensor in adapted.items() if not (freeze_a and ".lora_A." in name)}
    with torch.no_grad():
        for name, tensor in adapted.items():
            noise = torch.randn(tensor.shape, generator=generator)
            if "lora_magnitude" in name or "ia3_l" in name:
                tensor.mul_(1 + 0.3 * noise)
            elif "vera_lambda" in name:
                tensor.add_(0.5 * noise)
            elif "lora_" in name:
                tensor.copy_(0.6 * noise / tensor.shape[1 if "embedding_A" not in name else 0] ** 0.5)
            else:
                tensor.add_(0.1 * noise)
    tensors = {}
    with torch.no_grad():
        for i, logits in enumerate(logits_of(model, ids, labels)):
            tensors[f"lora_logits/{i}"] = logits
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        saved = load_file(Path(folder) / "adapter_model.safetensors")
        adapter = json.loads((Path(folder) / "adapter_config.json").read_text())
    tensors |= {f"lora/{name}": tensor for name, tensor in saved.items()}

    merged = {}
    if settings.get("use_dora") or "feedforward_modules" in settings or "trainable_token_indices" in settings or kind == "vera":
        whole = copy.deepcopy(model).merge_and_unload(safe_merge=True).state_dict()
        parts = [name.removeprefix("base_model.model.") for name in saved]
        parts = [part for part in parts if any(kind in part for kind in (".lora_", ".ia3_l", ".token_adapter", ".vera_lambda"))]
        targets = {part.split(".lora_")[0].split(".token_adapter")[0].split(".vera_")[0].removesuffix(".ia3_l") for part in parts}
        names = [f"{name}.{leaf}" for name in sorted(targets) for leaf in ("weight", "bias")]
        names = [name for name in names if "bias" not in name or (name in whole and "feedforward_modules" in settings)]
        merged = {"merged": {name: summary(whole[name]) for name in names}}

    names = saved_names(model, trained)
    assert set(names.values()) <= set(saved), set(names.values()) - set(saved)
    # What transformers' Trainer lets decay (get_decay_parameter_names): no norm and no bias.
    decays = {name: "lora_" in name or "vera_" in name or (p.ndim > 1 and "bias" not in name) for name, p in trained.items()}
    groups = [
        {"params": [p for name, p in trained.items() if decays[name]]},
        {"params": [p for name, p in trained.items() if not decays[name]], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], **ADAMW)
    losses = []
    for update in range(UPDATES):
        optimizer.zero_grad()
        loss = loss_of(model, ids, labels)
        loss.backward()
        losses.append(loss.item())
        if update == 0:
            tensors |= {f"gradient/{names[name]}": tensor.grad.clone() for name, tensor in trained.items()}
        optimizer.step()

    out = {
        "made_by": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "base": base,
        **({"freeze_a": True} if freeze_a else {}),
        "adapter": adapter,
        "losses": losses,
        **merged,
    }
    (HERE / "peft" / f"{case}.json").write_text(json.dumps(out, indent=1) + "\n")
    save_file({name: t.contiguous().clone() for name, t in tensors.items()}, HERE / "peft" / f"{case}.safetensors")
    print(case, *(f"{x:.4f}" for x in losses))
    print("   saved:", *sorted(name.removeprefix("base_model.model.") for name in set(saved) - set(names.values())))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[1:] or CASES:
        make(case, **CASES[case])
