"""The types that llama.cpp's quantiser gives the tensors of small files: writes file_types.json.

    python test/export/make_file_types.py FOLDER

The folder has llama.cpp 0.5.0's libraries, as that of the npm package @node-llama-cpp/linux-x64 3.22.1 has them. Of each
file what most tensors have is left out.
"""

import ctypes
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

import gguf
import numpy as np

FTYPES = {
    "F16": 1, "BF16": 32, "Q8_0": 7, "Q6_K": 18, "Q5_K_M": 17, "Q5_K_S": 16, "Q5_1": 9, "Q5_0": 8,
    "Q4_K_M": 15, "Q4_K_S": 14, "Q4_1": 3, "Q4_0": 2, "IQ4_NL": 25,
}  # fmt: skip
MODULES = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
FUSED = ("attn_qkv", "attn_output", "ffn_up", "ffn_down")
CASES = [
    dict(layers=30, heads=8, groups=2, tied=True, columns=256),
    dict(layers=17, heads=8, groups=8, tied=False, columns=256),
    dict(layers=80, heads=8, groups=1, tied=False, columns=256),
    dict(layers=3, heads=8, groups=8, tied=True, columns=96),
    dict(layers=3, heads=8, groups=8, tied=False, columns=96),
    dict(layers=2, heads=8, groups=8, tied=True, columns=48),
    dict(layers=32, heads=8, groups=8, tied=False, columns=256, fused=True),
    dict(layers=17, heads=8, groups=8, tied=False, columns=256, byImportance=True),
]


class Params(ctypes.Structure):  # llama_model_quantize_params
    _fields_ = [(name, ctypes.c_int32) for name in ("nthread", "ftype", "output", "embedding")] + [
        (name, ctypes.c_bool) for name in ("requantize", "quantize_output", "copy", "pure", "split", "dry")
    ] + [(name, ctypes.c_void_p) for name in ("imatrix", "overrides", "types", "prune")] + [("buffer", ctypes.c_size_t)]  # fmt: skip


libraries = Path(sys.argv[1])
for name in ("libggml-base.so", "libggml.v0.5.0.so"):
    ctypes.CDLL(str(libraries / name), mode=ctypes.RTLD_GLOBAL)
llama = ctypes.CDLL(str(libraries / "libllama.v0.5.0.so"))
llama.llama_model_quantize_default_params.restype = Params
llama.llama_model_quantize.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Params)]


def write(path, layers, heads, groups, tied, columns, fused=False, byImportance=False):
    writer = gguf.GGUFWriter(path, "phi3" if fused else "llama")
    writer.add_block_count(layers)
    writer.add_context_length(64)
    writer.add_embedding_length(columns)
    writer.add_feed_forward_length(columns)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_layer_norm_rms_eps(1e-5)
    if fused:
        writer.add_rope_scaling_orig_ctx_len(64)
    rows = np.random.default_rng(1).standard_normal((4, columns)).astype(np.float32)
    writer.add_tensor("token_embd.weight", rows)
    for layer in range(layers):
        for module in FUSED if fused else MODULES:
            writer.add_tensor(f"blk.{layer}.{module}.weight", rows)
    if not tied:
        writer.add_tensor("output.weight", rows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Importance(ctypes.Structure):  # llama_model_imatrix_data
    _fields_ = [("name", ctypes.c_char_p), ("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def types(source, out, ftype, importance=False):
    params = llama.llama_model_quantize_default_params()
    assert params.ftype == 7 and params.output == 43, "another llama.cpp"
    params.nthread, params.ftype = 1, ftype
    ones = np.ones(256, np.float32)
    entries = (Importance * 2)(Importance(b"blk.0.ffn_down.weight", ones.ctypes.data, ones.size), Importance())
    if importance:
        params.imatrix = ctypes.cast(entries, ctypes.c_void_p)
    assert llama.llama_model_quantize(str(source).encode(), str(out).encode(), ctypes.byref(params)) == 0
    reader = gguf.GGUFReader(out)
    assert reader.fields["general.file_type"].contents() == ftype
    return {tensor.name: tensor.tensor_type.name for tensor in reader.tensors}


if __name__ == "__main__":
    found = []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "f32.gguf", Path(folder) / "out.gguf"
        for case in CASES:
            write(source, **case)
            kinds = {}
            for name, ftype in FTYPES.items():
                of = types(source, out, ftype, case.get("byImportance", False))
                most = Counter(of.values()).most_common(1)[0][0]
                kinds[name] = {"most": most, **{tensor: kind for tensor, kind in of.items() if kind != most}}
            found.append({**case, "kinds": kinds})
    text = json.dumps({"source": "make_file_types.py", "ftypes": FTYPES, "cases": found})
    (Path(__file__).parent / "file_types.json").write_text(text + "\n")
