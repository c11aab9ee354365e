"""Checks that PEFT loads an adapter with a head of scores and that it scores texts alike.

    pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2
    python test/golden/check_score_head.py MODEL ADAPTER SCORES

MODEL is the folder of the base, ADAPTER that of an adapter that Graft has saved, SCORES a file of JSON: [{"ids": [...],
"scores": [...]}, ...]. Prints the largest distance of a score; fails above 1e-4.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification


def check(base, adapter, path):
    rows = json.loads(open(path).read())
    labels = len(rows[0]["scores"])
    model = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=labels, dtype=torch.float32, attn_implementation="eager"
    )
    model = PeftModel.from_pretrained(model, adapter).eval()
    assert model.peft_config["default"].task_type == "SEQ_CLS"
    worst = 0.0
    with torch.no_grad():
        for row in rows:
            found = model(torch.tensor([row["ids"]])).logits[0]
            worst = max(worst, (found - torch.tensor(row["scores"])).abs().max().item())
    print(f"{len(rows)} rows, largest distance {worst:.2e}")
    return worst < 1e-4


if __name__ == "__main__":
    sys.exit(0 if check(*sys.argv[1:4]) else 1)
