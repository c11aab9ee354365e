"""What the scripts share that run trainers of TRL: the tokenizer, and the base and adapter of llama.json."""

import json
from pathlib import Path

import peft
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, processors
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

HERE = Path(__file__).parent
ADAMW = dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
UPDATES = 5


def letters():
    """The tokenizer of test/models/tiny.ts."""
    special = ["<unk>", "<s>", "</s>"]
    characters = "abcdefghijklmnopqrstuvwxyz .,!?'\n0123456789:"
    vocabulary = {token: i for i, token in enumerate([*special, *characters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<unk>"
    )


def base_of(name="llama"):
    """The base of NAME.json."""
    golden = json.loads((HERE / f"{name}.json").read_text())
    tensors = load_file(HERE / f"{name}.safetensors")
    model = AutoModelForCausalLM.from_config(
        AutoConfig.for_model(**golden["config"]), dtype=torch.float32, attn_implementation="eager"
    )
    prefix = "weight/"
    weights = {k[len(prefix):]: v for k, v in tensors.items() if k.startswith(prefix)}
    found = model.load_state_dict(weights, strict=not model.config.tie_word_embeddings)
    assert found.missing_keys in ([], ["lm_head.weight"]) and not found.unexpected_keys
    return model


def lora():
    """The settings of the adapter of llama.json."""
    golden = json.loads((HERE / "llama.json").read_text())
    kept = {"r", "lora_alpha", "target_modules", "task_type"}
    return peft.LoraConfig(**{k: v for k, v in golden["adapter"].items() if k in kept})


def put_adapter(model, noise=0.0):
    """Gives a model with an adapter the factors of llama.json, with some noise on them."""
    tensors = load_file(HERE / "llama.safetensors")
    generator = torch.Generator().manual_seed(1)
    for name, tensor in model.named_parameters():
        if tensor.requires_grad:
            assert tensor.dtype == torch.float32
            factor = tensors["lora/" + name.replace(".default.weight", ".weight")]
            with torch.no_grad():
                tensor.copy_(factor + noise * torch.randn(tensor.shape, generator=generator))


def gradients_of(model):
    factors = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    return {name.replace(".default.weight", ".weight"): tensor.grad.clone() for name, tensor in factors.items()}
