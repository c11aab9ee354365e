"""Renders of PromptSource templates by Python's own Jinja, for test/rows/prompts/promptsource_test.ts.

    pip install jinja2==3.1.6 pyyaml
    python test/rows/prompts/make_golden.py     # from the root of the repository

Follows Template.apply of promptsource/templates.py (bigscience-workshop/promptsource). `choice` takes
the k-th item at its k-th call within one render instead of any. Of the files in ../shared/data only
digests are kept.
"""

import hashlib
import json
import pathlib
from collections import Counter

import jinja2
import yaml

HERE = pathlib.Path(__file__).parent
SHARED = HERE.parents[3] / "shared/data/templates/promptsource"
PIPE = "3ed2dface8203c4c9dfb1a5dc58e41e0"


class Template(yaml.YAMLObject):
    yaml_tag = "!Template"
    yaml_loader = yaml.SafeLoader


class Metadata(yaml.YAMLObject):
    yaml_tag = "!TemplateMetadata"
    yaml_loader = yaml.SafeLoader


def render(source, fields):
    calls = iter(range(10**6))
    env = jinja2.Environment()
    env.globals["zip"] = zip
    env.filters["choice"] = lambda items: items[next(calls) % len(items)]

    def most_frequent(items):
        if not items:
            return None
        counts = Counter(items).most_common()
        return [item for item, count in counts if count == counts[0][1]]

    env.filters["most_frequent"] = most_frequent
    text = env.from_string(source).render(**fields)
    return [part.replace(PIPE, "|||").strip() for part in text.split("|||")]


def apply(template, row):
    fields = {k: v.replace("|||", PIPE) if isinstance(v, str) else v for k, v in row.items()}
    choices = template.answer_choices
    choices = None if choices is None else render(choices, fields)
    cut = template.jinja.replace("}}", " | string | truncate(2048) }}")
    return render(cut, {**fields, "answer_choices": choices})


ROWS = [
    {
        "text": "a cat ||| sat", "other": "perhaps", "label": 1, "nothing": None,
        "votes": ["x", "y", "y", "x", "z"], "pairs": ["one", "two"], "deep": {"a": [True, "q\n"]},
        "long": "word " * 600,
    },
    {
        "text": "Ünïcode it's \"so\"", "other": "", "label": 0, "nothing": "", "votes": ["only"],
        "pairs": ["one", "two", "three"], "deep": {}, "long": "x" * 2053,
    },
    {
        "text": "b", "other": "-", "label": 2, "nothing": 0, "votes": ["a", "b"], "pairs": ["one"],
        "deep": {"b": None}, "long": "x" * 2054,
    },
]
SHARED_ROWS = {
    "ag_news": [
        {"text": "Oil prices rose ||| again on Monday.", "label": 2},
        {"text": "The home side won by two.\nIt rained. " * 80, "label": 1},
    ],
    "glue__sst2": [
        {"sentence": "a charming and often affecting journey", "label": 1, "idx": 0},
        {"sentence": "it's \"bad\"", "label": 0, "idx": 1},
    ],
    "common_gen": [
        {"concepts": ["dog", "catch", "frisbee"], "target": "The dog catches a frisbee."},
        {"concepts": ["ski"], "target": "A man skis."},
    ],
}


def load(path):
    return yaml.safe_load(path.read_text())["templates"].values()


def digest(parts):
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:16]


golden = {
    "rows": ROWS,
    "templates": [
        {"name": t.name, "parts": [apply(t, row) for row in ROWS]}
        for t in load(HERE / "templates.yaml")
    ],
    "shared": {
        name: {
            "rows": rows,
            "digests": {
                t.name: [digest(apply(t, row)) for row in rows] for t in load(SHARED / f"{name}.yaml")
            },
        }
        for name, rows in SHARED_ROWS.items()
    },
}
(HERE / "golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")
