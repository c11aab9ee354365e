"""What bitsandbytes makes of the numbers of blocks.json, and what it reads back: adds NF4 and NF4_DOUBLE there.

    pip install torch==2.15.0 bitsandbytes==0.50.2
    python test/formats/make_nf4.py

A group is its largest number in f32 and then its 32 bytes, which bitsandbytes keeps in two tensors; with double
quantisation what the code of that number stands for. `nested` has a hash of what a checkpoint holds of many groups,
whose largest numbers are whole 256ths: their sum, and so the offset, is the same in any order.

Codes of scales are those of bitsandbytes' kernel of plain torch; its library for processors finds them in a table of
65536 steps, and is asked to agree here.
"""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from bitsandbytes.functional import create_dynamic_map, dequantize_4bit, quantize_4bit

PATH = Path(__file__).parent / "blocks.json"

GRADED = (52, 1280)

blocks = json.loads(PATH.read_text())
numbers = torch.from_numpy(np.frombuffer(base64.b64decode(blocks["f32"]), np.float32).copy())
packed, state = quantize_4bit(numbers, quant_type="nf4", blocksize=64)
largest = state.absmax.numpy().view(np.uint8).reshape(-1, 4)
groups = np.concatenate([largest, packed.numpy().reshape(-1, 32)], axis=1)
back = dequantize_4bit(packed, state).numpy()
encode = lambda array: base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
blocks["NF4"] = {"bytes": encode(groups), "numbers": encode(back)}


def nested(numbers):
    """The parts of a checkpoint, and the numbers."""
    packed, state = quantize_4bit(numbers, quant_type="nf4", blocksize=64, compress_statistics=True)
    scales = numbers.reshape(-1, 64).abs().amax(1) - state.offset
    kernel = torch.ops.bitsandbytes.quantize_blockwise.default._op_dk
    key = torch._C.DispatchKey.CompositeExplicitAutograd
    codes, largest = kernel(key, scales, create_dynamic_map(), 256)
    assert torch.equal(codes, state.absmax) and torch.equal(largest, state.state2.absmax)
    return packed, state, dequantize_4bit(packed, state).numpy()


packed, state, back = nested(numbers)
scales = create_dynamic_map()[state.absmax.long()] * state.state2.absmax.repeat_interleave(256)[: len(state.absmax)]
groups = np.concatenate(
    [(scales + state.offset).numpy().view(np.uint8).reshape(-1, 4), packed.numpy().reshape(-1, 32)], axis=1
)
blocks["NF4_DOUBLE"] = {"bytes": encode(groups), "numbers": encode(back)}


def graded(shape):
    """Whole 2^-14 of all sizes, as formats_test.ts has them."""
    at = np.arange(shape[0] * shape[1], dtype=np.uint32)
    spread = (at * np.uint32(2654435761) >> np.uint32(23)).astype(np.float32) - 256
    size = (at // 64 * 37 % 61 + 1).astype(np.float32)
    return torch.from_numpy((spread * size / 2**14).reshape(shape))


packed, state, back = nested(graded(GRADED))
parts = [packed, state.absmax, state.state2.absmax, state.offset, torch.from_numpy(back)]
hashes = [hashlib.sha256(part.contiguous().numpy().tobytes()).hexdigest() for part in parts]
blocks["nested"] = {"shape": GRADED, "sha256": dict(zip(("codes", "scales", "largest", "offset", "numbers"), hashes))}
PATH.write_text(json.dumps(blocks, indent=2) + "\n")
