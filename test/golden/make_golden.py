"""Golden values of every model family, made by the real libraries.

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python test/golden/make_golden.py [family ... | ropes | buckets]

For each family a tiny checkpoint with random weights, and what transformers, PEFT and torch.optim make of it in
f32 on the CPU: logits of two documents, the loss on masked labels and its gradients (two numbers of each), logits
and gradients of a LoRA adapter on all linear modules, and the losses of ten updates with AdamW. Writes <family>.json and <family>.safetensors beside
this file. The tests read only those, so CI needs no Python.
"""

import importlib
import json
import sys
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.t5.modeling_t5 import T5Attention
from transformers.pytorch_utils import Conv1D

HERE = Path(__file__).parent
VOCABULARY = 96
LENGTHS = [21, 14]  # of the two documents
TARGETS = [9, 17]  # of their targets, where an encoder reads the documents
MASKED = 4  # tokens at the beginning of each that are not supervised
RANK, ALPHA = 4, 6
ADAMW = dict(lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
UPDATES = 10

COMMON = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-3, tie_word_embeddings=False,
    bos_token_id=1, eos_token_id=2, pad_token_id=0,
)  # fmt: skip


GPT2 = dict(
    vocab_size=VOCABULARY, n_embd=32, n_inner=40, n_layer=2, n_head=4, n_positions=64, layer_norm_epsilon=1e-3,
    bos_token_id=1, eos_token_id=2, pad_token_id=0,
)  # fmt: skip


T5 = dict(
    vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=40, num_layers=2, num_heads=3, n_positions=64,
    relative_attention_num_buckets=8, relative_attention_max_distance=14, layer_norm_epsilon=1e-3,
    pad_token_id=0, eos_token_id=2, decoder_start_token_id=0,
)  # fmt: skip


def rope(theta=100.0, **scaling):
    return {"rope_type": "default", "rope_theta": theta, **scaling}


LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)  # fmt: skip

FAMILIES = {
    "llama": dict(max_position_embeddings=128, rope_parameters=rope(1000.0, **LLAMA3)),
    "llama_bias": dict(
        model_type="llama", attention_bias=True, mlp_bias=True, rope_parameters=rope(rope_type="linear", factor=2.0)
    ),
    "mistral": dict(sliding_window=5, head_dim=16, rope_parameters=rope()),
    "mistral_full": dict(model_type="mistral", sliding_window=None, rope_parameters=rope()),
    "qwen2": dict(
        use_sliding_window=True, sliding_window=6, max_window_layers=1, tie_word_embeddings=True, rope_parameters=rope()
    ),
    "qwen3": dict(head_dim=16, rope_parameters=rope()),
    "smollm3": dict(
        num_hidden_layers=3, no_rope_layer_interval=2, tie_word_embeddings=True, rope_parameters=rope()
    ),
    "olmo2": dict(rope_parameters=rope()),
    "gemma": dict(hidden_act="gelu_pytorch_tanh", head_dim=16, tie_word_embeddings=True, rope_parameters=rope()),
    "gemma2": dict(
        hidden_activation="gelu_pytorch_tanh", head_dim=16, tie_word_embeddings=True, query_pre_attn_scalar=20,
        sliding_window=6, attn_logit_softcapping=1.5, final_logit_softcapping=4.5, rope_parameters=rope(),
    ),
    "gemma3_text": dict(
        hidden_activation="gelu_pytorch_tanh", head_dim=16, tie_word_embeddings=True, query_pre_attn_scalar=20,
        sliding_window=6, layer_types=["sliding_attention", "full_attention"],
        rope_parameters={"sliding_attention": rope(30.0), "full_attention": rope(400.0, rope_type="linear", factor=2.0)},
    ),
    "phi3": dict(sliding_window=9, rope_parameters=rope()),
    "phi3_longrope": dict(  # the first document is long, the second is not
        model_type="phi3", num_attention_heads=2, num_key_value_heads=1, partial_rotary_factor=0.5,
        max_position_embeddings=64, original_max_position_embeddings=16,
        rope_parameters=rope(
            rope_type="longrope", short_factor=[1.0, 1.1, 1.3, 1.6], long_factor=[1.0, 2.5, 4.0, 8.0],
            original_max_position_embeddings=16,
        ),
    ),
    "qwen3_yarn": dict(
        model_type="qwen3", num_hidden_layers=1, head_dim=16,
        rope_parameters=rope(rope_type="yarn", factor=4.0, beta_fast=4.0, original_max_position_embeddings=16),
    ),
    "starcoder2": dict(sliding_window=7, norm_epsilon=1e-3, use_bias=True, rope_parameters=rope()),
    "starcoder2_plain": dict(
        model_type="starcoder2", num_hidden_layers=1, norm_epsilon=1e-3, use_bias=False, hidden_act="gelu",
        tie_word_embeddings=True, rope_parameters=rope(),
    ),
    "gpt_neox": dict(num_attention_heads=2, rotary_pct=0.5, rotary_emb_base=100.0, layer_norm_eps=1e-3),
    "gpt_neox_serial": dict(
        model_type="gpt_neox", num_attention_heads=2, rotary_emb_base=100.0, layer_norm_eps=1e-3,  # turns 4 of 16
        use_parallel_residual=False, attention_bias=False, hidden_act="gelu_new",
    ),
    "gpt2": GPT2,
    "gpt2_scales": dict(
        model_type="gpt2", **GPT2, scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True,
        tie_word_embeddings=False,
    ),
    "t5": dict(**T5, num_decoder_layers=3),
    "t5_gated": dict(model_type="t5", **T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False),
}


