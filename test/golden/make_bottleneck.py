"""Golden values of bottleneck adapters, made by AdapterHub's library: peft/<case>.*

    pip install torch==2.15.0 adapters==1.3.0 transformers==4.57.6 safetensors
    python test/golden/make_bottleneck.py [case ...]

Each case is an adapter on a checkpoint that make_golden.py left: the files that AdapterHub saves, logits and gradients
with it, and the losses of ten updates with AdamW. The tests read only the results, so CI needs no Python.
"""

import json
import sys
import tempfile
from pathlib import Path

import adapters
import torch
import transformers
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
CASES = {
    "seq_bn": dict(base="llama", config=adapters.SeqBnConfig(reduction_factor=3)),
    "double_seq_bn": dict(base="llama", config=adapters.DoubleSeqBnConfig(reduction_factor=4)),
    "par_bn": dict(base="mistral", config=adapters.ParBnConfig(reduction_factor={"0": 4, "default": 8})),
    "double_seq_bn_gpt2": dict(
        base="gpt2", config=adapters.DoubleSeqBnConfig(reduction_factor=4, non_linearity="gelu", leave_out=[0], scaling=0.5)
    ),
}


def base_of(golden, tensors):
    fields = dict(golden["config"])
    rope = fields.pop("rope_parameters", None)  # as transformers 5 calls them
    if rope:
        fields["rope_theta"] = rope["rope_theta"]
        fields["rope_scaling"] = None if rope["rope_type"] == "default" else {k: v for k, v in rope.items() if k != "rope_theta"}
    config = transformers.AutoConfig.for_model(**fields)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    weights = {name.removeprefix("weight/"): t for name, t in tensors.items() if name.startswith("weight/")}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model


def logits_of(model, ids):
    return [model(input_ids=document[None]).logits[0] for document in ids]


def loss_of(model, ids, labels):
    """The mean over the supervised tokens of both documents."""
    logits = torch.cat([logits[:-1] for logits in logits_of(model, ids)])
    return torch.nn.functional.cross_entropy(logits, torch.cat([label[1:] for label in labels]), ignore_index=-100)


def make(case, base, config):
    golden = json.loads((HERE / f"{base}.json").read_text())
    own = load_file(HERE / f"{base}.safetensors")
    model = base_of(golden, own)
    ids, labels = [[torch.tensor(x) for x in golden[key]] for key in ("ids", "labels")]
    with torch.no_grad():
        for i, logits in enumerate(logits_of(model, ids)):
            assert (logits - own[f"logits/{i}"]).abs().max() < 1e-4, "the base is another"
    generator = torch.Generator().manual_seed(77)
    adapters.init(model)
    model.add_adapter("mine", config=config)
    model.train_adapter("mine")
    model.eval()
    trained = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    with torch.no_grad():
        for tensor in trained.values():
            tensor.copy_(0.6 * torch.randn(tensor.shape, generator=generator) / tensor.shape[-1] ** 0.5)
    tensors = {}
    with torch.no_grad():
        tensors |= {f"lora_logits/{i}": logits for i, logits in enumerate(logits_of(model, ids))}
    with tempfile.TemporaryDirectory() as folder:
        model.save_adapter(folder, "mine", use_safetensors=True)
        tensors |= {f"lora/{k}": t for k, t in load_file(Path(folder) / "adapter.safetensors").items()}
        adapter = json.loads((Path(folder) / "adapter_config.json").read_text())
    assert {name.removeprefix("lora/") for name in tensors if name.startswith("lora/")} == set(trained)

    # What transformers' Trainer lets decay (get_decay_parameter_names): no bias.
    groups = [
        {"params": [p for name, p in trained.items() if "bias" not in name]},
        {"params": [p for name, p in trained.items() if "bias" in name], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, **golden["adamw"])
    losses = []
    for update in range(len(golden["losses"])):
        optimizer.zero_grad()
        loss = loss_of(model, ids, labels)
        loss.backward()
        losses.append(loss.item())
        if update == 0:
            tensors |= {f"gradient/{name}": tensor.grad.clone() for name, tensor in trained.items()}
        optimizer.step()

    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "adapters": adapters.__version__}
    out = {"made_by": versions, "base": base, "adapter": adapter, "losses": losses}
    (HERE / "peft" / f"{case}.json").write_text(json.dumps(out, indent=1) + "\n")
    save_file({name: t.contiguous().clone() for name, t in tensors.items()}, HERE / "peft" / f"{case}.safetensors")
    print(case, *(f"{x:.4f}" for x in losses))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for case in sys.argv[1:] or CASES:
        make(case, **CASES[case])
