"""Word vectors: read from a file or made from the training text, and set beside a vocabulary.

Letters: V words of the vocabulary, E width of a vector.
"""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
import zipfile

import numpy as np

from optuna_xmcnas.data.lines import decode_lines
from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.data.lines import parse_number
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    import numpy.typing as npt

    from optuna_xmcnas.data.vocabulary import TokenLists
    from optuna_xmcnas.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words with one vector each.

    Attributes:
        words: All different.
        matrix: Shape (words, E), float32.
        source: The name of the file.
    """

    words: tuple[str, ...]
    matrix: npt.NDArray[np.float32]
    source: str = "given"

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or self.matrix.dtype != np.float32 or self.matrix.shape[1] < 1:
            raise DataError(
                "word vectors must be float32 of shape (words, width); "
                f"got {self.matrix.dtype} of shape {self.matrix.shape}."
            )
        if len(self.words) != len(self.matrix):
            raise DataError(f"{len(self.words)} words but {len(self.matrix)} vectors.")
        if len(self._rows) != len(self.words):
            raise DataError(f"{len(self.words) - len(self._rows)} words are repeated.")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._rows

    @property
    def width(self) -> int:
        """The number of dimensions, E."""
        return int(self.matrix.shape[1])

    def row(self, word: str) -> int | None:
        """Return the row of a word, None if it has no vector."""
        return self._rows.get(word)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of words and values, in hexadecimal."""
        sha = hashlib.sha256("\n".join(self.words).encode())
        sha.update(np.ascontiguousarray(self.matrix, "<f4").tobytes())
        return sha.hexdigest()

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}


@dataclass(frozen=True)
class VectorCoverage:
    """How much of a vocabulary, and of running text, has a given vector."""

    n_words: int  # without padding and the unknown word
    n_words_without: int
    n_tokens: int  # running words of the train texts
    n_tokens_without: int  # among them those of unknown words

    @property
    def out_of_vocabulary_words(self) -> float:
        """Share of the words that have no given vector."""
        return self.n_words_without / max(self.n_words, 1)

    @property
    def out_of_vocabulary_tokens(self) -> float:
        """Share of the running words of the train texts that have no given vector."""
        return self.n_tokens_without / max(self.n_tokens, 1)


def read_word_vectors(path: Path | str, words: Container[str] | None = None) -> WordVectors:
    r"""Return the vectors of a text file in the form of GloVe or word2vec: ``word v1 ... vd``.

    A plain file, ``.gz``, or ``.zip`` with one member; with or without a first line
    ``count width``. A word may hold spaces: the numbers are split off from the right. The first
    of repeated words wins. The file is streamed and only the wanted words are kept.

    Args:
        path: The file.
        words: Keep only these; None keeps all. Of other words only the number of fields
            is checked.

    Raises:
        DataError: If the file cannot be read; a malformed line is named by its number.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "tiny.txt"
        ...     _ = file.write_text("of 0.5 1\nthe 0 -1\n. . 2 3\n")
        ...     vectors = read_word_vectors(file)
        >>> vectors.words, vectors.matrix[0]
        (('of', 'the', '. .'), array([0.5, 1. ], dtype=float32))
    """
    path = Path(path)
    kept: dict[str, npt.NDArray[np.float32]] = {}
    with _vector_lines(path) as lines:
        first = next(lines, None)
        if first is None:
            raise DataError(f"{path} is empty; expected lines `word v1 ... vd`.")
        number, line = first
        width = _header_width(path, number, line)
        if width is None:
            width = _first_width(path, number, line)
            _keep(kept, line, number, path, width, words)
        elif (first := next(lines, None)) is not None:
            number, line = first
            if (found := _n_numbers(line)) > width:
                raise error_at(
                    path, number, f"{found} numbers, but the header says {width}: {line[:60]!r}."
                )
            _keep(kept, line, number, path, width, words)
        for number, line in lines:
            _keep(kept, line, number, path, width, words)
    if words is None and not kept:
        raise DataError(f"{path} holds no word.")
    matrix = np.stack(list(kept.values())) if kept else np.zeros((0, width), np.float32)
    return WordVectors(tuple(kept), matrix, path.name)


