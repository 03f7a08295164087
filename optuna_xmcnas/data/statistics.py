"""What a data set holds, in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.data.embeddings import align_vectors
from optuna_xmcnas.data.embeddings import read_word_vectors
from optuna_xmcnas.data.embeddings import VectorCoverage
from optuna_xmcnas.data.embeddings import WordVectors
from optuna_xmcnas.data.vocabulary import count_words


if TYPE_CHECKING:
    from optuna_xmcnas.data.dataset import TextDataset
    from optuna_xmcnas.data.dataset import TextSplit
    from optuna_xmcnas.data.vocabulary import Vocabulary


_TAIL = 5  # a label with fewer train documents belongs to the tail


@dataclass(frozen=True)
class SplitStatistics:
    """One split in numbers."""

    name: str
    n_documents: int
    n_without_labels: int  # documents that have no label
    labels_per_document: float


@dataclass(frozen=True)
class TextStatistics:
    """The words of a data set in numbers; a word is what `Vocabulary` says."""

    n_words: int  # different ones in the train texts
    mean_tokens: float  # of a train document
    median_tokens: float
    tokens_95: float  # 95 % of the train documents have at most that many
    unknown_test_tokens: float | None  # share of the test tokens that no train text has


@dataclass(frozen=True, kw_only=True)
class DatasetStatistics:
    """A data set in numbers, for people who wonder what a folder holds."""

    name: str
    format: str
    splits: tuple[SplitStatistics, ...]
    n_labels: int
    n_labels_not_in_train: int  # only the other splits have them
    documents_per_label: float  # train documents, mean over the labels that train has
    tail_share: float  # share of all labels with fewer than 5 train documents
    n_features: int | None  # numeric ones, None if there are none
    text: TextStatistics | None  # None if there are only numeric features
    coverage: VectorCoverage | None  # of given vectors


def describe(
    raw: TextDataset, *, vectors: WordVectors | Path | str | None = None
) -> DatasetStatistics:
    """Return the numbers of a data set.

    Args:
        raw: The data set.
        vectors: Word vectors, or their file, to say how many words have one.

    Example:
        >>> from optuna_xmcnas.data.synthetic import synthetic_dataset
        >>> raw = synthetic_dataset(n_train=50, n_test=5, n_labels=4, ordered=True)
        >>> statistics = describe(raw)
        >>> statistics.n_labels, statistics.splits[0].labels_per_document, statistics.tail_share
        (4, 2.0, 0.0)
    """
    counts = np.bincount(raw.train.labels.indices, minlength=raw.n_labels)
    n_in_train = int((counts > 0).sum())
    text, coverage = _describe_texts(raw, vectors)
    features = raw.train.features
    return DatasetStatistics(
        name=raw.name,
        format=raw.format,
        splits=tuple(_describe_split(name, split) for name, split in raw.splits.items()),
        n_labels=raw.n_labels,
        n_labels_not_in_train=raw.n_labels - n_in_train,
        documents_per_label=float(counts.sum()) / max(n_in_train, 1),
        tail_share=float((counts < _TAIL).mean()) if raw.n_labels else 0.0,
        n_features=None if features is None else int(features.shape[1]),
        text=text,
        coverage=coverage,
    )


def _describe_split(name: str, split: TextSplit) -> SplitStatistics:
    sizes = np.diff(split.labels.indptr)
    return SplitStatistics(
        name=name,
        n_documents=len(split),
        n_without_labels=int((sizes == 0).sum()),
        labels_per_document=float(sizes.mean()) if len(split) else 0.0,
    )


def _describe_texts(
    raw: TextDataset, vectors: WordVectors | Path | str | None
) -> tuple[TextStatistics | None, VectorCoverage | None]:
    if raw.train.texts is None:
        return None, None
    counts = count_words(raw.train.texts)
    vocabulary, lists = counts.vocabulary(max_words=len(counts.words) + 2)
    lengths = np.diff(lists.offsets)
    statistics = TextStatistics(
        n_words=len(counts.words),
        mean_tokens=float(lengths.mean()),
        median_tokens=float(np.median(lengths)),
        tokens_95=float(np.percentile(lengths, 95)),
        unknown_test_tokens=_unknown_share(raw.test, vocabulary),
    )
    if vectors is None:
        return statistics, None
    if isinstance(vectors, Path | str):
        vectors = read_word_vectors(vectors, words=frozenset(counts.words))
    return statistics, align_vectors(vectors, vocabulary, lists, seed=0)[1]


def _unknown_share(test: TextSplit | None, vocabulary: Vocabulary) -> float | None:
    if test is None or test.texts is None or not len(test):
        return None
    return float((vocabulary.encode(test.texts).tokens == 1).mean())
