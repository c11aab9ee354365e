"""A tiny Llama as mlx stores it in groups, and its loss: writes test/models/mlx/.

    pip install torch==2.15.0 transformers==5.24.0 mlx==0.32.4 mlx-cpu==0.32.4
    python test/golden/make_mlx_model.py

Each matrix has another number of bits, as the entries of `quantization` by module allow. The model computes with the
numbers in f32 that codes, scales and biases stand for; mlx rounds them once more where it dequantises to 16 bits.
"""

import json
from pathlib import Path

import mlx.core as mx
import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).parent.parent / "models" / "mlx"
CONFIG = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=61, hidden_size=64, intermediate_size=128,
    num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
    rms_norm_eps=1e-5, rope_theta=100.0, tie_word_embeddings=True, hidden_act="silu",
)  # fmt: skip
IDS = [3, 17, 41, 5, 22, 60, 9, 9, 30, 12, 1, 44]
ALL = {"group_size": 64, "bits": 4}
OTHERS = {
    "k_proj": {"group_size": 64, "bits": 3}, "v_proj": {"group_size": 64, "bits": 2},
    "o_proj": {"group_size": 64, "bits": 5}, "gate_proj": {"group_size": 64, "bits": 6},
    "up_proj": {"group_size": 64, "bits": 8}, "down_proj": {"group_size": 128, "bits": 4},
    "embed_tokens": {"group_size": 32, "bits": 4, "mode": "mxfp4"},
}  # fmt: skip

mx.set_default_device(mx.cpu)
torch.manual_seed(7)
kinds = {k: v for k, v in CONFIG.items() if k not in ("model_type", "architectures")}
model = AutoModelForCausalLM.from_config(
    AutoConfig.for_model("llama", **kinds), dtype=torch.float32, attn_implementation="eager"
)
f32 = lambda array: np.array(array.astype(mx.float32))
tensors, quantization = {}, dict(ALL)
for name, tensor in model.state_dict().items():
    if name == "lm_head.weight":
        continue
    stored = mx.array(8 * tensor.numpy() if tensor.ndim == 2 else tensor.numpy()).astype(mx.bfloat16)
    if tensor.ndim < 2:
        tensors[name] = stored
        continue
    module = name.removesuffix(".weight")
    how = OTHERS.get(module.split(".")[-1], ALL)
    if how is not ALL:
        quantization[module] = how
    codes, scales, *biases = mx.quantize(stored, **how)
    tensors |= {name: codes, f"{module}.scales": scales} | {f"{module}.biases": part for part in biases}
    if biases:
        fields = np.unpackbits(np.array(codes).view(np.uint8), axis=1, bitorder="little")
        places = 1 << np.arange(how["bits"])
        whole = (fields.reshape(*tensor.shape, how["bits"]) * places).sum(axis=2).astype(np.float32)
        wide = lambda part: np.repeat(f32(part), how["group_size"], axis=1)
        numbers = wide(scales) * whole + wide(biases[0])
    else:
        numbers = f32(mx.dequantize(codes, scales, **how))
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(numbers))
with torch.no_grad():
    ids = torch.tensor([IDS])
    logits = model(ids).logits[0, :-1]
    nll = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
OUT.mkdir(parents=True, exist_ok=True)
mx.save_safetensors(str(OUT / "model.safetensors"), tensors, {"format": "mlx"})
config = {**CONFIG, "quantization": quantization, "quantization_config": quantization}
(OUT / "config.json").write_text(json.dumps(config, indent=2) + "\n")
sums = {name: float(np.abs(tensor.numpy()).astype(np.float64).sum()) for name, tensor in model.state_dict().items()}
(OUT / "golden.json").write_text(json.dumps({"ids": IDS, "nll": nll, "sums": sums}, indent=2) + "\n")
print(nll)
