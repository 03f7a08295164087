"""The README of an exported model: what its files are, and short programs that use them."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import TYPE_CHECKING

from optuna_xmcnas.tagger.deployed import label_chunk
from optuna_xmcnas.version import __version__


if TYPE_CHECKING:
    from optuna_xmcnas.tagger.export import ExportCheck
    from optuna_xmcnas.tagger.export import ExportFormat
    from optuna_xmcnas.tagger.model import Model


LABELS = "labels.jsonl"
TOKENIZER = "tokenizer.json"
ONNX_FILE = "model.onnx"
TORCH_FILE = "model.pt2"

_PROGRAM = """\
import json

import numpy as np
{library}
from tokenizers import Tokenizer

MAX_TOKENS = {max_tokens}  # words of a text that the model reads

tokenizer = Tokenizer.from_file("tokenizer.json")
{load}
with open("labels.jsonl", encoding="utf-8", newline="\\n") as file:
    names = [json.loads(line)["label"] for line in file]

texts = ["A text that wants labels.", "Another one."]
rows = [found.ids[:MAX_TOKENS] or [1] for found in tokenizer.encode_batch(texts)]
lengths = np.array([len(row) for row in rows], np.int64)
tokens = np.zeros((len(rows), lengths.max()), np.int64)  # 0 fills short texts up
for place, row in zip(tokens, rows):
    place[: len(row)] = row

{run}
for text, numbers, shares in zip(texts, labels, scores):
    print(text)
    for number, share in zip(numbers[:5], shares[:5]):
        print(f"  {{share:.3f}}  {{names[number]}}")
"""
_ONNX = {
    "library": "import onnxruntime",
    "load": f'session = onnxruntime.InferenceSession("{ONNX_FILE}")',
    "run": 'labels, scores, _ = session.run(None, {"tokens": tokens, "lengths": lengths})',
}
_TORCH = {
    "library": "import torch",
    "load": f'program = torch.export.load("{TORCH_FILE}").module()',
    "run": (
        "with torch.no_grad():\n"
        "    labels, scores, _ = program(torch.from_numpy(tokens), torch.from_numpy(lengths))"
    ),
}


def export_card(model: Model, checks: Mapping[ExportFormat, ExportCheck | None], k: int) -> str:
    """Return the README of the folder that a model is exported to.

    Args:
        model: The model.
        checks: What was written, and how near it comes to the model.
        k: Labels for each text.
    """
    return "\n".join(
        (
            f"# {' '.join(model.name.split())}: labels for texts, exported",
            "",
            f"A neural network that gives each text the best {k:,} of {model.n_labels:,} labels,",
            f"written by optuna-xmcnas {__version__}, which is not needed to use it.",
            *_onnx(model, checks),
            *_torch(model, checks),
            *_interface(model, k),
        )
    )


def _onnx(model: Model, checks: Mapping[ExportFormat, ExportCheck | None]) -> Iterator[str]:
    if "onnx" not in checks:
        return
    yield from ("", "## With ONNX Runtime", "")
    yield "    python -m pip install numpy onnxruntime tokenizers"
    yield from ("", "In this folder:", "", "```python")
    yield _PROGRAM.format(max_tokens=model.max_tokens, **_ONNX) + "```"
    yield from ("", *_agreement(checks["onnx"]))
    yield "The file is a graph of ONNX operators; nothing in it is a program."


def _torch(model: Model, checks: Mapping[ExportFormat, ExportCheck | None]) -> Iterator[str]:
    if "torch" not in checks:
        return
    yield from ("", "## With PyTorch", "")
    yield "    python -m pip install numpy tokenizers torch"
    yield from ("", "In this folder:", "", "```python")
    yield _PROGRAM.format(max_tokens=model.max_tokens, **_TORCH) + "```"
    yield from ("", *_agreement(checks["torch"]))
    yield f"`torch.export.load` can run code that is hidden in a file: load a `{TORCH_FILE}` from"
    yield "people you trust only. It is made for the version of PyTorch that wrote it and later"
    yield "ones."


def _agreement(check: ExportCheck | None) -> Iterator[str]:
    if check is None:
        yield "It was not compared with the model: ONNX Runtime was not installed."
        return
    yield f"Compared with the model on {check.n_texts} texts of random words, by {check.runtime}:"
    yield f"logits differ by at most {check.largest_difference:.1e}, and"
    yield f"{100 * check.equal_lists:.0f} % of the lists are equal."


def _interface(model: Model, k: int) -> Iterator[str]:
    memory = f"Memory: 4 bytes x texts x {model.n_labels:,} labels"
    if model.config.attention == "label":
        chunk = min(label_chunk(model.members[0]), model.n_labels)
        memory += (
            f", and about three times 4 bytes x\ntexts x words x {chunk:,}, the labels that are "
            "looked at together"
        )
    yield f"""
## What goes in and comes out

| name | shape | type | |
|---|---|---|---|
| `tokens` | (texts, words) | int64 | word numbers from `{TOKENIZER}`, 0 after the end of a text |
| `lengths` | (texts,) | int64 | words of each text; one without words counts as one unknown word |
| `labels` | (texts, {k}) | int64 | the best labels, best first: lines of `{LABELS}`, from 0 |
| `scores` | (texts, {k}) | float32 | between 0 and 1, not calibrated |
| `logits` | (texts, {k}) | float32 | what ranks the labels; sure scores round to 1, these do not |

Any number of texts and words will do; what a text gets does not depend on the texts beside it. Of
equal labels, the one with the lower number comes first. The model was trained on the first
{model.max_tokens:,} words of a text; leave out what follows.

{memory}.
"""
