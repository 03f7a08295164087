"""Tiny generated data sets with a known answer, for tests, examples and documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextDataset
from optuna_xmcnas.data.dataset import TextSplit


if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    # draws one document: its words and its label numbers
    DrawDocument: TypeAlias = Callable[[np.random.Generator, int], tuple[list[str], list[int]]]


_N_FILLERS = 40  # distinct words without meaning
_LABELS_PER_DOCUMENT = 3  # at most, where labels follow from words
_WIDEST_GAP = 6  # fillers between the two markers of a pair, at most
_EDGE = 4  # fillers before the first marker and after the last, at least


def synthetic_dataset(
    *,
    n_train: int = 400,
    n_test: int = 100,
    n_labels: int = 10,
    seed: int = 0,
    ordered: bool = False,
) -> TextDataset:
    """Return a generated data set whose labels follow from its words by a simple rule.

    Without ``ordered``, a document has label ``i`` if it holds the word ``topic<i>``: one to
    three labels, low numbers more often than high ones. Any network that reads words can learn it.

    With ``ordered``, every document holds the same markers ``left<j>`` and ``right<j>`` of all
    pairs ``j``, once each, and has label ``2j`` if ``left<j>`` comes first and ``2j + 1`` if
    ``right<j>`` does. Which words occur therefore says nothing: only a network that sees the
    order can do better than one half of ``n_labels / 2`` labels. The two markers of a pair have
    up to six other words between them, pairs come in random order.

    Args:
        n_train: Number of train documents.
        n_test: Number of test documents.
        n_labels: Number of labels; even if ``ordered``.
        seed: The same seed gives the same data.
        ordered: Whether labels depend on the order of words and not on which words occur.

    Example:
        >>> data = synthetic_dataset(n_train=20, n_test=5, n_labels=4, ordered=True)
        >>> words = data.train.texts[0].split()
        >>> left_is_first = words.index("left0") < words.index("right0")
        >>> bool(data.train.labels[0, 0]) == left_is_first
        True
        >>> bool(data.train.labels[0, 1]) == left_is_first
        False
    """
    if min(n_train, n_test, n_labels) < 1:
        raise ValueError(
            "`n_train`, `n_test` and `n_labels` must be at least 1; "
            f"got {n_train}, {n_test}, {n_labels}."
        )
    if ordered and n_labels % 2:
        raise ValueError(f"`n_labels` must be even if `ordered`, two per pair; got {n_labels}.")
    rng = np.random.default_rng(seed)
    draw = _draw_ordered if ordered else _draw_topical
    return TextDataset(
        name="synthetic-ordered" if ordered else "synthetic",
        format="synthetic",
        label_names=tuple(f"label{i}" for i in range(n_labels)),
        train=_draw_split(draw, rng, n_train, n_labels),
        test=_draw_split(draw, rng, n_test, n_labels),
    )


def _draw_split(
    draw: DrawDocument, rng: np.random.Generator, n_documents: int, n_labels: int
) -> TextSplit:
    documents = [draw(rng, n_labels) for _ in range(n_documents)]
    return TextSplit(
        texts=tuple(" ".join(words) for words, _ in documents),
        labels=label_matrix((labels for _, labels in documents), n_labels),
    )


def _draw_topical(rng: np.random.Generator, n_labels: int) -> tuple[list[str], list[int]]:
    weights = 1 / np.arange(1, n_labels + 1)  # Zipf: a few frequent labels and a tail
    size = int(rng.integers(1, min(_LABELS_PER_DOCUMENT, n_labels) + 1))
    chosen = rng.choice(n_labels, size=size, replace=False, p=weights / weights.sum())
    labels = sorted(chosen.tolist())
    words = [f"topic{label}" for label in labels] + _fillers(rng, int(rng.integers(5, 15)))
    return [words[i] for i in rng.permutation(len(words))], labels


def _draw_ordered(rng: np.random.Generator, n_labels: int) -> tuple[list[str], list[int]]:
    words = _fillers(rng, _EDGE)
    labels = []
    for pair in rng.permutation(n_labels // 2).tolist():
        is_right_first = int(rng.integers(2))
        first, second = ("right", "left") if is_right_first else ("left", "right")
        words.extend(_fillers(rng, int(rng.integers(_WIDEST_GAP + 1))))
        words.append(f"{first}{pair}")
        words.extend(_fillers(rng, int(rng.integers(_WIDEST_GAP + 1))))
        words.append(f"{second}{pair}")
        labels.append(2 * pair + is_right_first)
    return words + _fillers(rng, _EDGE), sorted(labels)


def _fillers(rng: np.random.Generator, size: int) -> list[str]:
    return [f"filler{i}" for i in rng.integers(_N_FILLERS, size=size).tolist()]
