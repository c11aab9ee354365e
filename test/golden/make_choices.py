"""Log-likelihoods of choices by transformers, for test/eval/choices_test.ts.

    pip install torch transformers
    python test/golden/make_choices.py MODEL_FOLDER OUT.json

For each question the ids of every choice and the sum of their log-likelihoods in float64, behind the
prompt and behind BOS (EOS where there is none) alone; one choice after the other, nothing packed.
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

QUESTIONS = [
    ("Once upon a time there was a little girl named Lily. She loved to", ["play", "eat the moon", "run and jump in the big park"]),
    ("Tom saw a dog. The dog was very", ["happy", "sad", "of", "big and it had a red ball"]),
    ("Is the sun hot? Answer:", ["yes", "no"]),
    ("great film\nQuestion: Was that sentence positive or negative? Answer:", ["negative", "positive"]),
    ("One day, the cat and the bird went to the", ["park", "store", "moon.", "beach to swim"]),
    ("The mom said,", ['"Do not go there!"', '"Let us go home now, Tim."', "Tim the the the"]),
    ("Ben was sad because his toy", ["broke", "was lost", "sang a song of cr\u00e8me br\u00fbl\u00e9e"]),
    ("A", ["B", "a", "1"]),
]


@torch.no_grad()
def likelihood(model, before, answer):
    logits = model(torch.tensor([before + answer])).logits[0].double().log_softmax(-1)
    at = range(len(before) - 1, len(before) + len(answer) - 1)
    return sum(logits[i, id].item() for i, id in zip(at, answer))


def main(folder, out):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    first = tokenizer.bos_token_id if tokenizer("a").input_ids[0] == tokenizer.bos_token_id else tokenizer.eos_token_id
    rows = []
    for prompt, choices in QUESTIONS:
        before = tokenizer(prompt + "\n").input_ids
        wholes = [tokenizer(prompt + "\n" + choice).input_ids for choice in choices]
        assert all(ids[: len(before)] == before for ids in wholes)
        answers = [ids[len(before) :] for ids in wholes]
        rows.append({
            "prompt": prompt,
            "choices": choices,
            "promptIds": before,
            "ids": answers,
            "sums": [likelihood(model, before, answer) for answer in answers],
            "alone": [likelihood(model, [first], answer) for answer in answers],
        })
    with open(out, "w", encoding="utf-8") as file:
        json.dump(rows, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
