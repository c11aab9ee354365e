"""Golden values of LoftQ: peft/loftq.json

    pip install torch==2.15.0 peft==0.21.2 bitsandbytes==0.50.2
    python test/golden/make_loftq.py

PEFT's decomposition of what bitsandbytes' rounding to nf4 takes from matrices that the test makes alike. The test reads
only the results, so CI needs no Python.
"""

import json
from pathlib import Path

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from make_golden import summary
from peft.utils.loftq_utils import _low_rank_decomposition

SHAPES, RANK = [(48, 64), (24, 128)], 5


def noise(length, seed):
    """As test/harness.ts has it."""
    x, numbers = seed * 2654435761 % 2**32, []
    for _ in range(length):
        x = (x * 1664525 + 1013904223) % 2**32
        numbers.append(x / 2**31 - 1)
    return torch.tensor(numbers, dtype=torch.float32)


def make(seed, shape):
    weight = noise(shape[0] * shape[1], seed).reshape(shape)
    lost = weight - dequantize_4bit(*quantize_4bit(weight, blocksize=64, quant_type="nf4"))
    factors = _low_rank_decomposition(lost, reduced_rank=RANK)
    start = factors["L"] @ factors["R"]
    norms = {"lost": lost.norm().item(), "left": (lost - start).norm().item()}
    return {"shape": shape, "rank": RANK, **norms, "start": summary(start)}


if __name__ == "__main__":
    made = [make(i + 1, shape) for i, shape in enumerate(SHAPES)]
    path = Path(__file__).parent / "peft" / "loftq.json"
    path.write_text(json.dumps(made, indent=1) + "\n")
    print(*made, sep="\n")
