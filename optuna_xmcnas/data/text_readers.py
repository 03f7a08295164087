"""Readers of layouts that name labels by strings: documents with labels, one per line.

A label's number is the order of its first sight in train, then in the other splits; labels that
look like numbers stay strings. So a label that only the test documents have gets a number too.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextDataset
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.exceptions import DataError


def read_paired_lines(
    name: str,
    format_name: str,
    files: Mapping[str, tuple[Path, Path]],
    label_texts: Path | None = None,
) -> TextDataset:
    """Return a data set from one file of texts and one of labels per split.

    Args:
        name: Of the data set.
        format_name: Of the layout.
        files: The two files of each split, train first.
        label_texts: Lines ``label<TAB>text``.
    """
    documents = {}
    for split, (text_file, label_file) in files.items():
        texts = tuple(read_lines(text_file))
        lines = enumerate(read_lines(label_file), start=1)
        labels = [_labels(line, label_file, number) for number, line in lines]
        check_same_count({text_file: len(texts), label_file: len(labels)})
        documents[split] = (texts, labels)
    return _named(name, format_name, documents, label_texts)


def read_tabbed_lines(name: str, format_name: str, files: Mapping[str, Path]) -> TextDataset:
    """Return a data set from lines ``labels<TAB>text`` or ``id<TAB>labels<TAB>text``."""
    documents = {}
    n_tabs: int | None = None
    for split, file in files.items():
        texts: list[str] = []
        labels: list[list[str]] = []
        for number, line in enumerate(read_lines(file), start=1):
            fields = line.split("\t")
            n_tabs = len(fields) - 1 if n_tabs is None else n_tabs
            if len(fields) - 1 != n_tabs or n_tabs not in (1, 2):
                raise error_at(
                    file,
                    number,
                    f"{len(fields) - 1} tabs; expected 1 (labels, text) or 2 (id, labels, text), "
                    "the same number on all lines.",
                )
            texts.append(fields[-1])
            labels.append(_labels(fields[-2], file, number))
        check_same_count({file: len(texts)})
        documents[split] = (tuple(texts), labels)
    return _named(name, format_name, documents, None)


def check_same_count(counts: Mapping[Path, int]) -> None:
    """Refuse files of one split that are empty or have different numbers of lines."""
    for file, count in counts.items():
        if count == 0:
            raise DataError(f"{file} is empty; expected one document per line.")
    if len(set(counts.values())) > 1:
        found = " and ".join(f"{file} has {count} lines" for file, count in counts.items())
        raise DataError(f"{found}; files of one split need one line per document.")


def number_labels(
    rows_of_splits: Iterable[Iterable[Sequence[str]]],
) -> tuple[tuple[str, ...], list[list[list[int]]]]:
    """Return the labels in the order of first sight, and the rows in their numbers.

    Example:
        >>> number_labels([[["b", "a"], []], [["c", "a"]]])
        (('b', 'a', 'c'), [[[0, 1], []], [[2, 1]]])
    """
    numbers: dict[str, int] = {}
    numbered = [
        [[numbers.setdefault(label, len(numbers)) for label in row] for row in rows]
        for rows in rows_of_splits
    ]
    return tuple(numbers), numbered


def _named(
    name: str,
    format_name: str,
    documents: Mapping[str, tuple[tuple[str, ...], list[list[str]]]],
    label_texts: Path | None,
) -> TextDataset:
    label_names, numbered = number_labels(labels for _, labels in documents.values())
    splits = {
        split: TextSplit(texts=texts, labels=label_matrix(rows, len(label_names)))
        for (split, (texts, _)), rows in zip(documents.items(), numbered, strict=True)
    }
    texts = None if label_texts is None else _read_label_texts(label_texts, label_names)
    return TextDataset.from_splits(name, format_name, label_names, splits, texts)


def _read_label_texts(file: Path, label_names: Sequence[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for number, line in enumerate(read_lines(file), start=1):
        label, tab, text = line.partition("\t")
        if not tab:
            raise error_at(file, number, f"expected `label<TAB>text`; got {line[:60]!r}.")
        found.setdefault(label, text)
    return tuple(found.get(label, "") for label in label_names)


def _labels(line: str, file: Path, number: int) -> list[str]:
    if "\r" in line:
        raise error_at(
            file,
            number,
            "a carriage return within the labels; lines must end in \\n or \\r\\n.",
        )
    return [label for label in line.split(" ") if label]  # other white space may be in a label