def randomise(model, generator):
    """No tensor is zero, one, or symmetric; matrices keep the size of what passes through them."""
    turned = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, Conv1D)}
    for name, tensor in model.named_parameters():
        noise = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            value = 1.2 * noise / tensor.shape[0 if name in turned else 1] ** 0.5
            if name.endswith("Attention.q.weight"):  # T5 has the scale of its scores in here
                value /= model.config.d_kv**0.5
        elif name.endswith(".bias"):
            value = 0.4 * noise
        else:  # a norm: near what its fresh weight, all ones or zeros, stands for
            value = tensor.flatten()[0] + 0.3 * noise
        with torch.no_grad():
            tensor.copy_(value)


def documents(generator):
    ids = [torch.randint(3, VOCABULARY, (length,), generator=generator) for length in LENGTHS]
    labels = [torch.cat([torch.full((MASKED,), -100), document[MASKED:]]) for document in ids]
    return ids, labels


def targets(generator):
    labels = [torch.randint(3, VOCABULARY, (length,), generator=generator) for length in TARGETS]
    return [torch.cat([torch.full((MASKED,), -100), target[MASKED:]]) for target in labels]


def logits_of(model, ids, labels):
    if model.config.is_encoder_decoder:
        pairs = zip(ids, labels)
        return [model(input_ids=source[None], labels=target[None]).logits[0] for source, target in pairs]
    return [model(input_ids=document[None], use_cache=False).logits[0] for document in ids]


def loss_of(model, ids, labels):
    """The mean over the supervised tokens of both documents."""
    shift = 0 if model.config.is_encoder_decoder else 1
    pairs = [
        (logits[: len(label) - shift], label[shift:]) for logits, label in zip(logits_of(model, ids, labels), labels)
    ]
    return torch.nn.functional.cross_entropy(
        torch.cat([logits for logits, _ in pairs]), torch.cat([label for _, label in pairs]), ignore_index=-100
    )


def fields_of(config):
    """All but a number that is 1 once JavaScript has written it, where T5 wants 1.0."""
    return {key: value for key, value in config.to_dict().items() if key != "initializer_factor"}


def summary(gradient):
    """Norm and product with cos(0), cos(1), ...: two numbers that tell gradients apart."""
    flat = gradient.flatten().double()
    return [flat.norm().item(), (flat * torch.arange(len(flat)).double().cos()).sum().item()]


