from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from optuna_xmcnas.baselines.linear_cache import Ranking
from optuna_xmcnas.baselines.linear_cache import read_cached
from optuna_xmcnas.baselines.linear_cache import write_cached


KEY = "0123abcd"
RANKED = np.array([[4, 0, -1], [-1, -1, -1]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "new folder" / "linear.npz"
    write_cached(file, KEY, Ranking(RANKED, 12.5, 0.25))
    return file


def test_what_is_written_is_read(file: Path) -> None:
    found = read_cached(file, KEY, (2, 3), 5)
    assert found is not None
    assert found.ranked.dtype == np.int64
    assert found.ranked.tolist() == RANKED.tolist()
    assert (found.train_seconds, found.predict_seconds) == (12.5, 0.25)


def test_nothing_but_the_file_is_left(file: Path) -> None:
    write_cached(file, KEY, Ranking(RANKED, 1.0, 1.0))  # over the first
    assert list(file.parent.iterdir()) == [file]


def test_missing_file_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_cached(tmp_path / "none.npz", KEY, (2, 3), 5) is None
    assert not caplog.records


@pytest.mark.parametrize(
    ("key", "shape", "n_labels"),
    [("other", (2, 3), 5), (KEY, (3, 3), 5), (KEY, (2, 2), 5), (KEY, (2, 3), 4)],
)
def test_lists_of_something_else_are_not_taken(
    file: Path,
    key: str,
    shape: tuple[int, int],
    n_labels: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert read_cached(file, key, shape, n_labels) is None
    assert "is damaged and made again" in caplog.text


def test_pickled_content_is_not_loaded(file: Path) -> None:
    with np.load(file) as arrays:
        content = dict(arrays)
    content["ranked"] = RANKED.astype(object)
    np.savez(file, **content)
    assert read_cached(file, KEY, (2, 3), 5) is None


def test_other_format_version_is_not_taken(file: Path) -> None:
    with np.load(file) as arrays:
        content = dict(arrays)
    np.savez(file, **{**content, "format": 2})
    assert read_cached(file, KEY, (2, 3), 5) is None


def test_cut_files_are_not_taken(file: Path) -> None:
    content = file.read_bytes()
    for size in range(0, len(content), 7):
        file.write_bytes(content[:size])
        assert read_cached(file, KEY, (2, 3), 5) is None, size


def test_no_damaged_byte_is_an_error_or_changes_the_lists(file: Path) -> None:
    content = file.read_bytes()
    for position in range(0, len(content), 3):
        file.write_bytes(
            content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :]
        )
        found = read_cached(file, KEY, (2, 3), 5)
        assert found is None or found.ranked.tolist() == RANKED.tolist(), position


def test_folder_that_cannot_be_made_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        write_cached(tmp_path / "taken" / "linear.npz", KEY, Ranking(RANKED, 1.0, 1.0))
