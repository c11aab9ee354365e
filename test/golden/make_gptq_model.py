"""A tiny Llama as GPTQ and as AWQ store it in four bits, and its losses: writes test/models/{gptq,awq}/.

    pip install torch==2.15.0 transformers==5.24.0
    python test/golden/make_gptq_model.py

Codes, zero points and scales are drawn as round-to-nearest gives them, and packed as `pack` of AutoGPTQ's
`qlinear_cuda_old.py` and of AutoAWQ's `gemm.py` lays them out. The model computes in f32 with what comes of unpacking
them again, by the shifts with which both dequantise; AutoGPTQ's kernels round the numbers once more to 16 bits.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

MODELS = Path(__file__).parent.parent / "models"
CONFIG = dict(
    model_type="llama", architectures=["LlamaForCausalLM"], vocab_size=61, hidden_size=128, intermediate_size=128,
    num_hidden_layers=1, num_attention_heads=8, num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
    rms_norm_eps=1e-5, rope_theta=100.0, tie_word_embeddings=True, hidden_act="silu",
)  # fmt: skip
IDS = [3, 17, 41, 5, 22, 60, 9, 9, 30, 12, 1, 44]
BITS = 4
SHIFTS = torch.arange(0, 32, BITS, dtype=torch.int32)
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]
AWQ_REVERSE_ORDER = [0, 4, 1, 5, 2, 6, 3, 7]


def rounded(weight, group):
    """Codes [out, in], zero points and f16 scales [out, in / group]."""
    out, columns = weight.shape
    groups = weight.reshape(out, columns // group, group)
    low, high = groups.amin(2).clamp(max=0), groups.amax(2).clamp(min=0)
    scales = ((high - low) / 15).half()
    zeros = torch.round(-low / scales.float()).clamp(1, 15).int()  # AutoGPTQ cannot store 0
    codes = torch.round(groups / scales.float()[..., None] + zeros[..., None]).clamp(0, 15).int()
    return codes.reshape(out, columns), zeros, scales


def words(nibbles, dim):
    """Eight numbers in an int32, the first lowest, along `dim`."""
    shape = list(nibbles.shape)
    shape[dim : dim + 1] = [shape[dim] // 8, 8]
    shifts = SHIFTS.long().reshape([8] + [1] * (len(shape) - dim - 2))
    whole = (nibbles.long().reshape(shape) << shifts).sum(dim + 1)
    return torch.where(whole >= 2**31, whole - 2**32, whole).int()


def gptq(weight, group, more):
    codes, zeros, scales = rounded(weight, group)
    tensors = {
        "qweight": words(codes.T.contiguous(), 0),
        "qzeros": words((zeros - more).T.contiguous(), 1),
        "scales": scales.T.contiguous(),
        "g_idx": (torch.arange(weight.shape[1]) // group).int(),
    }
    q = torch.bitwise_right_shift(tensors["qweight"][:, None, :], SHIFTS[None, :, None]) & 15
    z = torch.bitwise_right_shift(tensors["qzeros"][:, :, None], SHIFTS[None, None, :]) + more & 15
    q, z = q.reshape(-1, weight.shape[0]), z.reshape(-1, weight.shape[0])
    g = tensors["g_idx"].long()
    return tensors, (tensors["scales"].float()[g] * (q - z[g])).T


def awq(weight, group):
    codes, zeros, scales = rounded(weight, group)
    ordered = lambda rows: rows.T.reshape(-1, weight.shape[0] // 8, 8)[:, :, AWQ_ORDER].reshape(-1, weight.shape[0])
    tensors = {
        "qweight": words(ordered(codes).contiguous(), 1),
        "qzeros": words(ordered(zeros).contiguous(), 1),
        "scales": scales.T.contiguous(),
    }
    unpack = lambda part: torch.bitwise_right_shift(part[:, :, None], SHIFTS[None, None, :]) & 15
    q, z = (unpack(tensors[part])[:, :, AWQ_REVERSE_ORDER].reshape(-1, weight.shape[0]) for part in ("qweight", "qzeros"))
    wide = lambda part: part.repeat_interleave(group, 0)
    return tensors, (wide(tensors["scales"].float()) * (q - wide(z))).T


def make(name, pack, quantization):
    torch.manual_seed(7)
    kinds = {k: v for k, v in CONFIG.items() if k not in ("model_type", "architectures")}
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model("llama", **kinds), dtype=torch.float32, attn_implementation="eager"
    )
    stored = {}
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight":
            continue
        with torch.no_grad():
            if "_proj" in key:
                parts, numbers = pack(8 * tensor)
                stored |= {f"{key.removesuffix('weight')}{part}": value for part, value in parts.items()}
                tensor.copy_(numbers)
            else:
                stored[key] = tensor.half()
                tensor.copy_(stored[key])
    with torch.no_grad():
        ids = torch.tensor([IDS])
        logits = model(ids).logits[0, :-1]
        nll = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum").item()
    folder = MODELS / name
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in stored.items()}, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps({**CONFIG, "quantization_config": quantization}, indent=2) + "\n")
    sums = {k: v.double().abs().sum().item() for k, v in model.state_dict().items() if "_proj" in k}
    (folder / "golden.json").write_text(json.dumps({"ids": IDS, "nll": nll, "sums": sums}, indent=2) + "\n")
    print(name, nll)


common = {"bits": BITS, "desc_act": False, "sym": False}
make("gptq", lambda weight: gptq(weight, 128, 1), {"quant_method": "gptq", "group_size": 128, **common})
make(
    "awq",
    lambda weight: awq(weight, 64),
    {"quant_method": "awq", "bits": BITS, "group_size": 64, "version": "gemm", "zero_point": True},
)
