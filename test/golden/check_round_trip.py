"""Opens what round_trip.ts left with PEFT and transformers, and compares logits and greedy text.

    deno run -A test/golden/round_trip.ts OUT && python test/golden/check_round_trip.py OUT

Needs the packages that make_golden.py names.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM
from transformers.utils import logging

BOUND = 1e-4
HOW = dict(dtype=torch.float32, attn_implementation="eager")


def logits_of(model, ids, labels=None):
    """With labels: of an encoder, which reads the ids, and a decoder."""
    target = {} if labels is None else {"labels": torch.tensor([labels])}
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False, **target).logits[0]


def error_of(model, ours):
    model.eval()
    labels = ours["labels"] if model.config.is_encoder_decoder else [None] * len(ours["ids"])
    found = [logits_of(model, *pair).flatten() for pair in zip(ours["ids"], labels)]
    return max((logits - torch.tensor(ours)).abs().max().item() for logits, ours in zip(found, ours["logits"]))


def greedy_text(model, prompt, length):
    if model.config.is_encoder_decoder:
        read = []  # a token is what follows the labels before it, whatever stands in its own place
        for _ in range(length):
            read.append(logits_of(model, prompt, [*read, 0])[-1].argmax().item())
        return read
    ids = list(prompt)
    for _ in range(length):
        ids.append(logits_of(model, ids)[-1].argmax().item())
    return ids[len(prompt) :]


def check(folder):
    ours = json.loads((folder / "ours.json").read_text())
    config = AutoConfig.for_model(**ours["config"])
    auto = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    base = auto.from_pretrained(folder, config=config, **HOW)
    before = error_of(base, ours)
    adapted = error_of(PeftModel.from_pretrained(base, ours["adapter"]), ours)
    model = auto.from_pretrained(ours["merged"], **HOW)
    merged = error_of(model, ours)
    same = greedy_text(model, ours["ids"][1], len(ours["greedy"])) == ours["greedy"]
    print(f"{folder.name}: PEFT {adapted:.1e}, merged {merged:.1e}, same text {same}, without adapter {before:.1e}")
    return adapted <= BOUND and merged <= BOUND and same and before > 100 * BOUND


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    failed = []
    for folder in sorted(path.parent for path in Path(sys.argv[1]).glob("*/ours.json")):
        try:
            fine = check(folder)
        except Exception as fault:  # says which family a library cannot open
            print(f"{folder.name}: {fault}")
            fine = False
        failed += [] if fine else [folder.name]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