def make(family, overrides):
    generator = torch.Generator().manual_seed(1234)
    common = {} if "n_embd" in overrides or "d_model" in overrides else COMMON  # others have their own names
    fields = {"model_type": family, **common, **overrides}
    config = AutoConfig.for_model(**fields)
    is_pair = config.is_encoder_decoder
    auto = AutoModelForSeq2SeqLM if is_pair else AutoModelForCausalLM
    model = auto.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    if overrides.get("tie_word_embeddings") is False:  # transformers 5 ties T5 whatever its config says
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    randomise(model, generator)
    own = {name for name, _ in [*model.named_parameters(), *model.named_buffers()]}  # tied ones by one name
    tensors = {f"weight/{name}": tensor.clone() for name, tensor in model.state_dict().items() if name in own}
    ids, labels = documents(generator)
    if is_pair:
        labels = targets(generator)
    with torch.no_grad():
        for i, logits in enumerate(logits_of(model, ids, labels)):
            tensors[f"logits/{i}"] = logits

    extra = {}
    loss = loss_of(model, ids, labels)
    loss.backward()
    gradients = {name: summary(tensor.grad) for name, tensor in model.named_parameters()}
    model.zero_grad(set_to_none=True)

    lora = peft.LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="SEQ_2_SEQ_LM" if is_pair else "CAUSAL_LM")
    if is_pair:
        source = ids[1][None]
        # The cache of transformers 5.23 has as many layers as the encoder.
        greedy = model.generate(source, do_sample=False, num_beams=1, min_new_tokens=20, max_new_tokens=20, use_cache=False)
        extra["greedy"] = greedy[0, 1:].tolist()
    model = peft.get_peft_model(model, lora, low_cpu_mem_usage=False).eval()
    factors = {name: tensor for name, tensor in model.named_parameters() if tensor.requires_grad}
    with torch.no_grad():
        for tensor in factors.values():
            tensor.copy_(0.6 * torch.randn(tensor.shape, generator=generator) / tensor.shape[1] ** 0.5)
        for i, logits in enumerate(logits_of(model, ids, labels)):
            tensors[f"lora_logits/{i}"] = logits
    adapter = model.peft_config["default"].to_dict()
    saved_name = {name: name.replace(".default.weight", ".weight") for name in factors}
    tensors |= {f"lora/{saved_name[name]}": tensor.detach().clone() for name, tensor in factors.items()}

    optimizer = torch.optim.AdamW(factors.values(), **ADAMW)
    losses = []
    for update in range(UPDATES):
        optimizer.zero_grad()
        step_loss = loss_of(model, ids, labels)
        step_loss.backward()
        losses.append(step_loss.item())
        if update == 0:
            tensors |= {f"gradient/{saved_name[name]}": tensor.grad.clone() for name, tensor in factors.items()}
        optimizer.step()

    golden = {
        "made_by": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "config": {**fields_of(config), "dtype": "float32"},
        "ids": [document.tolist() for document in ids],
        "labels": [label.tolist() for label in labels],
        "loss": loss.item(),
        "gradients": gradients,
        "adapter": {key: sorted(value) if isinstance(value, set) else value for key, value in adapter.items()},
        "adamw": ADAMW,
        "losses": losses,
        **extra,
    }
    (HERE / f"{family}.json").write_text(json.dumps(golden, indent=2) + "\n")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, HERE / f"{family}.safetensors")
    print(family, f"loss {loss.item():.4f}", "losses", *(f"{x:.4f}" for x in losses))


