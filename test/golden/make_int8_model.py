"""A tiny Llama in bitsandbytes' eight bits, and its loss: writes test/models/int8/.

    pip install torch==2.15.0 transformers==5.24.0 bitsandbytes==0.50.2
    python test/golden/make_int8_model.py

The matrices are replaced by their numbers in int8, as the model would compute with them in f32: bitsandbytes' own layers
round what they are multiplied with to eight bits too.
"""

import json
from pathlib import Path

import torch
from bitsandbytes.functional import int8_vectorwise_dequant
from bitsandbytes.nn import Linear8bitLt
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

OUT = Path(__file__).parent.parent / "models" / "int8"
CONFIG = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=61, hidden_size=64, intermediate_size=128,
    num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
    rms_norm_eps=1e-5, rope_theta=100.0, tie_word_embeddings=True, hidden_act="silu",
)  # fmt: skip
IDS = [3, 17, 41, 5, 22, 60, 9, 9, 30, 12, 1, 44]

torch.manual_seed(7)
kinds = {k: v for k, v in CONFIG.items() if k not in ("model_type", "architectures")}
model = AutoModelForCausalLM.from_config(
    AutoConfig.for_model("llama", **kinds), dtype=torch.float32, attn_implementation="eager"
)
tensors = {}
for name, tensor in model.state_dict().items():
    if name == "lm_head.weight":
        continue
    if "_proj" not in name:
        tensors[name] = tensor
        continue
    rows, columns = tensor.shape
    layer = Linear8bitLt(columns, rows, bias=False, has_fp16_weights=False, threshold=6.0)
    layer.load_state_dict({"weight": (8 * tensor).half()})
    state = layer.to("cpu").state_dict()
    assert set(state) == {"weight", "SCB", "weight_format"}, set(state)
    with torch.no_grad():
        tensor.copy_(int8_vectorwise_dequant(state["weight"], state["SCB"]))
    tensors |= {f"{name.removesuffix('weight')}{part}": value for part, value in state.items()}
with torch.no_grad():
    ids = torch.tensor([IDS])
    logits = model(ids).logits[0, :-1]
    nll = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
OUT.mkdir(parents=True, exist_ok=True)
save_file({k: v.contiguous() for k, v in tensors.items()}, OUT / "model.safetensors", {"format": "pt"})
quantization = {
    "quant_method": "bitsandbytes", "load_in_4bit": False, "load_in_8bit": True, "llm_int8_threshold": 6.0,
}  # fmt: skip
(OUT / "config.json").write_text(json.dumps({**CONFIG, "quantization_config": quantization}, indent=2) + "\n")
(OUT / "golden.json").write_text(json.dumps({"ids": IDS, "nll": nll}) + "\n")
print(nll, {k: (v.dtype, tuple(v.shape)) for k, v in tensors.items()})
