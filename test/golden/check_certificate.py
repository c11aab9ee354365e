"""Measures certificates anew, on documents that no run has used: transformers and PEFT read the adapters as
they were written, and nothing of Graft computes anything.

    python test/golden/check_certificate.py BASE TEXT.jsonl TOKENS FOLDER...

BASE is the folder of the base, TEXT.jsonl has unused documents in its field `text`, TOKENS is the longest
block (train.micro_batch_tokens or --tokens, at most the context), and each FOLDER is that of a run or of
`deno task guard`. Prints a line of JSON for each: the rise as the certificate counts it (nats a token, the
largest over sets of positions, a document up to the limit) with its standard error over documents, the bound
and the budget, the share of documents beyond the limit and its bound, and whether both bounds hold.
"""
import itertools
import json
import os
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

ENDS = [1, 2, 4, 16, 64, float("inf")]  # the last position of each band; the last token is a band alone


def blocks(ids, bos, most):
    return [[bos, *ids[at:at + most - 1]] for at in range(0, len(ids), most - 1)]


def nats(model, documents, batch=32):
    """The negative log-likelihood of every token of each document, block by block."""
    flat = [(i, block) for i, document in enumerate(documents) for block in document]
    found = [[] for _ in documents]
    for at in range(0, len(flat), batch):
        part = flat[at:at + batch]
        # What fills up shorter blocks stands after them, where nothing before it can see it.
        rows = [torch.tensor(block) for _, block in part]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        with torch.no_grad():
            logits = model(ids).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        for (i, block), row in zip(part, losses):
            found[i] += row[:len(block) - 1].tolist()
    return found


def bands(rises):
    sums = [0.0] * (len(ENDS) + 1)
    for i, rise in enumerate(rises):
        is_last = i == len(rises) - 1
        sums[-1 if is_last else next(b for b, end in enumerate(ENDS) if i < end)] += rise
    return sums


def counted(documents, limit):
    """The rise over documents, its standard error, and the share of documents beyond the limit."""
    tokens = sum(n for n, _ in documents)
    best = (0.0, 0.0)
    for chosen in itertools.product([False, True], repeat=len(ENDS) + 1):
        parts = [sum(x for x, take in zip(sums, chosen) if take) for _, sums in documents]
        clipped = [max(-limit, min(limit, x)) for x in parts]
        rise = sum(clipped) / tokens
        if rise > best[0]:
            residuals = [x - rise * n for x, (n, _) in zip(clipped, documents)]
            se = (sum(r * r for r in residuals) * len(documents) / (len(documents) - 1)) ** 0.5 / tokens
            best = (rise, se)
    beyond = sum(sum(max(0.0, x) for x in sums) > limit for _, sums in documents) / len(documents)
    return *best, beyond


torch.set_num_threads(1)


def main(base, text, tokens, *folders):
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    most = min(int(tokens), model.config.max_position_embeddings)
    texts = [json.loads(line)["text"] for line in open(text, encoding="utf-8")]
    documents = [
        blocks(tokenizer.encode(text, add_special_tokens=False), tokenizer.bos_token_id, most) for text in texts
    ]
    before = nats(model, documents)
    for folder in folders:
        report = json.load(open(os.path.join(folder, "forgetting_report.json")))
        strength, domains = report["chosen"]["strength"], report["domains"]
        if strength == 0:
            print(json.dumps({"folder": os.path.basename(folder), "strength": 0}), flush=True)
            continue
        inner = os.path.join(folder, "adapter")
        path = inner if os.path.isdir(inner) else folder
        fresh = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        tuned = PeftModel.from_pretrained(fresh, path).eval()
        bound, epsilon = domains[0]["certificate"], domains[0]["epsilon"]
        found = [
            (len(old), bands([b - a for a, b in zip(old, new)]))
            for old, new in zip(before, nats(tuned, documents))
        ]
        rise, se, beyond = counted(found, bound["limit"])
        whole, _, _ = counted(found, float("inf"))
        print(json.dumps({
            "folder": os.path.basename(folder), "strength": strength, "documents": len(documents),
            "rise": rise, "se": se, "whole": whole, "upper": bound["upper"], "epsilon": epsilon,
            "beyond": beyond, "beyond_upper": bound["beyond"],
            "holds": rise <= bound["upper"], "within": rise <= epsilon, "share_holds": beyond <= bound["beyond"],
        }), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
