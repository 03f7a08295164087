"""Reader of raw JSON lines, the form of data sets whose labels are documents themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.exceptions import DataError


def read_json_labels(file: Path) -> tuple[str, ...]:
    """Return the titles of the labels, made different; the line number is the label number."""
    names = []
    for number, record in _records(file):
        names.append(_text(record, "title", file, number) or str(record.get("uid", "")))
    if not names:
        raise DataError(f"{file} is empty; expected one label per line.")
    return distinct_names(names)


def read_json_documents(file: Path, n_labels: int, *, title_only: bool) -> TextSplit:
    """Return the documents of lines ``{"title": ..., "content": ..., "target_ind": [...]}``.

    Args:
        file: The file.
        n_labels: The number of lines of the label file, not the largest number seen here.
        title_only: Leave the content out, as data sets called "Titles" do.
    """
    texts = []
    rows = []
    for number, record in _records(file):
        parts = [_text(record, "title", file, number)]
        if not title_only:
            parts.append(_text(record, "content", file, number))
        texts.append(" ".join(part for part in parts if part))
        rows.append(_targets(record, file, number, n_labels))
    if not texts:
        raise DataError(f"{file} is empty; expected one document per line.")
    return TextSplit(texts=tuple(texts), labels=label_matrix(rows, n_labels))


def distinct_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, with ``#<number>`` added to each that is empty or not the only one.

    Example:
        >>> distinct_names(["a", "b", "a"])
        ('a #0', 'b', 'a #2')
    """
    names = list(names)
    counts = Counter(names)
    return tuple(
        name if name and counts[name] == 1 else f"{name} #{number}".lstrip()
        for number, name in enumerate(names)
    )


def _records(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(read_lines(file), start=1):
        try:
            record = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise error_at(file, number, f"not valid JSON ({error}).") from error
        if not isinstance(record, dict):
            raise error_at(file, number, f"expected a JSON object; got {line[:60]!r}.")
        yield number, record


def _text(record: Mapping[str, Any], key: str, file: Path, number: int) -> str:
    text = record.get(key, "")
    if not isinstance(text, str):
        raise error_at(file, number, f"`{key}` must be a string; got {text!r:.60}.")
    return text


def _targets(record: Mapping[str, Any], file: Path, number: int, n_labels: int) -> list[int]:
    targets = record.get("target_ind")
    if not isinstance(targets, list) or any(type(target) is not int for target in targets):
        raise error_at(
            file, number, f"`target_ind` must be a list of label numbers; got {targets!r:.60}."
        )
    if targets and not 0 <= min(targets) <= max(targets) < n_labels:
        wrong = min(targets) if min(targets) < 0 else max(targets)
        raise error_at(
            file, number, f"label number {wrong} is out of range; allowed: 0..{n_labels - 1}."
        )
    return targets
