"""Which modules PEFT adapts under many settings, with rank and scale: peft/selection.json.

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2
    python test/golden/make_selection.py

The tests read only the file, so CI needs no Python.
"""

import json
from pathlib import Path

import peft
from transformers import AutoConfig, AutoModelForCausalLM

SETTINGS = [
    dict(target_modules=["q_proj", "v_proj"]),
    dict(target_modules="all-linear"),
    dict(target_modules="all-linear", exclude_modules=["down_proj", "model.layers.1.self_attn.q_proj"]),
    dict(target_modules=["proj"], exclude_modules=None),
    dict(target_modules=["self_attn.k_proj", "model.layers.1.mlp.up_proj"]),
    dict(target_modules=r".*layers\.[02]\.self_attn\.(q|k)_proj"),
    dict(target_modules=r".*_proj", exclude_modules=r".*\.mlp\..*"),
    dict(target_modules=["q_proj", "model.layers.0.mlp.up_proj"], layers_to_transform=[1, 2]),
    dict(target_modules=["q_proj"], layers_to_transform=2),
    dict(target_modules=["q_proj", "o_proj"], layers_to_transform=[0], layers_pattern="layers"),
    dict(target_modules=["q_proj", "o_proj"], layers_to_transform=[0], layers_pattern=["blocks", "layers"]),
    dict(target_modules=["q_proj"], layers_to_transform=[]),
    dict(target_modules=["q_proj", "v_proj"], r=4, lora_alpha=6, rank_pattern={"v_proj": 2, ".*q_proj": 8}),
    dict(target_modules=["q_proj", "v_proj"], r=4, lora_alpha=6, alpha_pattern={"layers.1.self_attn.q_proj": 3, "q_proj": 5}),
    dict(target_modules=["q_proj", "v_proj"], r=4, lora_alpha=6, use_rslora=True, rank_pattern={r"layers\.[12].*v_proj": 9}),
]


def model():
    config = AutoConfig.for_model(
        "llama", vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=2, tie_word_embeddings=False,
    )  # fmt: skip
    return AutoModelForCausalLM.from_config(config)


def adapted(settings):
    """Rank and scale by module; empty where PEFT finds none and throws."""
    try:
        wrapped = peft.get_peft_model(model(), peft.LoraConfig(task_type="CAUSAL_LM", **settings))
    except ValueError:
        return {}
    layers = {name: layer for name, layer in wrapped.named_modules() if hasattr(layer, "lora_A")}
    return {
        name.removeprefix("base_model.model."): [layer.r["default"], layer.scaling["default"]]
        for name, layer in layers.items()
    }


if __name__ == "__main__":
    linear = {
        name: list(module.weight.shape)
        for name, module in model().named_modules()
        if name.endswith("_proj") or name == "lm_head"
    }
    cases = [dict(settings=settings, adapted=adapted(settings)) for settings in SETTINGS]
    out = dict(made_by={peft.__name__: peft.__version__}, linear=linear, cases=cases)
    (Path(__file__).parent / "peft").mkdir(exist_ok=True)
    (Path(__file__).parent / "peft/selection.json").write_text(json.dumps(out, indent=1) + "\n")
    print([len(case["adapted"]) for case in cases])
