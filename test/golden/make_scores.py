"""Scores of rouge-score, Super-NaturalInstructions and SQuAD for test/eval/metrics.

The texts are drawn from the words of the fixture by a linear congruential generator that the test
has too, so that the fixture holds words and scores alone. With: pip install rouge-score.

    python test/golden/make_scores.py
"""
import json
import os
import re
import string
from collections import Counter

from nltk.stem.porter import PorterStemmer
from rouge_score import rouge_scorer

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = 2400

WORDS = (
    "the a an The A of in is was not dogs dog running ran run cat cats cities city happy happiness happily "
    "relational conditional rationalize generally generalization dying skies news proceed flies tied died "
    "agreed feed plastered motoring conflated troubled sized hopping falling hissing filing sky cry by say "
    "valenci hesitanci digitizer vietnamization predication operator feudalism decisiveness hopefulness "
    "callousness formaliti sensitiviti sensibiliti geologi archaeology apology beautifully triplicate formative "
    "formalize electriciti electrical hopeful goodness revival allowance inference airliner gyroscopic "
    "adjustable defensible irritant replacement adjustment dependent adoption homologou communism activate "
    "angulariti homologous effective bowdlerize probate rate cease controll roll 12 12,000 3.5 $5 -7 U.S.A. "
    "don't it's mother-in-law well-known e.g. (A) (b) \"quoted\" `code` x=y a/b C++ caf\u00e9 na\u00efve \u00c9t\u00e9 "
    "stra\u00dfe \u0130stanbul \u65e5\u672c\u8a9e \u043f\u0440\u0438\u0432\u0435\u0442 \u2014 \u2026 ... , . ! ? ; : an\u2019s the_end _a_ "
    "theatre another aan I'm NEGATIVE Positive positive yes No"
).split(" ")

BASES = (
    "rational operat generaliz troubl conflat happ fl cr s hop fall hiss fil agre pl motor sens decis form "
    "electr good allow infer gyroscop adjust irrit replac depend adopt commun activ homolog effect bowdl prob "
    "ceas contr roll argu bab sk d l t pr exc succ out inn cann how geo arche theo bio y ey oy sy by styl "
    "ski tripl revi ab eb ib aa yy oat east"
).split(" ")
SUFFIXES = (
    "- s es ies sses ss ed eed ied ing y ly ally alli ational tional enci anci izer bli abli entli eli ousli "
    "ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti "
    "ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e "
    "le ll lle l z zz sed zed ated bled ized ating bling izing ying yed"
).split(" ")


class Lcg:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 8) % n


def text(lcg, most):
    return [WORDS[lcg.below(len(WORDS))] for _ in range(lcg.below(most))]


def case(number):
    """An answer, and a reference that shares some of it: kept, dropped, changed or moved words."""
    lcg = Lcg(number)
    reference = text(lcg, 14)
    output = []
    for word in reference:
        kind = lcg.below(8)
        if kind == 0:
            continue
        if kind == 1:
            output.append(WORDS[lcg.below(len(WORDS))])
        elif kind == 2:
            output.append(word.upper())
        elif kind == 3:
            output.insert(lcg.below(len(output) + 1), word)
        else:
            output.append(word)
    if lcg.below(3) == 0:
        output += text(lcg, 6)
    if lcg.below(3) == 0:  # the same but for case, punctuation, articles and spaces
        output = [f"{word}," if lcg.below(3) == 0 else word for word in reference]
        if lcg.below(2) == 0:
            output.insert(lcg.below(len(output) + 1), "the")
    space = [" ", "  ", "\t", "\n", "\u00a0"][lcg.below(5)]
    return space.join(output), " ".join(reference)


def white_space_fix(text):
    return " ".join(text.split())


def remove_punctuation(text):
    exclude = set(string.punctuation)
    return "".join(ch for ch in text if ch not in exclude)


def normalize_sni(text):  # allenai/natural-instructions: eval/automatic/evaluation.py
    return white_space_fix(remove_punctuation(text.lower()))


def normalize_squad(text):  # SQuAD 2.0's evaluation script
    text = remove_punctuation(text.lower())
    return white_space_fix(re.compile(r"\b(a|an|the)\b", re.UNICODE).sub(" ", text))


def squad_f1(output, reference):
    found, wanted = normalize_squad(output).split(), normalize_squad(reference).split()
    if len(found) == 0 or len(wanted) == 0:
        return int(found == wanted)
    same = sum((Counter(wanted) & Counter(found)).values())
    if same == 0:
        return 0
    precision, recall = same / len(found), same / len(wanted)
    return 2 * precision * recall / (precision + recall)


KINDS = ["rouge1", "rouge2", "rougeL"]
plain = rouge_scorer.RougeScorer(KINDS, use_stemmer=False)
stems = rouge_scorer.RougeScorer(KINDS, use_stemmer=True)


def scores(output, reference):
    """In the order of METRICS."""
    found = [scorer.score(target=reference, prediction=output) for scorer in (plain, stems)]
    return [
        *(found[0][kind].fmeasure for kind in KINDS),
        *(found[1][kind].fmeasure for kind in KINDS),
        int(normalize_sni(output) == normalize_sni(reference)),
        int(normalize_squad(output) == normalize_squad(reference)),
        squad_f1(output, reference),
    ]


METRICS = [
    *KINDS, *(f"{kind}_stem" for kind in KINDS), "exact_match", "exact_match_squad", "token_f1",
]


def main():
    rows = [scores(*case(number)) for number in range(CASES)]
    values = sorted({value for row in rows for value in row})
    index = {value: i for i, value in enumerate(values)}
    stemmer = PorterStemmer()
    stemmed = [
        " ".join(stemmer.stem(base + suffix.strip("-")) for suffix in SUFFIXES) for base in BASES
    ]
    fixture = {
        "words": WORDS,
        "metrics": METRICS,
        "values": values,
        "cases": [" ".join(str(index[value]) for value in row) for row in rows],
        "bases": BASES,
        "suffixes": [suffix.strip("-") for suffix in SUFFIXES],
        "stems": stemmed,
    }
    path = os.path.join(HERE, "scores.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(fixture, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
    for m, name in enumerate(METRICS):
        print(name, sum(row[m] for row in rows) / CASES)
    print(os.path.getsize(path), "bytes", len(BASES) * len(SUFFIXES), "stems")


if __name__ == "__main__":
    main()
