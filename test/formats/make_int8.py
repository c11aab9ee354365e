"""What bitsandbytes makes of the numbers of blocks.json in eight bits, and what it reads back: adds INT8 there.

    pip install torch==2.15.0 bitsandbytes==0.50.2
    python test/formats/make_int8.py

A group is the largest magnitude of its row in f32 and then 64 bytes of the row, which bitsandbytes keeps in two tensors.
"""

import base64
import json
from pathlib import Path

import numpy as np
import torch
from bitsandbytes.functional import int8_vectorwise_dequant, int8_vectorwise_quant

PATH = Path(__file__).parent / "blocks.json"
GROUP = 64

blocks = json.loads(PATH.read_text())
numbers = np.frombuffer(base64.b64decode(blocks["f32"]), np.float32).reshape(blocks["shape"]).copy()
# A row of zeros is 0 x 127 / 0 there, a NaN, which becomes 0 as a byte on x86-64.
codes, largest, _ = int8_vectorwise_quant(torch.from_numpy(numbers))
back = int8_vectorwise_dequant(codes, largest).numpy()
groups = numbers.size // GROUP
scales = np.repeat(largest.numpy(), groups // len(largest)).view(np.uint8).reshape(groups, 4)
packed = np.concatenate([scales, codes.numpy().view(np.uint8).reshape(groups, GROUP)], axis=1)
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
blocks["INT8"] = {"bytes": encode(packed), "numbers": encode(back)}
blocks["source"] = "make_ggml.py, make_nf4.py, make_int8.py and make_mlx.py"
PATH.write_text(json.dumps(blocks, indent=2) + "\n")
