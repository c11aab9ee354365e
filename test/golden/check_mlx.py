"""Opens the adapters that exports.ts left with mlx-lm, and compares logits with transformers and PEFT.

    deno run -A test/golden/exports.ts OUT && python test/golden/check_mlx.py OUT

Needs the packages that make_golden.py names, mlx[cpu] and mlx-lm (0.32.4 and 0.32.2 were used).
"""

import json
import sys
from pathlib import Path

import mlx.core as mx
import numpy
import torch
from mlx_lm.tuner.utils import load_adapters
from mlx_lm.utils import load_model
from peft import PeftModel
from transformers import AutoModelForCausalLM
from transformers.utils import logging

BOUND = 1e-4
GELU_BOUND = 1e-2  # mlx-lm approximates GELU in another way
HOW = dict(dtype=torch.float32, attn_implementation="eager")


def error_of(model, peft, documents):
    errors = []
    for ids in documents:
        found = numpy.array(model(mx.array([ids]))[0].astype(mx.float32))
        with torch.no_grad():
            wanted = peft(input_ids=torch.tensor([ids]), use_cache=False).logits[0].numpy()
        errors.append(abs(found - wanted).max())
    return max(errors)


def check(folder):
    documents = json.loads((folder / "ids.json").read_text())
    base = AutoModelForCausalLM.from_pretrained(folder, **HOW).eval()
    model, _ = load_model(folder)
    plain = error_of(model, base, documents)
    peft = PeftModel.from_pretrained(base, folder / "adapter").eval()
    before = error_of(model, peft, documents)
    load_adapters(model, str(folder / "mlx"))
    model.eval()
    after = error_of(model, peft, documents)
    bound = GELU_BOUND if folder.name.startswith("gemma") else BOUND
    if plain > bound:
        print(f"{folder.name}: not checked, mlx-lm's base differs by {plain:.1e}")
        return True
    print(f"{folder.name}: adapter {after:.1e}, base alone {plain:.1e}, without adapter {before:.1e}")
    return after <= bound and before > 100 * bound


if __name__ == "__main__":
    logging.disable_progress_bar()
    failed = []
    for folder in sorted(path.parent for path in Path(sys.argv[1]).glob("*/mlx")):
        if folder.name == "gemma3_text":
            print(f"{folder.name}: not checked, mlx-lm wants six layers or more")
            continue
        try:
            fine = check(folder)
        except Exception as fault:  # says which family a library cannot open
            print(f"{folder.name}: {fault!r}")
            fine = False
        failed += [] if fine else [folder.name]
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
