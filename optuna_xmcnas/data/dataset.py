"""Documents with their labels: as text (read from files) and as word numbers (ready for a child).

Letters: N documents, L labels, V words of the vocabulary, E embedding width.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optuna_xmcnas.data.content_hash import ContentHash
from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from optuna_xmcnas.data.embeddings import VectorCoverage
    from optuna_xmcnas.data.vocabulary import Vocabulary


def label_matrix(rows: Iterable[Sequence[int]], n_labels: int) -> csr_array[np.float32]:
    """Return label lists as a sparse matrix of ones; a label repeated in a row counts once.

    Args:
        rows: The label numbers of each document, in any order.
        n_labels: The number of columns.

    Returns:
        Shape (documents, labels), float32, column numbers sorted within each row.

    Raises:
        DataError: If a label number is outside 0..n_labels - 1.

    Example:
        >>> label_matrix([[2, 0, 2], []], n_labels=3).toarray()
        array([[1., 0., 1.],
               [0., 0., 0.]], dtype=float32)
    """
    columns = array("i")  # four bytes a number, where a list needs eight or more
    starts = array("q", [0])
    for number, row in enumerate(rows):
        distinct = sorted(set(row))
        if distinct and not 0 <= distinct[0] <= distinct[-1] < n_labels:
            wrong = distinct[0] if distinct[0] < 0 else distinct[-1]
            raise DataError(
                f"document {number} has the label number {wrong}; allowed: 0..{n_labels - 1}."
            )
        columns.extend(distinct)
        starts.append(len(columns))
    data = np.ones(len(columns), np.float32)
    shape = (len(starts) - 1, n_labels)
    return csr_array((data, np.array(columns, np.int32), np.array(starts)), shape=shape)


@dataclass(frozen=True, eq=False)
class TextSplit:
    """Documents of one split, as text.

    Attributes:
        texts: One string per document; None if the source has only numeric features.
        labels: Shape (N, L), float32 ones, columns sorted within each row.
        features: Shape (N, features), where the source has numeric features.
        filters: Shape (N, L), ones at the pairs that an evaluation must leave out
            (`filter_labels_*.txt` of data sets whose labels are documents themselves).
    """

    texts: tuple[str, ...] | None
    labels: csr_array[np.float32]
    features: csr_array[np.float32] | None = None
    filters: csr_array[np.float32] | None = None

    def __post_init__(self) -> None:
        _check_ones("labels", self.labels)
        n_documents = self.labels.shape[0]
        if self.texts is None and self.features is None:
            raise DataError("a split needs `texts` or `features`; both are None.")
        if self.texts is not None and len(self.texts) != n_documents:
            raise DataError(f"{len(self.texts)} texts but {n_documents} rows of labels.")
        if self.features is not None and self.features.shape[0] != n_documents:
            raise DataError(f"{self.features.shape[0]} feature rows, {n_documents} label rows.")
        if self.filters is not None:
            _check_ones("filters", self.filters)
            if self.filters.shape != self.labels.shape:
                raise DataError(
                    f"`filters` has the shape {self.filters.shape}, `labels` {self.labels.shape}."
                )

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def select(self, rows: npt.ArrayLike) -> TextSplit:
        """Return the documents with these row numbers, in this order."""
        chosen = _checked_rows(rows, len(self))
        texts = None if self.texts is None else tuple(self.texts[i] for i in chosen.tolist())
        return TextSplit(
            texts=texts,
            labels=self.labels[chosen],
            features=None if self.features is None else self.features[chosen],
            filters=None if self.filters is None else self.filters[chosen],
        )

    def with_labels(self, columns: npt.NDArray[np.integer[Any]]) -> TextSplit:
        """Return the same documents with these labels only; column numbers must rise."""
        filters = None if self.filters is None else self.filters[:, columns]
        return replace(self, labels=self.labels[:, columns], filters=filters)


@dataclass(frozen=True, eq=False)
class TextDataset:
    """A data set as its files tell it: texts, labels, names.

    Attributes:
        name: What people call it; usually the name of its folder.
        format: Which layout it was read from.
        label_names: The name of each label number, all different.
        train: Documents to learn from.
        validation: Documents to select by, where the source separates them.
        test: Documents to judge by, read once at the end.
        label_texts: What each label means in words, where the source says so; else "".
    """

    name: str
    format: str
    label_names: tuple[str, ...]
    train: TextSplit
    validation: TextSplit | None = None
    test: TextSplit | None = None
    label_texts: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, split in self.splits.items():
            if not len(split):
                raise DataError(f"the {name} split of {self.name} has no documents.")
        _check_label_names(self.label_names, self.splits)
        if self.label_texts is not None and len(self.label_texts) != len(self.label_names):
            raise DataError(f"{len(self.label_texts)} label texts, {len(self.label_names)} names.")

    @classmethod
    def from_splits(
        cls,
        name: str,
        format_name: str,
        label_names: tuple[str, ...],
        splits: Mapping[str, TextSplit],
        label_texts: tuple[str, ...] | None = None,
    ) -> TextDataset:
        """Return the data set of splits given by name, as `splits` has them."""
        return cls(
            name=name,
            format=format_name,
            label_names=label_names,
            train=splits["train"],
            validation=splits.get("validation"),
            test=splits.get("test"),
            label_texts=label_texts,
        )

    @property
    def splits(self) -> dict[str, TextSplit]:
        """The splits that exist, by name, in the order train, validation, test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}

    @property
    def n_labels(self) -> int:
        """The number of labels, those without train document included."""
        return len(self.label_names)

    def without_unused_labels(self) -> TextDataset:
        """Return the data set without labels that no document of any split has."""
        counts = np.zeros(self.n_labels, np.int64)
        for split in self.splits.values():
            counts += np.bincount(split.labels.indices, minlength=self.n_labels)
        used = np.flatnonzero(counts)
        if len(used) == self.n_labels:
            return self
        texts = self.label_texts
        return TextDataset.from_splits(
            self.name,
            self.format,
            tuple(self.label_names[i] for i in used.tolist()),
            {name: split.with_labels(used) for name, split in self.splits.items()},
            None if texts is None else tuple(texts[i] for i in used.tolist()),
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content (texts, features, labels, label names), in hexadecimal.

        The name and the format do not count: the same data in another folder is the same data.
        """
        content = ContentHash()
        content.add_strings(self.label_names)
        for name, split in self.splits.items():
            content.add_strings((name, "texts" if split.texts is not None else "no texts"))
            content.add_strings(split.texts or ())
            for matrix in (split.labels, split.features, split.filters):
                content.add_matrix(matrix)
        return content.hexdigest()


@dataclass(frozen=True, eq=False)
class TokenSplit:
    """Documents of one split, as word numbers.

    Attributes:
        tokens: Word numbers of all documents, one document after another, int32.
        offsets: Document i is ``tokens[offsets[i]:offsets[i + 1]]``; int64, N + 1 entries.
        labels: Shape (N, L), float32 ones, columns sorted within each row.
        filters: As in `TextSplit`.
    """

    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    labels: csr_array[np.float32]
    filters: csr_array[np.float32] | None = None

    def __post_init__(self) -> None:
        _check_ones("labels", self.labels)
        n_documents = self.labels.shape[0]
        if self.tokens.dtype != np.int32 or self.offsets.dtype != np.int64:
            raise DataError(
                "`tokens` must be int32 and `offsets` int64; "
                f"got {self.tokens.dtype} and {self.offsets.dtype}."
            )
        if self.offsets.shape != (n_documents + 1,):
            raise DataError(
                f"`offsets` has the shape {self.offsets.shape}; {n_documents} documents need "
                f"({n_documents + 1},)."
            )
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.tokens):
            raise DataError(
                f"`offsets` runs from {self.offsets[0]} to {self.offsets[-1]}; "
                f"it must run from 0 to the number of tokens, {len(self.tokens)}."
            )
        if n_documents and self.lengths.min() < 1:
            raise DataError(
                f"document {int(self.lengths.argmin())} has no token; "
                "an empty document is one unknown word (number 1)."
            )

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The number of tokens of each document, shape (N,)."""
        return np.diff(self.offsets)

    def select(self, rows: npt.ArrayLike) -> TokenSplit:
        """Return the documents with these row numbers, in this order.

        Example:
            >>> split = TokenSplit(
            ...     np.array([5, 6, 7], np.int32),
            ...     np.array([0, 2, 3]),
            ...     label_matrix([[0], [1]], n_labels=2),
            ... )
            >>> split.select([1, 0]).tokens
            array([7, 5, 6], dtype=int32)
        """
        chosen = _checked_rows(rows, len(self))
        lengths = self.lengths[chosen]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        # position of each new token = its place in the new row + where the old row starts
        shift = np.repeat(self.offsets[chosen] - offsets[:-1], lengths)
        return TokenSplit(
            tokens=self.tokens[np.arange(offsets[-1]) + shift],
            offsets=offsets,
            labels=self.labels[chosen],
            filters=None if self.filters is None else self.filters[chosen],
        )


@dataclass(frozen=True, eq=False)
class XmcDataset:
    """A data set ready for training: word numbers, labels and word vectors.

    Attributes:
        name: What people call it.
        train: Documents to learn from.
        validation: Documents to select by.
        test: Documents to judge by, if there are any.
        label_names: The name of each label number.
        vocabulary: The words behind the numbers.
        vectors: Shape (V, E), float32; row 0 (padding) is zero, row 1 is the unknown word.
        vectors_origin: Where the vectors come from, in words; it stands for their values in the
            fingerprint, because a factorisation differs in the last bits between machines.
        coverage: How many words have a given vector; None if the vectors were not given.
    """

    name: str
    train: TokenSplit
    validation: TokenSplit
    test: TokenSplit | None
    label_names: tuple[str, ...]
    vocabulary: Vocabulary
    vectors: npt.NDArray[np.float32]
    vectors_origin: str = "given"
    coverage: VectorCoverage | None = None

    def __post_init__(self) -> None:
        _check_label_names(self.label_names, self.splits)
        n_words = len(self.vocabulary)
        if self.vectors.ndim != 2 or self.vectors.shape[0] != n_words:
            raise DataError(
                f"`vectors` has the shape {self.vectors.shape}; "
                f"a vocabulary of {n_words} words needs ({n_words}, width)."
            )
        if self.vectors.dtype != np.float32:
            raise DataError(f"`vectors` must be float32; got {self.vectors.dtype}.")
        if self.vectors[0].any():
            raise DataError("row 0 of `vectors` is the padding and must be zero.")
        for name, split in self.splits.items():
            if len(split) and not 0 <= split.tokens.min() <= split.tokens.max() < n_words:
                raise DataError(
                    f"the {name} split has word numbers {split.tokens.min()}.."
                    f"{split.tokens.max()}; allowed: 0..{n_words - 1}."
                )

    @property
    def splits(self) -> dict[str, TokenSplit]:
        """The splits that exist, by name, in the order train, validation, test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}

    @property
    def n_labels(self) -> int:
        """The number of labels, those without train document included."""
        return len(self.label_names)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of tokens, labels, names and vocabulary, and of the origin of the vectors."""
        content = ContentHash()
        content.add_strings(self.label_names)
        content.add_strings((self.vocabulary.content_hash, self.vectors_origin))
        content.add_array(np.array(self.vectors.shape))
        for name, split in self.splits.items():
            content.add_strings((name,))
            content.add_array(split.tokens)
            content.add_array(split.offsets)
            content.add_matrix(split.labels)
            content.add_matrix(split.filters)
        return content.hexdigest()


def _check_ones(name: str, matrix: csr_array[np.float32]) -> None:
    if not isinstance(matrix, csr_array):
        raise DataError(f"`{name}` must be a scipy.sparse.csr_array; got {type(matrix).__name__}.")
    if matrix.dtype != np.float32 or (matrix.data != 1).any():
        raise DataError(f"`{name}` must hold float32 ones only; its type is {matrix.dtype}.")
    if not matrix.has_canonical_format:
        raise DataError(f"the rows of `{name}` must be sorted and without repeats.")


def _check_label_names(
    names: tuple[str, ...], splits: dict[str, TextSplit] | dict[str, TokenSplit]
) -> None:
    if len(set(names)) != len(names):
        raise DataError(f"{len(names) - len(set(names))} label names are repeated.")
    for name, split in splits.items():
        if split.labels.shape[1] != len(names):
            raise DataError(
                f"the {name} split has {split.labels.shape[1]} label columns "
                f"but there are {len(names)} label names."
            )


def _checked_rows(rows: npt.ArrayLike, n_documents: int) -> npt.NDArray[np.int64]:
    chosen = np.asarray(rows)
    if chosen.size == 0:
        chosen = np.zeros(0, np.int64)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise DataError(
            f"rows must be a list of whole numbers; got {chosen.dtype} of shape {chosen.shape}."
        )
    if chosen.size and not 0 <= chosen.min() <= chosen.max() < n_documents:
        raise DataError(
            f"rows run from {chosen.min()} to {chosen.max()}; allowed: 0..{n_documents - 1}."
        )
    return chosen.astype(np.int64, copy=False)
