from __future__ import annotations

from pathlib import Path
import shutil

import pytest

from optuna_xmcnas.training import free_space_shortage


def _has_free(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> list[Path]:
    asked: list[Path] = []

    def usage(path: Path) -> object:
        asked.append(path)
        return shutil._ntuple_diskusage(10**15, 10**15 - n_bytes, n_bytes)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    return asked


def test_the_message_says_what_is_free_and_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_free(monkeypatch, 12_000_000)
    assert free_space_shortage(tmp_path, 300_000_000) == (
        f"only 12 MB are free in {tmp_path}; a child of this study needs about 300 MB for its "
        "checkpoint; free some, or choose another folder."
    )


@pytest.mark.parametrize("needed", [0, 11_999_999, 12_000_000])
def test_enough_is_enough(needed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _has_free(monkeypatch, 12_000_000)
    assert free_space_shortage(tmp_path, needed) is None


def test_a_folder_need_not_exist_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _has_free(monkeypatch, 5)
    shortage = free_space_shortage(tmp_path / "not" / "yet", 10)
    assert asked == [tmp_path]
    assert shortage is not None
    assert str(tmp_path / "not" / "yet") in shortage


def test_where_nothing_can_be_found_out_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> object:
        raise PermissionError("no entry")

    monkeypatch.setattr(shutil, "disk_usage", fail)
    assert free_space_shortage(tmp_path, 10**15) is None
