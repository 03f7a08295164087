"""Load a model's folder and print its lists, so that two environments can be compared.

    PYTHON tests/tagger/ranked.py MODEL TEXTS.json > lists.json

It imports nothing but the package, and so runs wherever that is installed.
"""

from __future__ import annotations

import json
from pathlib import Path
import sys

from optuna_xmcnas.tagger import Tagger


def ranked(folder: Path, texts: list[str]) -> dict[str, list[list[str]]]:
    """Return the ten best labels of each text, and their logits, bit by bit."""
    tagger = Tagger.load(folder, device="cpu")
    top = tagger.rank(tagger.encode(texts), 10, batch_size=16)
    return {
        "labels": [[label for label, _ in row] for row in tagger.predict(texts, batch_size=16)],
        "logits": [[score.hex() for score in row] for row in top.scores.tolist()],
    }


if __name__ == "__main__":
    folder, texts = sys.argv[1:]
    found = ranked(Path(folder), json.loads(Path(texts).read_text("utf-8")))
    sys.stdout.write(json.dumps(found))
