"""From texts to a data set that a child can train on: splits, words, numbers, vectors."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.data.cooccurrence import cooccurrence_vectors
from optuna_xmcnas.data.dataset import TextDataset
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.dataset import TokenSplit
from optuna_xmcnas.data.dataset import XmcDataset
from optuna_xmcnas.data.embeddings import align_vectors
from optuna_xmcnas.data.embeddings import read_word_vectors
from optuna_xmcnas.data.embeddings import WordVectors
from optuna_xmcnas.data.splits import sample_rows
from optuna_xmcnas.data.splits import split_rows
from optuna_xmcnas.data.vocabulary import count_words
from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    from optuna_xmcnas.data.vocabulary import TokenLists


_logger = logging.getLogger(__name__)

_LARGEST_HELD_OUT_SHARE = 5  # at most one fifth of the train documents become validation


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """How texts become word numbers and which documents are used."""

    max_tokens: int = 500  # words kept of the head of a document (AttentionXML)
    max_vocabulary: int = 500_000  # rows of the embedding, padding and unknown included (same)
    train_documents: int | None = None  # a seeded subset; None: all
    validation_documents: int = 1000  # at most, and at most a fifth where train has to give them
    vector_size: int = 100  # of vectors made from the texts; files bring their own
    seed: int = 0  # of splits, subsets and random vectors

    def __post_init__(self) -> None:
        smallest = {
            "max_tokens": 1,
            "max_vocabulary": 3,
            "validation_documents": 1,
            "vector_size": 1,
            "seed": 0,
        }
        for name, least in smallest.items():
            if (found := getattr(self, name)) < least:
                raise ValueError(f"`{name}` must be at least {least}; got {found}.")
        if self.train_documents is not None and self.train_documents < 1:
            raise ValueError(
                f"`train_documents` must be at least 1 or None; got {self.train_documents}."
            )


def prepare(
    raw: TextDataset, config: DataConfig, *, vectors: WordVectors | Path | str | None = None
) -> XmcDataset:
    """Return the data set in word numbers, with its vocabulary and word vectors.

    Validation documents are those of the source, or taken from train if it has none; a source
    that has more than asked for gives a seeded subset. Then the train subset is drawn. Vocabulary
    and own vectors are made from these train texts alone.

    Args:
        raw: The texts and labels.
        config: Sizes and seed.
        vectors: Word vectors, or the file to read them from (only the words of the train texts
            are kept in memory); None makes them from the train texts.

    Raises:
        DataError: If the data set has no texts or no labels, or too few documents to hold any out.

    Example:
        >>> from optuna_xmcnas.data.synthetic import synthetic_dataset
        >>> config = DataConfig(validation_documents=20, vector_size=8)
        >>> data = prepare(synthetic_dataset(n_train=100, n_test=10), config)
        >>> len(data.train), len(data.validation), len(data.test), data.vectors.shape[1]
        (80, 20, 10, 8)
    """
    for name, split in raw.splits.items():
        if split.texts is None:
            raise DataError(
                f"{raw.name} ({raw.format}) has numeric features but no texts for {name}; "
                "add the raw texts of the same documents to the folder, one per line."
            )
    train, validation = choose_documents(raw, config)
    for name, split in {"train": train, "validation": validation}.items():
        if not split.labels.nnz:
            raise DataError(
                f"none of the {len(split)} {name} documents of {raw.name} has a label; "
                "there is nothing to learn or to select by."
            )
    counts = count_words(_texts(train))
    if isinstance(vectors, Path | str):
        vectors = read_word_vectors(vectors, words=frozenset(counts.words))
    vocabulary, lists = counts.vocabulary(
        config.max_vocabulary, with_vector=vectors if vectors is not None else ()
    )
    if vectors is None:
        matrix = cooccurrence_vectors(
            lists, len(vocabulary), width=config.vector_size, seed=config.seed
        )
        coverage = None
        origin = f"co-occurrence, version 1, width {config.vector_size}, seed {config.seed}"
    else:
        matrix, coverage = align_vectors(vectors, vocabulary, lists, config.seed)
        origin = f"given, SHA-256 {vectors.content_hash}, seed {config.seed}"
        _logger.info(
            "%s has no vector for %.1f %% of the running train words and %.1f %% of the "
            "vocabulary; they get random vectors.",
            vectors.source,
            100 * coverage.out_of_vocabulary_tokens,
            100 * coverage.out_of_vocabulary_words,
        )

    def encode(split: TextSplit) -> TokenSplit:
        return _token_split(vocabulary.encode(_texts(split), config.max_tokens), split)

    return XmcDataset(
        name=raw.name,
        train=_token_split(lists.head(config.max_tokens), train),
        validation=encode(validation),
        test=None if raw.test is None else encode(raw.test),
        label_names=raw.label_names,
        vocabulary=vocabulary,
        vectors=matrix,
        vectors_origin=origin,
        coverage=coverage,
    )


def choose_documents(raw: TextDataset, config: DataConfig) -> tuple[TextSplit, TextSplit]:
    """Return the train and validation documents that `prepare` takes, as text.

    Raises:
        DataError: If there are too few documents to hold any out.

    Example:
        >>> from optuna_xmcnas.data.synthetic import synthetic_dataset
        >>> raw = synthetic_dataset(n_train=100, n_test=10)
        >>> train, validation = choose_documents(raw, DataConfig(validation_documents=20))
        >>> len(train), len(validation)
        (80, 20)
    """
    # one stream per choice: the validation documents do not depend on the size of train
    validation_rng, train_rng = np.random.default_rng(config.seed).spawn(2)
    train = raw.train
    if raw.validation is not None:
        rows = sample_rows(len(raw.validation), config.validation_documents, validation_rng)
        validation = raw.validation.select(rows)
    else:
        size = min(config.validation_documents, len(train) // _LARGEST_HELD_OUT_SHARE)
        if size < 1:
            raise DataError(
                f"{raw.name} has {len(train)} train documents and no validation split; "
                f"at least {_LARGEST_HELD_OUT_SHARE} are needed to hold one out."
            )
        kept, held_out = split_rows(len(train), size, validation_rng)
        train, validation = train.select(kept), train.select(held_out)
    return train.select(sample_rows(len(train), config.train_documents, train_rng)), validation


def _texts(split: TextSplit) -> tuple[str, ...]:
    assert split.texts is not None  # prepare() has checked it
    return split.texts


def _token_split(lists: TokenLists, split: TextSplit) -> TokenSplit:
    return TokenSplit(lists.tokens, lists.offsets, split.labels, split.filters)
