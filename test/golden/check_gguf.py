"""Opens what exports.ts left with gguf and llama.cpp, and compares with transformers and PEFT.

    deno run -A test/golden/exports.ts OUT && python test/golden/check_gguf.py OUT [LLAMA_CPP]

Needs the packages that make_golden.py names, gguf and llama-cpp-python (0.3.36 was used). With a checkout of
llama.cpp its own converter is asked too, and every tensor compared byte by byte.
"""

import ctypes
import json
import sys
from pathlib import Path

sys.path[:0] = [path for root in sys.argv[2:3] for path in (root, f"{root}/gguf-py")]  # its converter needs its own gguf

import gguf
import llama_cpp
import numpy
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
from transformers.utils import logging

BOUND = 1e-4
GELU_BOUND = 1e-2  # ggml looks GELU up in a table of f16 numbers
HOW = dict(dtype=torch.float32, attn_implementation="eager")
# Metadata that this export writes, or leaves out, where llama.cpp's converter does not.
FREE = ("general.", "GGUF.", "tokenizer.ggml.add_", "tokenizer.chat_template", ".vocab_size",
        ".rope.dimension_count", ".attention.key_length", ".attention.value_length",
        ".sliding_window_pattern", ".rope.scaling.original_context_length", ".rope.freq_base")  # fmt: skip


class Llama:
    """llama.cpp on the CPU, in f32 throughout, with an adapter where one is given."""

    def __init__(self, path, adapter=None):
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        assert self.model, f"llama.cpp does not load {path}"
        context = llama_cpp.llama_context_default_params()
        context.n_ctx, context.n_batch, context.n_ubatch = 256, 256, 256
        context.type_k = context.type_v = 0  # f32
        context.flash_attn_type = 0
        context.n_threads = context.n_threads_batch = 1
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if adapter:
            lora = llama_cpp.llama_adapter_lora_init(self.model, str(adapter).encode())
            assert lora, f"llama.cpp does not load {adapter}"
            array, scale = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(lora), (ctypes.c_float * 1)(1.0)
            assert llama_cpp.llama_set_adapters_lora(self.context, array, 1, scale) == 0
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocab)

    def logits(self, ids):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)
        batch = llama_cpp.llama_batch_init(len(ids), 0, 1)
        batch.n_tokens = len(ids)
        for i, token in enumerate(ids):
            batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, i, 1, True
            batch.seq_id[i][0] = 0
        assert llama_cpp.llama_decode(self.context, batch) == 0
        rows = [numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self.context, i), (self.size,)).copy()
                for i in range(len(ids))]  # fmt: skip
        llama_cpp.llama_batch_free(batch)
        return torch.tensor(numpy.stack(rows))

    def tokens(self, text, special=True):
        data = text.encode()
        array = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self.vocab, data, len(data), array, len(array), special, False)
        return list(array[:count])


def reference(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def distance(llama, model, documents):
    return max((llama.logits(ids) - reference(model, ids)).abs().max().item() for ids in documents)


def check(folder):
    documents = json.loads((folder / "ids.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(folder, **HOW).eval()
    found = {"base": distance(Llama(folder / "F32.gguf"), base, documents)}
    rough = {t: distance(Llama(folder / f"{t}.gguf"), base, documents) for t in ("BF16", "F16", "Q8_0")}
    adapted = PeftModel.from_pretrained(base, folder / "adapter").eval()
    found["merged"] = distance(Llama(folder / "merged.gguf"), adapted, documents)
    found["adapter"] = distance(Llama(folder / "F32.gguf", folder / "lora.gguf"), adapted, documents)
    without = distance(Llama(folder / "F32.gguf"), adapted, documents)
    words = ", ".join(f"{what} {error:.1e}" for what, error in [*found.items(), *rough.items()])
    print(f"{folder.name}: {words}, without adapter {without:.1e}")
    bound = GELU_BOUND if folder.name.startswith("gemma") else BOUND
    return max(found.values()) <= bound and without > 100 * bound


def check_text(folder):
    """A real model and its tokenizer: the ids of texts, and what follows them greedily."""
    there = json.loads((folder / "text.json").read_text())
    llama = Llama(folder / "model.gguf")
    model = AutoModelForCausalLM.from_pretrained(there["model"], **HOW).eval()
    wrong = [text for text, ids in there["texts"] if llama.tokens(text) != ids]
    ids = list(there["prompt"])
    for _ in there["greedy"]:
        ids.append(llama.logits(ids)[-1].argmax().item())
    same = ids[len(there["prompt"]) :] == there["greedy"]
    error = distance(llama, model, [ids])
    count = len(there["texts"])
    print(f"{folder.name}: logits {error:.1e}, greedy text equal {same}, {count - len(wrong)} of {count} texts have equal ids")
    for text in wrong:
        print(f"  {text!r}: {llama.tokens(text)}")
    return same and not wrong and error <= BOUND


def compare_with_converter(folder):
    """Byte for byte, and value for value but for those in FREE."""
    import conversion

    conversion.load_all_models()
    from conversion.base import ModelBase, ModelType, get_model_architecture

    ModelBase.load_hparams = staticmethod(lambda folder, is_mistral_format: json.loads((folder / "config.json").read_text()))
    hparams = ModelBase.load_hparams(folder, False)
    kind = ModelBase.from_model_architecture(get_model_architecture(hparams, ModelType.TEXT))
    kind.get_vocab_base_pre = lambda self, tokenizer: "gpt-2"
    kind.set_vocab = lambda self: self._set_vocab_gpt2()
    types = {"F32": "ALL_F32", "F16": "MOSTLY_F16", "BF16": "MOSTLY_BF16", "Q8_0": "MOSTLY_Q8_0"}
    for type, name in types.items():
        out = folder / f"converter_{type}.gguf"
        with torch.inference_mode():
            kind(folder, getattr(gguf.LlamaFileType, name), out, hparams=dict(hparams)).write()
        theirs, ours = gguf.GGUFReader(out), gguf.GGUFReader(folder / f"{type}.gguf")
        a, b = ({t.name: t for t in reader.tensors} for reader in (theirs, ours))
        assert set(a) == set(b), f"{folder.name} {type}: tensors {set(a) ^ set(b)}"
        for key in a:
            assert a[key].tensor_type == b[key].tensor_type and list(a[key].shape) == list(b[key].shape), key
            same = (a[key].data == b[key].data).all()
            close = key == "rope_freqs.weight" and numpy.allclose(a[key].data, b[key].data, rtol=1e-6)
            assert same or close, f"{folder.name} {type}: {key} has other bytes"
        x, y = ({k: f.contents() for k, f in reader.fields.items()} for reader in (theirs, ours))
        for key in sorted(set(x) | set(y)):
            if x.get(key) != y.get(key) and not any(free in key for free in FREE):
                raise AssertionError(f"{folder.name} {type}: {key} is {x.get(key)} there, {y.get(key)} here")
    print(f"{folder.name}: {len(a)} tensors of {len(types)} types equal llama.cpp's converter's byte for byte")


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    failed = []
    for folder in sorted(path for path in Path(sys.argv[1]).iterdir()):
        try:
            is_text = (folder / "text.json").exists()
            fine = check_text(folder) if is_text else check(folder)
            if len(sys.argv) > 2 and not is_text:
                compare_with_converter(folder)
        except Exception as fault:  # says which family a library cannot open
            print(f"{folder.name}: {fault!r}")
            fine = False
        failed += [] if fine else [folder.name]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
