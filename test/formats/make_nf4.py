"""What bitsandbytes makes of the numbers of blocks.json, and what it reads back: adds NF4 there.

    pip install torch==2.15.0 bitsandbytes==0.50.2
    python test/formats/make_nf4.py

A group is its largest number in f32 and then its 32 bytes, which bitsandbytes keeps in two tensors.
"""

import base64
import json
from pathlib import Path

import numpy as np
import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit

PATH = Path(__file__).parent / "blocks.json"

blocks = json.loads(PATH.read_text())
numbers = torch.from_numpy(np.frombuffer(base64.b64decode(blocks["f32"]), np.float32).copy())
packed, state = quantize_4bit(numbers, quant_type="nf4", blocksize=64)
largest = state.absmax.numpy().view(np.uint8).reshape(-1, 4)
groups = np.concatenate([largest, packed.numpy().reshape(-1, 32)], axis=1)
back = dequantize_4bit(packed, state).numpy()
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
blocks["NF4"] = {"bytes": encode(groups), "numbers": encode(back)}
PATH.write_text(json.dumps(blocks, indent=2) + "\n")
