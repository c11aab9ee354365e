"""Opens what round_trip.ts left with PEFT and transformers, and compares logits and greedy text.

    deno run -A test/golden/round_trip.ts OUT && python test/golden/check_round_trip.py OUT

Needs the packages that make_golden.py names.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

BOUND = 1e-4
HOW = dict(dtype=torch.float32, attn_implementation="eager")


def logits_of(model, ids):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0]


def error_of(model, ours):
    model.eval()
    pairs = zip(ours["ids"], ours["logits"])
    return max((logits_of(model, ids).flatten() - torch.tensor(logits)).abs().max().item() for ids, logits in pairs)


def greedy_text(model, prompt, length):
    ids = list(prompt)
    for _ in range(length):
        ids.append(logits_of(model, ids)[-1].argmax().item())
    return ids[len(prompt) :]


def check(folder):
    ours = json.loads((folder / "ours.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(folder, config=AutoConfig.for_model(**ours["config"]), **HOW)
    before = error_of(base, ours)
    adapted = error_of(PeftModel.from_pretrained(base, ours["adapter"]), ours)
    model = AutoModelForCausalLM.from_pretrained(ours["merged"], **HOW)
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
