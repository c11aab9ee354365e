"""What ggml makes of the numbers of blocks.json, and what it reads back: adds its types there, and hashes of more.

    python test/formats/make_ggml.py LIBGGML_BASE

The library is that of llama.cpp 0.5.0 for x86-64 without FMA, as the npm package @node-llama-cpp/linux-x64 3.22.1 has it
(libggml-base.so); where a compiler fuses products and sums, some codes come out otherwise. `many` are the numbers that
formats_test.ts makes the same way, and `weighted` those with an importance for each column.
"""

import base64
import ctypes
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

PATH = Path(__file__).parent / "blocks.json"
TYPES = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL", "Q4_K", "Q5_K", "Q6_K", "MXFP4")
MANY = [128, 1024]

ggml = ctypes.CDLL(sys.argv[1])
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
ggml.ggml_quantize_chunk.argtypes = [
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p
]  # fmt: skip


def quantize(name, numbers, importance=None):
    kind = GGMLQuantizationType[name]
    block, size = GGML_QUANT_SIZES[kind]
    out = np.zeros(numbers.size // block * size, np.uint8)
    numbers = np.ascontiguousarray(numbers, np.float32)
    rows, columns = (1, numbers.size) if importance is None else numbers.shape
    weights = None if importance is None else importance.ctypes.data
    written = ggml.ggml_quantize_chunk(int(kind), numbers.ctypes.data, out.ctypes.data, 0, rows, columns, weights)
    assert written == out.size
    return out


def uniform(count, seed):
    x, noise = 2654435761 * seed % 2**32, np.zeros(count, np.float32)
    for i in range(count):
        x = (x * 1664525 + 1013904223) % 2**32
        noise[i] = x / 2**31 - 1
    return noise


def importances():
    """Squares of uniform noise, every 97th 0."""
    noise = uniform(MANY[1], 11)
    return np.where(np.arange(MANY[1]) % 97 == 0, 0, noise * noise).astype(np.float32)


def many():
    """Cubes of uniform noise, rows of other magnitudes, every fifth away from 0."""
    rows, columns = MANY
    noise = uniform(rows * columns, 7).reshape(MANY)
    cubes = noise * noise * noise
    row = np.arange(rows)[:, None]
    shifted = np.where(row % 5 == 0, cubes + np.float32(0.75), cubes)
    return (shifted * np.exp2(row % 29 - 20).astype(np.float32)).astype(np.float32)


blocks = json.loads(PATH.read_text())
numbers = np.frombuffer(base64.b64decode(blocks["f32"]), np.float32)
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
more = many()
blocks["many"] = {"shape": MANY, "sha256": {}, "weighted": {}}
for name in TYPES:
    packed = quantize(name, numbers)
    back = dequantize(packed, GGMLQuantizationType[name])
    found = {"bytes": encode(packed), "numbers": encode(back)}
    assert name not in blocks or blocks[name] == found or print(f"{name} was other")
    blocks[name] = found
    blocks["many"]["sha256"][name] = hashlib.sha256(quantize(name, more).tobytes()).hexdigest()
    blocks["many"]["weighted"][name] = hashlib.sha256(quantize(name, more, importances()).tobytes()).hexdigest()
blocks["source"] = "make_ggml.py, make_nf4.py, make_int8.py and make_mlx.py"
PATH.write_text(json.dumps(blocks, indent=2) + "\n")