def align_vectors(
    vectors: WordVectors, vocabulary: Vocabulary, lists: TokenLists, seed: int
) -> tuple[npt.NDArray[np.float32], VectorCoverage]:
    """Return the vectors in the order of a vocabulary, and how much of it they cover.

    Padding is zero. A word without vector, and the unknown word, gets a seeded U(-1, 1) vector as
    in AttentionXML, but scaled to the root mean square of the given values: files differ in scale
    by a factor of ten, and a word about which nothing is known should not be the loudest.

    Args:
        vectors: Words and vectors from a file.
        vocabulary: The words wanted.
        lists: The train texts in the numbers of the vocabulary, to count running words.
        seed: For the random vectors.

    Returns:
        The matrix, shape (V, E), float32, and the coverage.

    Raises:
        DataError: If not a single word has a vector.
    """
    rows = np.array([-1 if row is None else row for row in map(vectors.row, vocabulary.words)])
    rows[:2] = -1
    found = rows >= 0
    if not found.any():
        raise DataError(
            f"none of the {len(vocabulary) - 2} words of the train texts has a vector in "
            f"{vectors.source}; words are looked up in lower case. Is it another language?"
        )
    given = vectors.matrix[rows[found]]
    scale = np.sqrt(3 * np.mean(np.square(given, dtype=np.float64)))  # RMS of U(-1, 1): 1/sqrt(3)
    matrix = _random_vectors(len(vocabulary), vectors.width, seed) * np.float32(scale)
    matrix[found] = given
    matrix[0] = 0
    counts = np.bincount(lists.tokens, minlength=len(vocabulary))
    coverage = VectorCoverage(
        n_words=len(vocabulary) - 2,
        n_words_without=int((~found[2:]).sum()),
        n_tokens=int(counts[1:].sum()),
        n_tokens_without=int(counts[1:][~found[1:]].sum()),
    )
    return matrix, coverage


def _random_vectors(n_words: int, width: int, seed: int) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return 2 * rng.random((n_words, width), dtype=np.float32) - 1


@contextmanager
def _vector_lines(path: Path) -> Iterator[Iterator[tuple[int, str]]]:
    if path.suffix != ".zip":
        yield enumerate(read_lines(path), start=1)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise DataError(f"{path} has the members {members}; expected exactly one.")
            with archive.open(members[0]) as stream:
                yield enumerate(decode_lines(stream, path), start=1)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} cannot be read: {error}") from error


def _header_width(path: Path, number: int, line: str) -> int | None:
    """Return d of a word2vec header ``count d``, None if the line is no header."""
    parts = line.split()
    if len(parts) == 2 and all(part.isascii() and part.isdigit() for part in parts):
        width = parse_number(parts[1], path, number, "a header `count width`")
        if width < 1:
            raise error_at(path, number, f"the header {line[:60]!r} says vectors of no number.")
        return width
    return None


def _first_width(path: Path, number: int, line: str) -> int:
    width = _n_numbers(line)
    if width == 0:
        raise error_at(path, number, f"expected `word v1 ... vd`; got {line[:60]!r}.")
    return width


def _n_numbers(line: str) -> int:
    """Count the numbers at the end of a line; all but the first field if all are."""
    fields = line.rstrip().split(" ")
    width = 0
    while width < len(fields) - 1 and _is_number(fields[-1 - width]):
        width += 1
    return width


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _keep(
    kept: dict[str, npt.NDArray[np.float32]],
    line: str,
    number: int,
    path: Path,
    width: int,
    words: Container[str] | None,
) -> None:
    line = line.rstrip(" ")
    n_spaces = line.count(" ")
    if n_spaces < width:
        raise error_at(path, number, f"expected a word and {width} numbers; got {line[:60]!r}.")
    # most words hold no space: find them without cutting up the numbers of unwanted ones
    end = line.index(" ") if n_spaces == width else len(line.rsplit(" ", width)[0])
    word = line[:end].rstrip(" ")
    if word in kept or (words is not None and word not in words):
        return
    try:
        vector = np.array(line[end + 1 :].split(" "), np.float32)
    except ValueError as error:
        raise error_at(path, number, f"the vector of {word!r} is malformed: {error}.") from error
    if not np.isfinite(vector).all():
        raise error_at(path, number, f"the vector of {word!r} is not finite.")
    kept[word] = vector
