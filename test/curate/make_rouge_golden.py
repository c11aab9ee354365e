"""Writes rouge_golden.json: ROUGE-L F of pairs of texts by google-research's rouge-score 0.1.2.

    pip install rouge-score==0.1.2 && python make_rouge_golden.py
"""

import json
import random
from pathlib import Path

from rouge_score import rouge_scorer

BY_HAND = [
    ("the cat sat on the mat", "the cat was on a mat"),
    ("Write a short story about a dog.", "write a SHORT poem about the dog"),
    ("police killed the gunman", "the gunman police killed"),
    ("a b c d e", "e d c b a"),
    ("It's 3.5 kg, isn't it?", "its 35 kg isnt it"),
    ("same words here", "Same... words -- here!"),
    ("nothing in common", "whatever else stands there"),
    ("", "words"),
    ("one", "one"),
]
WORDS = "list name three colours of the sky and say why each is blue or red at night".split()


def main():
    draw = random.Random(42)
    pairs = list(BY_HAND)
    for _ in range(60):
        pairs.append(tuple(" ".join(draw.choices(WORDS, k=draw.randint(1, 30))) for _ in range(2)))
    scorer = rouge_scorer.RougeScorer(["rougeL"], use_stemmer=False)
    rows = [[a, b, scorer.score(a, b)["rougeL"].fmeasure] for a, b in pairs]
    path = Path(__file__).parent / "rouge_golden.json"
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
