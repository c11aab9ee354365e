"""A tiny Llama in bitsandbytes' nf4, and its loss: writes test/models/nf4/{plain,nested}/.

    pip install torch==2.15.0 transformers==5.24.0 bitsandbytes==0.50.2
    python test/golden/make_nf4_model.py

The matrices are replaced by their numbers in nf4, as the model would compute with them in f32; bitsandbytes' own layers
round them once more to their compute dtype.
"""

import json
from pathlib import Path

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).parent.parent / "models" / "nf4"
CONFIG = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=61, hidden_size=64, intermediate_size=128,
    num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
    rms_norm_eps=1e-5, rope_theta=100.0, tie_word_embeddings=True, hidden_act="silu",
)  # fmt: skip
IDS = [3, 17, 41, 5, 22, 60, 9, 9, 30, 12, 1, 44]


def make(name, nested):
    torch.manual_seed(7)
    kinds = {k: v for k, v in CONFIG.items() if k not in ("model_type", "architectures")}
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("llama", **kinds), dtype=torch.float32, attn_implementation="eager"
    )
    tensors = {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight":
            continue
        if "_proj" not in key:
            tensors[key] = tensor.half() if "embed" in key else tensor
            continue
        packed, state = quantize_4bit(tensor * 8, quant_type="nf4", blocksize=64, compress_statistics=nested)
        with torch.no_grad():
            tensor.copy_(dequantize_4bit(packed, state))
        tensors[key] = packed
        tensors |= {f"{key}.{part}": value for part, value in state.as_dict(packed=True).items()}
    with torch.no_grad():
        model.get_input_embeddings().weight.copy_(model.get_input_embeddings().weight.half().float())
        ids = torch.tensor([IDS])
        logits = model(ids).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    quantization = {
        "quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False, "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": nested, "bnb_4bit_compute_dtype": "float32",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps({**CONFIG, "quantization_config": quantization}, indent=2) + "\n")
    (folder / "golden.json").write_text(json.dumps({"ids": IDS, "nll": nll}) + "\n")
    print(name, nll)


make("plain", False)
make("nested", True)
