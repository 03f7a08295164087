from __future__ import annotations

from collections.abc import Callable
import gzip
from pathlib import Path
import zipfile

import numpy as np
import pytest

from optuna_xmcnas.data import count_words
from optuna_xmcnas.data import read_word_vectors
from optuna_xmcnas.data import WordVectors
from optuna_xmcnas.data.embeddings import align_vectors
from optuna_xmcnas.exceptions import DataError


CONTENT = "the 1 2 3\nof -0.5 1e-2 0\n. . 7 8 9\nthe 4 5 6\nà 0 0 1\n"


def plain(folder: Path, content: str) -> Path:
    file = folder / "vectors.txt"
    file.write_text(content, "utf-8")
    return file


def gzipped(folder: Path, content: str) -> Path:
    file = folder / "vectors.txt.gz"
    file.write_bytes(gzip.compress(content.encode()))
    return file


def zipped(folder: Path, content: str) -> Path:
    file = folder / "vectors.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("glove.txt", content)
    return file


@pytest.mark.parametrize("write", [plain, gzipped, zipped])
@pytest.mark.parametrize("header", ["", "5 3\n"])
def test_vectors_are_read_from_every_kind_of_file(
    tmp_path: Path, write: Callable[[Path, str], Path], header: str
) -> None:
    file = write(tmp_path, header + CONTENT)
    vectors = read_word_vectors(file)
    assert vectors.words == ("the", "of", ". .", "à")
    expected = np.array([[1, 2, 3], [-0.5, 0.01, 0], [7, 8, 9], [0, 0, 1]], np.float32)
    assert vectors.matrix.tolist() == expected.tolist()
    assert vectors.source == file.name


def test_only_wanted_words_are_kept(tmp_path: Path) -> None:
    vectors = read_word_vectors(plain(tmp_path, CONTENT), words={"of", ". .", "elsewhere"})
    assert vectors.words == ("of", ". .")
    assert "of" in vectors
    assert "the" not in vectors


def test_no_wanted_word_gives_no_vectors(tmp_path: Path) -> None:
    vectors = read_word_vectors(plain(tmp_path, CONTENT), words=set())
    assert vectors.matrix.shape == (0, 3)


def test_number_words_and_spaces_at_line_ends_are_understood(tmp_path: Path) -> None:
    vectors = read_word_vectors(plain(tmp_path, "7 0.5 0.25 \n8 1 2 \n"))
    assert vectors.words == ("7", "8")
    assert vectors.width == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("4 3\n", "holds no word"),
        ("word\n", "line 1: expected `word v1 ... vd`; got 'word'"),
        ("the 1 2\nof 1\n", "line 2: expected a word and 2 numbers; got 'of 1'"),
        ("2 2\nthe 1\n", "line 2: expected a word and 2 numbers"),
        ("the 1 2\nof 1 x\n", "line 2: the vector of 'of' is malformed"),
        ("the 1 2\nof 1 nan\n", "line 2: the vector of 'of' is not finite"),
    ],
)
def test_malformed_files_are_refused_by_line(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_word_vectors(plain(tmp_path, content))


def test_unreadable_archives_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_text("no zip")
    with pytest.raises(DataError, match=r"broken\.zip cannot be read"):
        read_word_vectors(broken)
    double = zipped(tmp_path, CONTENT)
    with zipfile.ZipFile(double, "a") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match="members .*readme.txt.*expected exactly one"):
        read_word_vectors(double)
    with pytest.raises(DataError, match=r"none\.zip cannot be read"):
        read_word_vectors(tmp_path / "none.zip")


def test_errors_in_an_archive_are_named_by_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"vectors\.zip, line 2: expected a word and 2"):
        read_word_vectors(zipped(tmp_path, "the 1 2\nof 1\n"))


