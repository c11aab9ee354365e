"""Golden values of virtual tokens in front of documents, made by PEFT: peft/<case>.*

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python test/golden/make_prompts.py [case ...]

Each case is a prompt method on a checkpoint that make_golden.py left: the files that PEFT saves, logits and gradients
with it, and the losses of ten updates with AdamW. The tests read only the results, so CI needs no Python.
"""

import json
import sys
import tempfile
from pathlib import Path

import peft
import torch
import transformers
from make_adapters import base_of
from make_golden import ADAMW, HERE, UPDATES
from safetensors.torch import load_file, save_file

TOKENS = 2
CASES = {
    "prompt_tuning": dict(base="llama", config=peft.PromptTuningConfig),
    "prompt_tuning_gpt2": dict(base="gpt2", config=peft.PromptTuningConfig),
    "prompt_tuning_scaled": dict(base="gemma3_text", config=peft.PromptTuningConfig),
    "prefix_tuning": dict(base="llama", config=peft.PrefixTuningConfig),
    "prefix_tuning_gpt2": dict(base="gpt2", config=peft.PrefixTuningConfig),
    "prefix_tuning_qwen3": dict(base="qwen3", config=peft.PrefixTuningConfig),
    "p_tuning": dict(base="llama", config=peft.PromptEncoderConfig, encoder_hidden_size=20),
    "p_tuning_gpt2": dict(base="gpt2", config=peft.PromptEncoderConfig),
    "prefix_projection": dict(
        base="llama", config=peft.PrefixTuningConfig, prefix_projection=True, encoder_hidden_size=12
    ),
}


def logits_of(model, ids):
    """Of the documents' own tokens: prompt tuning has scores of the virtual ones too, prefix tuning none."""
    found = [model(input_ids=document[None]).logits[0] for document in ids]
    return [logits[-len(document) :] for logits, document in zip(found, ids)]


def loss_of(model, ids, labels):
    """The mean over the supervised tokens of both documents."""
    logits = torch.cat([logits[:-1] for logits in logits_of(model, ids)])
    return torch.nn.functional.cross_entropy(logits, torch.cat([label[1:] for label in labels]), ignore_index=-100)


def make(case, base, config, **settings):
    golden = json.loads((HERE / f"{base}.json").read_text())
    model = base_of(golden, load_file(HERE / f"{base}.safetensors"))
    ids, labels = [[torch.tensor(x) for x in golden[key]] for key in ("ids", "labels")]
    generator = torch.Generator().manual_seed(77)
    settings = config(task_type="CAUSAL_LM", num_virtual_tokens=TOKENS, **settings)
    model = peft.get_peft_model(model, settings).eval()
    trained = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    with torch.no_grad():
        for name, tensor in trained.items():
            size = 0.8 if tensor.ndim == 1 or "embedding" in name else tensor.shape[1] ** -0.5
            tensor.copy_(size * torch.randn(tensor.shape, generator=generator))
    tensors = {f"param/{name.removeprefix('prompt_encoder.default.')}": t.detach().clone() for name, t in trained.items()}
    with torch.no_grad():
        tensors |= {f"lora_logits/{i}": logits for i, logits in enumerate(logits_of(model, ids))}
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors |= {f"lora/{k}": t for k, t in load_file(Path(folder) / "adapter_model.safetensors").items()}
        adapter = json.loads((Path(folder) / "adapter_config.json").read_text())

    # What transformers' Trainer lets decay (get_decay_parameter_names): no bias.
    groups = [
        {"params": [p for name, p in trained.items() if "bias" not in name]},
        {"params": [p for name, p in trained.items() if "bias" in name], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], **ADAMW)
    losses = []
    for update in range(UPDATES):
        optimizer.zero_grad()
        loss = loss_of(model, ids, labels)
        loss.backward()
        losses.append(loss.item())
        if update == 0:
            names = {name: name.removeprefix("prompt_encoder.default.") for name in trained}
            tensors |= {f"gradient/{names[name]}": tensor.grad.clone() for name, tensor in trained.items()}
        optimizer.step()

    versions = {m.__name__: m.__version__ for m in (torch, transformers, peft)}
    out = {"made_by": versions, "base": base, "adapter": adapter, "losses": losses}
    (HERE / "peft" / f"{case}.json").write_text(json.dumps(out, indent=1) + "\n")
    save_file({name: t.contiguous().clone() for name, t in tensors.items()}, HERE / "peft" / f"{case}.safetensors")
    print(case, *(f"{x:.4f}" for x in losses))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[1:] or CASES:
        make(case, **CASES[case])
