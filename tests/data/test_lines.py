from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from optuna_xmcnas.data.lines import parse_number
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.exceptions import DataError


def test_only_line_feeds_end_a_line(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    lines = ["a\u2028b", "c\x85d\x0be\x0c", "", "  f\tg ", "h\ri"]
    file.write_bytes("\n".join([*lines, ""]).encode())
    assert list(read_lines(file)) == lines


@pytest.mark.parametrize("content", [b"a\nb\n", b"a\nb", b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n"])
def test_line_ends_of_other_systems_are_understood(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(content)
    assert list(read_lines(file)) == ["a", "b"]


def test_gzip_files_are_decompressed(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    file.write_bytes(gzip.compress("ä\nb\n".encode()))
    assert list(read_lines(file)) == ["ä", "b"]


def test_empty_file_has_no_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.touch()
    assert list(read_lines(file)) == []


def test_invalid_utf8_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"fine\nfine too\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"a\.txt, line 3: not valid UTF-8"):
        list(read_lines(file))


def test_truncated_gzip_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    file.write_bytes(gzip.compress(b"one\ntwo\n" * 50)[:-12])
    with pytest.raises(DataError, match=r"a\.txt\.gz, line \d+: .* truncated or damaged"):
        list(read_lines(file))


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    content = bytearray(gzip.compress(bytes(range(256)) * 20))
    content[30] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.txt\.gz"):
        list(read_lines(file))


def test_text_that_is_called_gzip_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.txt.gz"
    file.write_text("not compressed")
    with pytest.raises(DataError, match="is not a gzip file"):
        list(read_lines(file))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.txt cannot be read: No such file"):
        list(read_lines(tmp_path / "none.txt"))


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("2147483647", 2**31 - 1)])
def test_numbers_are_plain_digits(text: str, number: int) -> None:
    assert parse_number(text, "f", 1, "a count") == number
    assert parse_number("0" * 5000 + text, "f", 1, "a count") == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_0", " 1", "1\n", "1.0", "\u0663", "²"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="f, line 3: expected a count; got"):
        parse_number(text, "f", 3, "a count")


@pytest.mark.parametrize("text", ["2147483648", "9" * 20, "9" * 5000])
def test_numbers_too_large_are_refused_and_shown_in_part(text: str) -> None:
    with pytest.raises(DataError, match="f, line 3: the number .* too large") as caught:
        parse_number(text, "f", 3, "a count")
    assert len(str(caught.value)) < 120