def test_known_words_keep_their_vectors_and_others_get_equally_loud_ones() -> None:
    words = tuple(f"w{i}" for i in range(200))
    given = WordVectors(
        words, np.random.default_rng(0).normal(0, 0.05, (200, 50)).astype(np.float32)
    )
    texts = [" ".join([*words, *(f"x{i}" for i in range(100))])]
    vocabulary, lists = count_words(texts).vocabulary(1000, with_vector=given)
    matrix, coverage = align_vectors(given, vocabulary, lists, seed=1)
    assert matrix.dtype == np.float32
    assert not matrix[0].any()
    for number, word in enumerate(vocabulary.words):
        if (row := given.row(word)) is not None:
            assert matrix[number].tolist() == given.matrix[row].tolist()
    random = matrix[[1, *range(202, 302)]]
    assert random.std() == pytest.approx(0.05, rel=0.05)
    assert np.abs(random).max() < 0.05 * 3**0.5 * 1.05
    assert coverage.out_of_vocabulary_words == pytest.approx(100 / 300)


def test_running_words_and_words_without_vector_are_counted() -> None:
    given = WordVectors(("a", "elsewhere"), np.ones((2, 3), np.float32))
    vocabulary, lists = count_words(["a a a b", "c a b rare"]).vocabulary(5, with_vector=given)
    assert vocabulary.words == ("<PAD>", "<UNK>", "a", "b", "c")
    _, coverage = align_vectors(given, vocabulary, lists, seed=0)
    assert (coverage.n_words, coverage.n_words_without) == (3, 2)
    assert (coverage.n_tokens, coverage.n_tokens_without) == (8, 4)  # b, c, b and the unknown
    assert coverage.out_of_vocabulary_tokens == 0.5


def test_random_vectors_depend_on_the_seed_alone() -> None:
    given = WordVectors(("a",), np.ones((1, 3), np.float32))
    vocabulary, lists = count_words(["a b"]).vocabulary(9)
    first, second, other = (align_vectors(given, vocabulary, lists, seed)[0] for seed in (1, 1, 2))
    assert first.tolist() == second.tolist() != other.tolist()


def test_vectors_that_know_no_word_are_refused() -> None:
    given = WordVectors(("la",), np.ones((1, 3), np.float32), "french.txt")
    vocabulary, lists = count_words(["the tree"]).vocabulary(9)
    with pytest.raises(DataError, match=r"none of the 2 words .* in french\.txt"):
        align_vectors(given, vocabulary, lists, seed=0)


def test_content_hash_follows_words_and_values() -> None:
    ones = np.ones((2, 3), np.float32)
    hashes = {
        WordVectors(words, matrix).content_hash
        for words, matrix in [(("a", "b"), ones), (("b", "a"), ones), (("a", "b"), 2 * ones)]
    }
    assert len(hashes) == 3


def test_impossible_vectors_are_refused() -> None:
    with pytest.raises(DataError, match="must be float32"):
        WordVectors(("a",), np.ones((1, 3)))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="2 words but 1 vectors"):
        WordVectors(("a", "b"), np.ones((1, 3), np.float32))
    with pytest.raises(DataError, match="1 words are repeated"):
        WordVectors(("a", "a"), np.ones((2, 3), np.float32))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("2 0\na\nb\n", "line 1: .* vectors of no number"),
        ("2 2\na 1 2 3\nb 4 5 6\n", "line 2: 3 numbers, but the header says 2: 'a 1 2 3'"),
        (f"2 {'9' * 5000}\na 1\n", "line 1: the number 999.* is too large"),
    ],
)
def test_headers_that_cannot_be_right_are_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_word_vectors(plain(tmp_path, content))


def test_spaces_after_a_word_are_no_part_of_it(tmp_path: Path) -> None:
    vectors = read_word_vectors(plain(tmp_path, "2 2\na  1 2\nb 3 4\n"))
    assert vectors.words == ("a", "b")
    assert vectors.matrix.tolist() == [[1, 2], [3, 4]]
