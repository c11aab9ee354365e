"""Golden updates of optimisers: optimizers.json

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 lion-pytorch==0.2.5 bitsandbytes==0.50.2 triton safetensors
    python test/golden/make_optimizers.py

Ten updates of a vector by each optimiser of torch, and by Lion as its authors' successors publish it; of matrices by
torch's Muon and transformers' Adafactor, and by bitsandbytes' AdamW in eight bits; and the learning rates that PEFT's LoRA+ gives the params of an adapter. The tests read only the results, so CI needs no Python.
"""

import json
from pathlib import Path

import peft
import torch
from bitsandbytes.backends.triton.kernels_optim import optimizer_update_8bit_blockwise_pytorch
from bitsandbytes.functional import create_dynamic_map
from lion_pytorch import Lion
from make_adapters import CASES, base_of
from peft.optimizers import create_loraplus_optimizer
from safetensors.torch import load_file
from transformers.optimization import Adafactor

HERE = Path(__file__).parent
STEPS, NUMBERS, RATE, DECAY = 10, 8, 0.05, 0.1

OPTIMIZERS = {
    "adamw": lambda p: torch.optim.AdamW(p, lr=RATE, betas=(0.8, 0.95), eps=1e-6, weight_decay=DECAY),
    "lion": lambda p: Lion(p, lr=RATE, betas=(0.8, 0.95), weight_decay=DECAY),
    "sgd": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.7, weight_decay=DECAY),
    "nesterov": lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.7, nesterov=True, weight_decay=DECAY),
}


def updates(make):
    generator = torch.Generator().manual_seed(5)
    p = torch.randn(NUMBERS, generator=generator, dtype=torch.float64).float().double().requires_grad_()
    optimizer = make([p])
    made = {"start": p.tolist(), "gradients": [], "after": []}
    for _ in range(STEPS):
        p.grad = torch.randn(NUMBERS, generator=generator, dtype=torch.float64).float().double()
        made["gradients"].append(p.grad.tolist())
        optimizer.step()
        made["after"].append(p.tolist())
    return made


def muon_updates(rows, columns):
    """In f64, where torch would round to bf16 before the steps of Newton and Schulz."""
    generator = torch.Generator().manual_seed(rows)
    p = torch.randn(rows, columns, generator=generator).double().requires_grad_()
    optimizer = torch.optim.Muon([p], lr=RATE, momentum=0.8, weight_decay=DECAY)
    made = {"rows": rows, "columns": columns, "start": p.flatten().tolist(), "gradients": [], "after": []}
    rounded, torch.bfloat16 = torch.bfloat16, torch.float64
    for _ in range(3):
        p.grad = torch.randn(rows, columns, generator=generator).double()
        made["gradients"].append(p.grad.flatten().tolist())
        optimizer.step()
        made["after"].append(p.flatten().tolist())
    torch.bfloat16 = rounded
    return made


def adafactor_updates(rows, columns):
    """With a rate of its own, as transformers' Trainer has it; a vector where there are no columns."""
    generator = torch.Generator().manual_seed(rows)
    shape = (rows, columns) if columns else (rows,)
    p = torch.randn(shape, generator=generator).requires_grad_()
    optimizer = Adafactor([p], lr=RATE, weight_decay=DECAY, scale_parameter=False, relative_step=False)
    made = {"rows": rows, "columns": columns, "start": p.flatten().tolist(), "gradients": [], "after": []}
    for i in range(STEPS):
        p.grad = torch.randn(shape, generator=generator) * (1 + i % 3)
        made["gradients"].append(p.grad.flatten().tolist())
        optimizer.step()
        made["after"].append(p.flatten().tolist())
    return made


def noise(length, seed):
    """As test/harness.ts has it."""
    x, numbers = seed * 2654435761 % 2**32, []
    for _ in range(length):
        x = (x * 1664525 + 1013904223) % 2**32
        numbers.append(x / 2**31 - 1)
    return torch.tensor(numbers, dtype=torch.float32)


def adamw_8bit_updates(numbers=640):
    """By bitsandbytes' own reference of its kernels, with gradients that the test makes alike."""
    torch._dynamo.config.disable = True
    maps = [create_dynamic_map(signed).float() for signed in (True, False)]
    p, codes = noise(numbers, 3), [torch.zeros(numbers, dtype=torch.uint8) for _ in range(2)]
    scales = [torch.zeros(-(-numbers // 256)) for _ in range(2)]
    for step in range(1, STEPS + 1):
        g = noise(numbers, 50 + step) ** 5
        optimizer_update_8bit_blockwise_pytorch(
            p, g, *codes, 0.8, 0.95, 0.0, 0.0, 1e-6, step, RATE, *maps, *scales, DECAY, 1.0, False, optimizer_name="adam"
        )
    m, v = codes
    kept = {"m": bytes(m).hex(), "v": bytes(v).hex(), "scales": [s.tolist() for s in scales]}
    return {"after": p.tolist(), **kept}


def rates(ratio):
    """Learning rate over that of A, of each trained param as PEFT saves it."""
    case = dict(CASES["saved_and_lora_only"])
    base = case.pop("base")
    case["modules_to_save"] = ["norm", "lm_head"]
    golden = json.loads((HERE / f"{base}.json").read_text())
    model = base_of(golden, load_file(HERE / f"{base}.safetensors"))
    model = peft.get_peft_model(model, peft.LoraConfig(r=4, task_type="CAUSAL_LM", **case))
    optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, lr=1.0, loraplus_lr_ratio=ratio)
    names = {id(p): name for name, p in model.named_parameters()}

    def short(name):
        name = name.replace("modules_to_save.default.", "").replace(".default", "").replace("base_layer.", "")
        return name.removeprefix("base_model.model.")

    return {short(names[id(p)]): group["lr"] for group in optimizer.param_groups for p in group["params"]}


if __name__ == "__main__":
    made = {name: updates(make) for name, make in OPTIMIZERS.items()}
    muon = [muon_updates(4, 8), muon_updates(12, 4)]
    adafactor = [adafactor_updates(4, 8), adafactor_updates(12, 4), adafactor_updates(8, 0)]
    out = {"rate": RATE, "decay": DECAY, "updates": made, "muon": muon, "adafactor": adafactor}
    out |= {"adamw_8bit": adamw_8bit_updates()}
    out |= {"lora_plus": {"ratio": 16, "rates": rates(16)}}
    (HERE / "optimizers.json").write_text(json.dumps(out, indent=1) + "\n")
    print(*out["lora_plus"]["rates"].items(), sep="\n")