ROPES = {  # model_type and config, as files of transformers 4 or 5 have them
    "default": ("llama", dict(rope_theta=500.0)),
    "linear": ("llama", dict(rope_theta=100.0, rope_scaling={"type": "linear", "factor": 4.0})),
    "dynamic": ("llama", dict(rope_parameters=rope(100.0, rope_type="dynamic", factor=3.0))),
    "llama3": ("llama", dict(
        rope_theta=5e5, max_position_embeddings=131072,
        rope_scaling=dict(LLAMA3, factor=32.0, original_max_position_embeddings=8192),
    )),
    "yarn": ("qwen3", dict(
        max_position_embeddings=131072, rope_theta=1e6,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32768),
    )),
    "yarn with all its settings": ("llama", dict(max_position_embeddings=4096, rope_parameters=rope(
        rope_type="yarn", factor=16.0, beta_fast=20.0, beta_slow=2.0, mscale=0.707, mscale_all_dim=0.5,
        original_max_position_embeddings=512, truncate=False,
    ))),
    "yarn with an attention factor": ("llama", dict(rope_parameters=rope(
        rope_type="yarn", factor=2.0, attention_factor=0.8, original_max_position_embeddings=64,
    ))),
    "a part": ("phi3", dict(rope_theta=1e4, partial_rotary_factor=0.75)),
    "longrope": ("phi3", dict(
        max_position_embeddings=131072, original_max_position_embeddings=4096, partial_rotary_factor=0.75,
        rope_scaling=dict(type="longrope", short_factor=[1 + i / 8 for i in range(24)],
                          long_factor=[1 + i * i for i in range(24)]),
    )),
    "su": ("phi3", dict(
        max_position_embeddings=8192, original_max_position_embeddings=4096,
        rope_scaling=dict(type="su", short_factor=[1.0 + i for i in range(32)], original_max_position_embeddings=4096,
                          long_factor=[2.0 + i for i in range(32)]),  # transformers 5 wants it inside
    )),
    "20 of 80": ("gpt_neox", dict(hidden_size=160, head_dim=None)),
    "a part of NeoX": ("gpt_neox", dict(rotary_pct=0.25, rotary_emb_base=300)),
}  # fmt: skip


def make_ropes():
    """What transformers makes of each: radians a position, in short and in long texts, and the factor."""
    found = {}
    for name, (model_type, fields) in ROPES.items():
        sizes = {"hidden_size": 128, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 64}
        fields = {"max_position_embeddings": 2048, **sizes, **fields}
        given = {"model_type": model_type, **json.loads(json.dumps(fields))}
        config = AutoConfig.for_model(model_type, **fields)
        kind = config.rope_parameters["rope_type"]
        if kind == "default":
            module = importlib.import_module(f"transformers.models.{model_type}.modeling_{model_type}")
            rotary = next(v for k, v in vars(module).items() if k.endswith("RotaryEmbedding"))
            pairs, factor = rotary.compute_default_rope_parameters(config)
            long = pairs
        else:
            pairs, factor = ROPE_INIT_FUNCTIONS[kind](config, "cpu")
            long = ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=config.max_position_embeddings)[0]
        found[name] = {"config": given, "pairs": pairs.tolist(), "long": long.tolist(), "factor": factor}
    (HERE / "vectors" / "rope.json").write_text(json.dumps(found, indent=2) + "\n")


BUCKETS = [(32, 128), (8, 14), (10, 20), (6, 7), (64, 1000), (4, 3)]  # how many, and the farthest distance


def make_buckets():
    """The bucket of each distance from key to query, as T5 has them: where each run of one bucket begins."""
    found = []
    span = 1200
    distances = torch.arange(-span, span)
    for count, farthest in BUCKETS:
        for both_ways in [True, False]:
            bucket = T5Attention._relative_position_bucket(distances, both_ways, count, farthest).tolist()
            starts = [[i - span, b] for i, b in enumerate(bucket) if i == 0 or b != bucket[i - 1]]
            found.append({"count": count, "farthest": farthest, "bothWays": both_ways, "span": span, "starts": starts})
    (HERE / "vectors" / "buckets.json").write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    for family in sys.argv[1:] or [*FAMILIES, "ropes", "buckets"]:
        if family == "ropes":
            make_ropes()
        elif family == "buckets":
            make_buckets()
        else:
            make(family, FAMILIES[family])
