from __future__ import annotations

from pathlib import Path

import pytest

from optuna_xmcnas.data.folder import DataFolder
from optuna_xmcnas.exceptions import DataError


def test_plain_files_count_before_compressed_ones(tmp_path: Path) -> None:
    for name in ("a.txt", "a.txt.gz", "b.txt.gz"):
        (tmp_path / name).touch()
    folder = DataFolder(tmp_path)
    assert folder.file("none.txt", "a.txt", "b.txt") == tmp_path / "a.txt"
    assert folder.file("b.txt") == tmp_path / "b.txt.gz"
    assert folder.file("none.txt") is None
    assert folder.matching(r"[ab]\.md") is None
    assert folder.matching(r"a\..*") == tmp_path / "a.txt"


def test_two_files_for_one_split_are_refused(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt.gz"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"several files for one split: a\.txt, b\.txt"):
        DataFolder(tmp_path).matching(r".\.txt")


def test_long_listings_are_shortened(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.txt").touch()
    assert DataFolder(tmp_path).listing(most=2) == "0.txt, 1.txt and 3 more"


def test_current_folder_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DataFolder(Path()).name == tmp_path.name
