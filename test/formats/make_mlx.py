"""What mlx makes of the numbers of blocks.json, and what it reads back: adds its types there.

    pip install mlx==0.32.4 mlx-cpu==0.32.4 numpy==2.4.6
    python test/formats/make_mlx.py

A group is its scale and its bias in f32 and then its codes, which mlx keeps in three tensors. Read back they are
code x scale + bias, rounded after each in f32.
"""

import base64
import json
from pathlib import Path

import mlx.core as mx
import numpy as np

PATH = Path(__file__).parent / "blocks.json"
GROUP = 64

mx.set_default_device(mx.cpu)
blocks = json.loads(PATH.read_text())
numbers = np.frombuffer(base64.b64decode(blocks["f32"]), np.float32).reshape(blocks["shape"])
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
for bits in (2, 3, 4, 5, 6, 8):
    codes, scales, biases = mx.quantize(mx.array(numbers), group_size=GROUP, bits=bits)
    back = np.array(mx.dequantize(codes, scales, biases, group_size=GROUP, bits=bits))
    parts = [np.array(part).reshape(numbers.size // GROUP, -1).view(np.uint8) for part in (scales, biases, codes)]
    packed = np.concatenate(parts, axis=1)
    blocks[f"AFFINE_{bits}"] = {"bytes": encode(packed), "numbers": encode(back)}
blocks["source"] = "make_ggml.py, make_nf4.py, make_int8.py and make_mlx.py"
PATH.write_text(json.dumps(blocks, indent=2) + "\n")
