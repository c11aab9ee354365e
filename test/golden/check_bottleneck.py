"""Opens what round_trip_bottleneck.ts left with AdapterHub's library, and compares logits.

    deno run -A test/golden/round_trip_bottleneck.ts OUT && python test/golden/check_bottleneck.py OUT

Needs the packages that make_bottleneck.py names.
"""

import json
import sys
from pathlib import Path

import adapters
import torch
from make_bottleneck import HERE, base_of, logits_of
from safetensors.torch import load_file

BOUND = 1e-4


def check(folder):
    ours = json.loads((folder / "ours.json").read_text())
    golden = json.loads((HERE / f"{ours['base']}.json").read_text())
    model = base_of(golden, load_file(HERE / f"{ours['base']}.safetensors"))
    ids = [torch.tensor(x) for x in golden["ids"]]

    def error():
        with torch.no_grad():
            pairs = zip(logits_of(model, ids), ours["logits"])
            return max((logits.flatten() - torch.tensor(own)).abs().max().item() for logits, own in pairs)

    before = error()
    adapters.init(model)
    model.load_adapter(str(folder / "run" / "adapter"), use_safetensors=True, set_active=True)
    model.eval()
    adapted = error()
    print(f"{folder.name} on {ours['base']}: with the adapter {adapted:.1e}, without {before:.1e}")
    return adapted <= BOUND and before > 100 * BOUND


if __name__ == "__main__":
    torch.set_num_threads(1)
    results = [check(folder) for folder in sorted(Path(sys.argv[1]).iterdir())]
    sys.exit(0 if results and all(results) else 1)
