"""The model card: what a person should know before using a model, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import json
import platform
import re
from typing import Any
from typing import TYPE_CHECKING

import numpy as np
import torch

from optuna_xmcnas.version import __version__


if TYPE_CHECKING:
    from optuna_xmcnas.tagger.model import Model


_FEW = 5  # train documents; a label with fewer is of the tail, as `optuna-xmcnas data` counts it
_EXAMPLES = 10  # labels shown
_USUAL = ("P@1", "P@3", "P@5", "nDCG@3", "nDCG@5", "PSP@1", "PSP@3", "PSP@5")

_SUMMARIES = {
    "label": "Label attention: each label looks at the text by itself",
    "self": "Self attention: all labels share a few looks at the text",
    "maxpool": "Dynamic max pooling: all labels share the largest values in parts of the text",
}


def model_card(model: Model) -> str:
    """Return the card of a model: its data, architecture, training, worth, use and limits."""
    sections = {
        "What it tags": _labels(model),
        "What it is worth": _worth(model),
        "How to use it": _use(model),
        "Data": _data(model),
        "Architecture": _architecture(model),
        "Training": _training(model),
        "Limits": _limits(model),
        "Versions": _versions(model),
    }
    parts = [f"# {_line(model.name)}: labels for texts", _summary(model)]
    parts += [
        text
        for title, lines in sections.items()
        if (body := "\n".join(lines))
        for text in (f"## {title}", body)
    ]
    return "\n\n".join(parts) + "\n"


def _summary(model: Model) -> str:
    n = len(model.members)
    kind = "One neural network" if n == 1 else f"An ensemble of {n} neural networks"
    origin = model.facts.get("origin")
    return (
        f"{kind} that gives each text a ranked list of labels out of {model.n_labels:,}."
        + (f" Origin: {_line(str(origin)).removesuffix('.')}." if origin else "")
        + " Made with optuna-xmcnas."
    )


def _labels(model: Model) -> Iterator[str]:
    counts = model.label_counts
    unseen = int((counts == 0).sum())
    few = int((counts < _FEW).sum())
    yield f"- {model.n_labels:,} labels, learned from {model.n_train:,} train documents."
    yield (
        f"- {few:,} of them ({100 * few / model.n_labels:.0f} %) have fewer than {_FEW} train "
        f"documents, {unseen:,} have none."
    )
    yield ""
    yield f"The {min(_EXAMPLES, model.n_labels)} most frequent labels:"
    yield ""
    order = np.argsort(-counts, kind="stable")[:_EXAMPLES].tolist()
    rows = ((model.label_names[label], f"{counts[label]:,}") for label in order)
    yield from _table(("label", "train documents"), rows)


def _worth(model: Model) -> Iterator[str]:
    metrics = model.metrics
    rows = [
        (f"{split}, {of_whom}", scores)
        for of_whom, source in _judged(model)
        for split in ("validation", "test")
        if (scores := source.get(split))
    ]
    linear = metrics.get("linear") or {}
    if linear.get("test"):
        rows.append(("test, a linear method on the same documents", linear["test"]))
    if not rows:
        yield "Nobody has measured it yet."
        return
    known = {name for _, scores in rows for name in scores}
    names = [name for name in _USUAL if name in known]
    names += sorted(known.difference(_USUAL))
    yield "In percent; the validation documents chose the architecture and the weights, so only"
    yield "the test documents say what to expect of new ones."
    yield ""
    cells = ((title, *(_percent(scores.get(name)) for name in names)) for title, scores in rows)
    yield from _table(("documents", *names), cells)
    if not metrics.get("test"):
        yield ""
        yield "It was not measured on test documents."
    if linear.get("seconds") is not None:
        yield ""
        yield f"The linear method trained in {_duration(linear['seconds'])}."


def _judged(model: Model) -> Iterator[tuple[str, Mapping[str, Any]]]:
    members = model.metrics.get("members") or []
    yield "this model", model.metrics
    if len(members) > 1:
        for number, member in enumerate(members):
            yield f"member {number} alone (seed {member.get('seed')})", member


def _use(model: Model) -> Iterator[str]:
    text = "A text that wants labels."
    yield f"""Python:

