"""Readers of sparse matrices: numeric features and numbered labels, as text or as npz."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
import zipfile
import zlib

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse import load_npz

from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.data.lines import LARGEST_NUMBER
from optuna_xmcnas.data.lines import parse_number
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    from typing import TypeAlias

    SparseMatrix: TypeAlias = csr_array[np.float32]


_MOST_LABELS = 10**7  # the largest public sets have three million; each needs a name in memory
_LABELS_PER_ENTRY = 100  # without header; more means that the numbers are no label numbers


def read_matrix(file: Path) -> SparseMatrix:
    """Return the sparse matrix of a text file (``rows cols``, then ``index:value``) or npz file.

    Empty rows are legal; indices may be unsorted, repeated ones are summed (as in pyxclib).

    Raises:
        DataError: If the file is malformed; a text file is named with its line.
    """
    if file.suffix == ".npz":
        return _read_npz(file)
    lines = enumerate(read_lines(file), start=1)
    n_rows, n_columns = _read_header(file, next(lines, None), ("rows", "columns"))
    pairs = _PairRows(file, n_columns, first_line=2)
    for number, line in lines:
        pairs.add(number, line)
    if pairs.n_rows != n_rows:
        raise error_at(file, 1, f"the header says {n_rows} rows; there are {pairs.n_rows}.")
    return pairs.matrix(n_columns)


def read_label_matrix(file: Path) -> SparseMatrix:
    """Return the places of the matrix of a file that are not zero, as ones."""
    matrix = read_matrix(file)
    check_label_count(file, matrix.shape[1])
    return as_labels(matrix)


def check_label_count(file: Path, n_labels: int) -> None:
    """Refuse a number of labels that must be a mistake, before memory is taken for it."""
    if n_labels > _MOST_LABELS:
        raise DataError(f"{file} says {n_labels} labels; allowed: at most {_MOST_LABELS}.")


def infer_label_count(parts: Iterable[FeatureFile]) -> int:
    """Return the largest label number of files without header, plus one.

    Raises:
        DataError: If the numbers lie too far apart to be numbers from 0 upwards.
    """
    largest, file = -1, None
    n_entries = 0
    for part in parts:
        n_entries += sum(map(len, part.labels))
        if (found := part.largest_label()) > largest:
            largest, file = found, part.file
    if largest > 1000 + _LABELS_PER_ENTRY * n_entries:
        raise DataError(
            f"{file} has the label number {largest}, but all documents together have only "
            f"{n_entries} label entries: without a header every number up to the largest becomes "
            "a label. Number the labels from 0 without gaps, or add the header "
            "`documents features labels` as first line of each file."
        )
    if file is not None:
        check_label_count(file, largest + 1)
    return largest + 1


def as_labels(matrix: SparseMatrix) -> SparseMatrix:
    """Return the places of a matrix that are not zero, as ones."""
    labels = matrix.copy()
    labels.eliminate_zeros()
    labels.data[:] = 1
    return labels


@dataclass(frozen=True, eq=False)
class FeatureFile:
    """Documents of one file of features and labels; labels still as they are written."""

    file: Path
    labels: list[list[str]]
    features: SparseMatrix
    n_labels: int | None  # where a header says so
    first_line: int  # line number of the first document

    def numbered_labels(self, n_labels: int) -> list[list[int]]:
        """Return the labels as numbers below ``n_labels``."""
        return [
            [self._number(label, row + self.first_line, n_labels) for label in labels]
            for row, labels in enumerate(self.labels)
        ]

    def largest_label(self) -> int:
        """Return the largest label number, -1 if there is none."""
        rows = self.numbered_labels(LARGEST_NUMBER + 1)
        return max((max(row, default=-1) for row in rows), default=-1)

    def _number(self, label: str, line: int, n_labels: int) -> int:
        number = parse_number(label, self.file, line, "a label number, from 0")
        if number >= n_labels:
            raise error_at(
                self.file,
                line,
                f"label number {label} is out of range; allowed: 0..{n_labels - 1}.",
            )
        return number


def read_feature_file(
    file: Path, *, has_header: bool, first_feature: int, n_features: int | None = None
) -> FeatureFile:
    """Return the documents of lines ``label,label index:value index:value ...``.

    A line that begins with white space, or with a pair, has no labels.

    Args:
        file: The file.
        has_header: Whether line 1 is ``documents features labels``.
        first_feature: The number of the first feature: 0, or 1 in libsvm files.
        n_features: Number of columns, where there is no header; None takes the largest index.
    """
    lines = enumerate(read_lines(file), start=1)
    n_rows = n_labels = None
    if has_header:
        names = ("documents", "features", "labels")
        n_rows, n_features, n_labels = _read_header(file, next(lines, None), names)
        check_label_count(file, n_labels)
    pairs = _PairRows(file, n_features, first_feature, first_line=1 + has_header)
    labels: list[list[str]] = []
    for number, line in lines:
        written, _, rest = line.partition(" ")
        if ":" in written:
            written, rest = "", line
        labels.append([label for label in written.split(",") if label])
        pairs.add(number, rest)
    if not labels:
        raise DataError(f"{file} has no documents.")
    if n_rows is not None and n_rows != len(labels):
        raise error_at(
            file, 1, f"the header says {n_rows} documents; there are {len(labels)} lines of them."
        )
    n_columns = pairs.largest + 1 if n_features is None else n_features
    return FeatureFile(file, labels, pairs.matrix(n_columns), n_labels, 1 + has_header)


def read_filters(file: Path, shape: tuple[int, int]) -> SparseMatrix:
    """Return the (document, label) pairs of a filter file, which may be empty, as ones."""
    documents = array("q")
    labels = array("q")
    for number, line in enumerate(read_lines(file), start=1):
        fields = line.split()
        if len(fields) != 2:
            raise error_at(file, number, f"expected `document label`; got {line[:60]!r}.")
        pair = tuple(parse_number(field, file, number, "`document label`") for field in fields)
        if pair[0] >= shape[0] or pair[1] >= shape[1]:
            raise error_at(
                file,
                number,
                f"document {pair[0]}, label {pair[1]}; allowed: documents 0..{shape[0] - 1}, "
                f"labels 0..{shape[1] - 1}.",
            )
        documents.append(pair[0])
        labels.append(pair[1])
    ones = np.ones(len(documents), np.float32)
    filters = csr_array((ones, (np.array(documents), np.array(labels))), shape=shape)
    filters.data[:] = 1  # the constructor has summed repeated pairs
    return filters


@dataclass
class _PairRows:
    """Collects rows of ``index:value`` pairs."""

    file: Path
    n_columns: int | None
    first_index: int = 0
    first_line: int = 1
    largest: int = -1
    _columns: array[int] = field(default_factory=lambda: array("q"))
    _values: array[float] = field(default_factory=lambda: array("f"))
    _starts: array[int] = field(default_factory=lambda: array("q", [0]))

    @property
    def n_rows(self) -> int:
        return len(self._starts) - 1

    def add(self, number: int, line: str) -> None:
        pairs = line.split()
        try:
            parts = ":".join(pairs).split(":") if pairs else []
            if len(parts) != 2 * len(pairs):
                raise ValueError("a pair has no colon, or more than one")
            # `int` and `float` would also take 1_0 and the digits of other scripts
            if "_" in line or "+" in "".join(parts[::2]) or not line.isascii():
                raise ValueError("numbers need plain digits, 0 to 9")
            columns = [int(part) - self.first_index for part in parts[::2]]
            self._values.extend(map(float, parts[1::2]))
        except ValueError as error:
            raise error_at(
                self.file, number, f"expected `index:value index:value ...` ({error})."
            ) from error
        if columns:
            self._check_range(number, min(columns), max(columns))
        self._columns.extend(columns)
        self._starts.append(len(self._columns))

    def matrix(self, n_columns: int) -> SparseMatrix:
        rows = np.array(self._values), np.array(self._columns), np.array(self._starts)
        if not (finite := np.isfinite(rows[0])).all():
            row = int(np.searchsorted(rows[2], finite.argmin(), side="right")) - 1
            raise error_at(self.file, row + self.first_line, "a value is not finite.")
        matrix = csr_array(rows, shape=(self.n_rows, n_columns))
        matrix.sum_duplicates()
        return matrix

    def _check_range(self, number: int, smallest: int, largest: int) -> None:
        n_columns = LARGEST_NUMBER if self.n_columns is None else self.n_columns
        if smallest < 0 or largest >= n_columns:
            wrong = (smallest if smallest < 0 else largest) + self.first_index
            last = n_columns - 1 + self.first_index
            raise error_at(
                self.file,
                number,
                f"the index {str(wrong)[:30]} is out of range; "
                f"allowed: {self.first_index}..{last}.",
            )
        self.largest = max(self.largest, largest)


def _read_header(
    file: Path, first: tuple[int, str] | None, names: Sequence[str]
) -> tuple[int, ...]:
    expected = " ".join(names)
    if first is None:
        raise DataError(f"{file} is empty; expected a first line `{expected}`.")
    fields = first[1].split()
    if len(fields) != len(names):
        raise error_at(file, 1, f"expected a header `{expected}`; got {first[1][:60]!r}.")
    return tuple(parse_number(part, file, 1, f"a header `{expected}`") for part in fields)


def _read_npz(file: Path) -> SparseMatrix:
    unreadable: tuple[type[Exception], ...] = (
        OSError,
        EOFError,
        KeyError,
        RuntimeError,  # an encrypted member, or (NotImplementedError) an unknown compression
        TypeError,
        ValueError,  # also: the file holds Python objects, which SciPy never unpickles
        zipfile.BadZipFile,
        zlib.error,
    )
    try:
        with file.open("rb") as stream:
            loaded = load_npz(stream)
        if len(loaded.shape) != 2 or max(loaded.shape) > LARGEST_NUMBER:
            raise ValueError(f"its shape is {loaded.shape}")
        matrix: SparseMatrix = loaded.tocsr().astype(np.float32)  # type: ignore[misc]
        matrix.check_format(full_check=True)
    except unreadable as error:
        raise DataError(f"{file} is no sparse matrix in SciPy's npz form: {error}") from error
    matrix = csr_array(matrix)  # old files hold a `csr_matrix`
    matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        raise DataError(f"{file} holds values that are not finite.")
    return matrix
