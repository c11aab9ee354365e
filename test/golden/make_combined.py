"""Golden values of several adapters made one, by PEFT's add_weighted_adapter: peft/combined.*

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2 safetensors
    python test/golden/make_combined.py

Three adapters on the base of llama.json, whose numbers are made up here and kept as PEFT saves them. Of each case: rank
and targets of the result, and of every module two numbers of A, of B and of the update B A. What torch.bernoulli draws
for DARE is replaced by Graft's own random numbers (src/random.ts), so that both leave out the same.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import peft
import torch
from make_adapters import base_of
from make_golden import HERE, summary
from peft.tuners.lora.model import LoraModel
from safetensors.torch import load_file, save_file

ADAPTERS = [
    dict(r=4, lora_alpha=6, target_modules=["q_proj", "down_proj", "embed_tokens"]),
    dict(r=4, lora_alpha=10, target_modules=["q_proj", "down_proj", "embed_tokens"]),
    dict(r=3, lora_alpha=2, target_modules=["q_proj", "v_proj", "embed_tokens"], use_rslora=True),
]
SIGNED = [0.7, -0.4]
METHODS = [
    "svd", "linear", "cat", "ties", "ties_svd", "dare_linear", "dare_linear_svd", "dare_ties", "dare_ties_svd",
    "magnitude_prune", "magnitude_prune_svd",
]  # fmt: skip
CASES = [
    *(dict(adapters=[0, 1], weights=SIGNED, method=method) for method in METHODS),
    *(dict(adapters=[0, 1], weights=[1.0, 0.5], method=m, majority="frequency") for m in ("ties", "dare_ties_svd")),
    *(dict(adapters=[0, 2], weights=[0.5, 1.5], method=method) for method in ("cat", "svd", "ties_svd")),
    dict(adapters=[1, 0, 2], weights=[0.3, 0.3, 0.4], method="svd", rank=6),
]
NAME = "adapter"  # PEFT takes it out of the names of tensors, so it must not be a number of a layer
DENSITY = 0.6
SEED = 5


def murmur(seed, words):
    """MurmurHash3 over 32-bit words, the last of which may be an array."""
    with np.errstate(over="ignore"):
        h = np.uint32(seed)
        for word in words:
            k = np.asarray(word, dtype=np.uint32) * np.uint32(0xCC9E2D51)
            k = (k << np.uint32(15)) | (k >> np.uint32(17))
            h = h ^ (k * np.uint32(0x1B873593))
            h = (h << np.uint32(13)) | (h >> np.uint32(19))
            h = h * np.uint32(5) + np.uint32(0xE6546B64)
        h = h ^ np.uint32(4 * len(words))
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        return h ^ (h >> np.uint32(16))


class Drawn:
    """Stands in for torch.bernoulli: what is kept of module, tensor and adapter, number by number."""

    def __init__(self, model, adapters):
        layers = {n: m for n, m in model.named_modules() if isinstance(m, peft.tuners.lora.LoraLayer)}
        names = [name for name, layer in layers.items() if any(f"{NAME}{i}" in layer.scaling for i in adapters)]
        self.module = {name: i for i, name in enumerate(sorted(names))}
        self.name = {id(module): name for name, module in model.named_modules()}
        self.calls = 0

    def enter(self, target, count):
        self.index, self.count, self.calls = self.module[self.name[id(target)]], count, 0
        self.turned = isinstance(target, peft.tuners.lora.Embedding)

    def __call__(self, chances):
        tensor, adapter = divmod(self.calls, self.count)
        self.calls += 1
        # An update of a table is turned, [rows, columns]; factors are not.
        turned = self.turned and self.updates
        shape = chances.T.shape if turned else chances.shape
        words = [self.index, tensor, adapter, np.arange(chances.numel())]
        kept = torch.tensor(murmur(SEED, words) / 2.0**32 < DENSITY).reshape(shape).float()
        return kept.T if turned else kept


def adapter_model():
    golden = json.loads((HERE / "llama.json").read_text())
    base = base_of(golden, load_file(HERE / "llama.safetensors"))
    generator = torch.Generator().manual_seed(78)
    model = None
    for i, settings in enumerate(ADAPTERS):
        config = peft.LoraConfig(task_type="CAUSAL_LM", **settings)
        if model is None:
            model = peft.get_peft_model(base, config, adapter_name=NAME + "0", low_cpu_mem_usage=False)
        else:
            model.add_adapter(f"{NAME}{i}", config)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if ".lora_" in name:
                tensor.copy_(torch.randn(tensor.shape, generator=generator) / tensor.shape[-1] ** 0.5)
    return model


def saved(model, name):
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, selected_adapters=[name])
        inner = Path(folder) / name
        return load_file(inner / "adapter_model.safetensors"), json.loads((inner / "adapter_config.json").read_text())


def made(model, adapters, weights, method, majority="total", rank=None):
    torch.bernoulli = drawn = Drawn(model, adapters)
    for sums in ("_generalized_task_arithmetic_weighted_adapter", "_svd_generalized_task_arithmetic_weighted_adapter"):
        original = getattr(LoraModel, sums)

        def entering(self, *args, original=original, sums=sums, **kwargs):
            target = next(arg for arg in args if isinstance(arg, torch.nn.Module))
            drawn.updates = "svd" in sums
            drawn.enter(target, len(adapters))
            return original(self, *args, **kwargs)

        setattr(model.base_model, sums, entering.__get__(model.base_model))
    model.add_weighted_adapter(
        [f"{NAME}{i}" for i in adapters], weights, "new", method, density=DENSITY, majority_sign_method=majority, svd_rank=rank
    )
    tensors, config = saved(model, "new")
    model.delete_adapter("new")
    modules = {}
    for name, a in tensors.items():
        if "lora_A" not in name and "embedding_A" not in name:
            continue
        b = tensors[name.replace("lora_A", "lora_B").replace("embedding_A", "embedding_B")]
        module = name.removeprefix("base_model.model.").split(".lora_")[0]
        modules[module] = {"a": summary(a), "b": summary(b), "update": summary(b @ a)}
    targets = sorted(config["target_modules"])
    return {"rank": config["r"], "alpha": config["lora_alpha"], "targets": targets, "modules": modules}


if __name__ == "__main__":
    torch.set_num_threads(1)
    model = adapter_model()
    tensors, configs = {}, []
    for i in range(len(ADAPTERS)):
        numbers, config = saved(model, f"{NAME}{i}")
        tensors |= {f"{i}/{name}": tensor.contiguous() for name, tensor in numbers.items() if ".lora_" in name}
        configs.append(config)
    cases = [{**case, "wanted": made(model, **case)} for case in CASES]
    out = {"made_by": {m.__name__: m.__version__ for m in (torch, peft)}, "density": DENSITY, "seed": SEED}
    out |= {"adapters": configs, "cases": cases}
    (HERE / "peft" / "combined.json").write_text(json.dumps(out) + "\n")
    save_file(tensors, HERE / "peft" / "combined.safetensors")
    print(len(cases), "cases")
