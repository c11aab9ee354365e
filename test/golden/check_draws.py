"""Judges certificates by draws of documents anew: transformers and PEFT measure the adapters of a study as they
were written, on the documents that each draw has left; nothing of Graft computes anything.

    python test/golden/check_draws.py BASE TOKENS OUT

BASE is the folder of the base, TOKENS the longest block (train.micro_batch_tokens, at most the context), and OUT
that of `deno task study forgetting` on a spec with `test.draws`, whose runs have saved what was trained. Prints
what each run comes to, and at last all: certificates, how many are over their budget and over their bound as the
certificate counts, the largest difference from what the study measured, in nats a token, and how many could not
be judged, being of a moment before the end of their run.
"""
import glob
import json
import os
import sys

import torch
from check_certificate import bands, blocks, counted, nats
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

torch.set_num_threads(1)


def scaled(model, saved, strength):
    """Puts the update of every module at a strength."""
    for module, scaling in saved:
        module.scaling["default"] = scaling * strength


def main(base, tokens, out):
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    most = min(int(tokens), model.config.max_position_embeddings)
    [path] = glob.glob(os.path.join(out, "data", "*held back*"))
    texts = [json.loads(line)["text"] for line in open(path, encoding="utf-8")]
    documents = [
        blocks(tokenizer.encode(text, add_special_tokens=False), tokenizer.bos_token_id, most) for text in texts
    ]
    before = nats(model, documents)
    total = {"certificates": 0, "over_budget": 0, "over_bound": 0, "unjudged": 0, "apart": 0.0}
    for file in sorted(glob.glob(os.path.join(out, "cells", "*.json"))):
        cell = json.load(open(file, encoding="utf-8"))
        run = os.path.join(out, "runs", cell["cell"])
        last = max(json.loads(line)["step"] for line in open(os.path.join(run, "metrics.jsonl"))) + 1
        fresh = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        tuned = PeftModel.from_pretrained(fresh, os.path.join(run, "adapter")).eval()
        saved = [(m, m.scaling["default"]) for m in tuned.modules() if hasattr(m, "lora_A")]
        after = {}
        found = {key: 0 for key in total}
        for score in cell["result"]:
            for drawn in score["drawn"]:
                strength = drawn["strength"]
                if strength == 0:
                    continue
                if drawn["step"] != last:
                    found["unjudged"] += 1
                    continue
                if strength not in after:
                    scaled(tuned, saved, strength)
                    after[strength] = nats(tuned, documents)
                rises = [
                    (len(before[i]), bands([new - old for old, new in zip(before[i], after[strength][i])]))
                    for i in drawn["unused"]
                ]
                rise, _, _ = counted(rises, drawn["limit"])
                found["certificates"] += 1
                found["over_budget"] += rise > score["epsilon"]
                found["over_bound"] += rise > drawn["upper"]
                found["apart"] = max(found["apart"], abs(rise - drawn["claimed"]))
        print(json.dumps({"run": cell["cell"], **found}), flush=True)
        total = {key: max(total[key], n) if key == "apart" else total[key] + n for key, n in found.items()}
    print(json.dumps({"run": "all", **total}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
