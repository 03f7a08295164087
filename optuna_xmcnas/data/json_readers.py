"""Reader of raw JSON lines, the form of data sets whose labels are documents themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import json
import logging
from pathlib import Path
import re
from typing import Any

from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.exceptions import DataError


_logger = logging.getLogger(__name__)

_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character; no UTF-8 can hold it


def read_json_labels(file: Path) -> tuple[str, ...]:
    """Return the titles of the labels, made different; the line number is the label number."""
    names = []
    for number, record in _records(file):
        _check_keys(record, ("title", "uid"), file, number)
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
    keys = ("title",) if title_only else ("title", "content")
    texts = []
    rows = []
    n_dropped = 0
    for number, record in _records(file):
        rows.append(_targets(record, file, number, n_labels))
        _check_keys(record, keys, file, number)
        parts = [_text(record, key, file, number) for key in keys]
        texts.append(" ".join(part for part in parts if part))
        n_dropped += title_only and bool(record.get("content"))
    if not texts:
        raise DataError(f"{file} is empty; expected one document per line.")
    if n_dropped:
        _logger.warning(
            "%s: the content of %d documents is left out, because the name of the folder says "
            "that the documents are titles.",
            file,
            n_dropped,
        )
    return TextSplit(texts=tuple(texts), labels=label_matrix(rows, n_labels))


def distinct_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, with ``#<number>`` added to each that is empty or not the only one.

    The number is added again where another name already has that form.

    Example:
        >>> distinct_names(["a", "b", "a"])
        ('a #0', 'b', 'a #2')
    """
    names = list(names)
    counts = Counter(names)
    taken = {name for name in names if name and counts[name] == 1}
    distinct = []
    for number, name in enumerate(names):
        if name not in taken or counts[name] > 1:
            name = f"{name} #{number}".lstrip()
            while name in taken:
                name = f"{name} #{number}"
            taken.add(name)
        distinct.append(name)
    return tuple(distinct)


def _records(file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    warned = False
    for number, line in enumerate(read_lines(file), start=1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:  # also: a number of too many digits
            raise error_at(file, number, f"not valid JSON ({error}).") from error
        if not isinstance(record, dict):
            raise error_at(file, number, f"expected a JSON object; got {line[:60]!r}.")
        broken = [
            key
            for key, text in record.items()
            if isinstance(text, str) and _SURROGATE.search(text)
        ]
        for key in broken:
            record[key] = _SURROGATE.sub("\ufffd", record[key])
        if broken and not warned:
            _logger.warning(
                "%s, line %d: `%s` holds half a character (a lone surrogate); it is replaced "
                "by U+FFFD, here and on later lines.",
                file,
                number,
                broken[0],
            )
            warned = True
        yield number, record


def _check_keys(record: Mapping[str, Any], keys: tuple[str, ...], file: Path, number: int) -> None:
    if not any(key in record for key in keys):
        found = ", ".join(f"`{key}`" for key in record)[:200] or "nothing"
        wanted = "no `title`" if len(keys) == 1 else f"neither `{keys[0]}` nor `{keys[1]}`"
        raise error_at(file, number, f"the record has {wanted}; it has {found}.")


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
            file,
            number,
            f"label number {str(wrong)[:30]} is out of range; allowed: 0..{n_labels - 1}.",
        )
    return targets