```python
from optuna_xmcnas.tagger import Tagger

tagger = Tagger.load("path/to/this/folder")
for label, score in tagger.predict(["{text}"], k=5)[0]:
    print(f"{{score:.3f}}  {{label}}")
```

Command line, one text per line:

```
echo "{text}" | optuna-xmcnas predict path/to/this/folder -k 5
```

`optuna-xmcnas predict --help` tells of files, JSON lines and `--explain`. Every byte of this
folder is checked when it is loaded, so do not edit it. `config.json`, `labels.jsonl`,
`metrics.json` and `tokenizer.json` can be read without this package, the weights with
`safetensors`."""


def _data(model: Model) -> Iterator[str]:
    yield f"- Name: {_line(model.name)}"
    yield f"- Train documents: {model.n_train:,}"
    yield f"- Words: a vocabulary of {len(model.vocabulary):,}, the first {model.max_tokens:,} of"
    yield "  a text are read"
    width = model.vectors.shape[1]
    trained = "trained with the network" if model.config.train_embedding else "not trained"
    yield f"- Word vectors: {width} numbers each, {trained}"
    yield from _settings(model.facts.get("data"))


def _architecture(model: Model) -> Iterator[str]:
    config = model.config
    drawing = str(model.facts.get("architecture") or model.genome)
    yield from ("```", drawing.replace("```", "'''"), "```", "")
    combined = "weighted and added" if config.combine == "sum" else "side by side"
    yield f"- Genome: `{model.genome}`; the outputs of its nodes are {combined}."
    yield f"- Width of a node: {config.width:,}. {_SUMMARIES[config.attention]}."
    yield f"- Fully connected layers: {_list(config.fully_connected) or 'none'}."
    trained = model.members[0].n_parameters
    yield f"- Trained weights: {trained:,}" + (
        f" in each of {len(model.members)} members." if len(model.members) > 1 else "."
    )


def _training(model: Model) -> Iterator[str]:
    facts = model.facts
    if facts.get("seconds") is not None:
        place = f" on {_line(str(facts['device']))}" if facts.get("device") else ""
        yield f"- Took {_duration(facts['seconds'])}{place}"
    members = model.metrics.get("members") or []
    seeds = [str(member["seed"]) for member in members if "seed" in member]
    if seeds:
        yield f"- Seeds: {_list(seeds)}"
    yield from _settings(facts.get("training"))


def _limits(model: Model) -> Iterator[str]:
    yield f"- It knows only the labels listed in `labels.jsonl`, and ranks all {model.n_labels:,}"
    yield "  for every text, also for a text to which none applies."
    yield "- A score is between 0 and 1 and rises with the rank; it is not calibrated: choose a"
    yield "  threshold on documents of your own."
    yield "- Labels with few train documents are found less often than frequent ones."
    yield f"- It reads the first {model.max_tokens:,} words of a text. Words that are not in its"
    yield "  vocabulary all look the same to it, as do texts in a language it was not trained on."
    yield "- It repeats what the people who labelled the train documents did, their mistakes and"
    yield "  prejudices included."


def _versions(model: Model) -> Iterator[str]:
    yield f"- optuna-xmcnas {__version__}, PyTorch {torch.__version__}, NumPy {np.__version__},"
    yield f"  Python {platform.python_version()}"
    if model.facts.get("created"):
        yield f"- Made: {_line(str(model.facts['created']))}"


def _settings(settings: object) -> Iterator[str]:
    """Yield settings as a table; what is nested stands as JSON."""
    if not isinstance(settings, Mapping) or not settings:
        return
    yield ""
    rows = ((name, _value(value)) for name, value in settings.items())
    yield from _table(("setting", "value"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' + '---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(map(_line, row))} |"


def _line(text: str) -> str:
    r"""Return a text that stays on its line and in its cell, and that Markdown leaves alone.

    Example:
        >>> print(_line("a|b *c*"))
        a\|b \*c\*
    """
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(text.split()))


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return json.dumps(value, ensure_ascii=False)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _list(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _duration(seconds: float) -> str:
    """Return a duration in words.

    Example:
        >>> _duration(8), _duration(150), _duration(5400)
        ('8 seconds', '2.5 minutes', '1.5 hours')
    """
    if seconds < 60:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.1f} minutes" if seconds < 3600 else f"{seconds / 3600:.1f} hours"
