"""A file is written whole or not at all, also on a disk that is really full."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import signal
import subprocess
import sys

import pytest
import torch

from optuna_xmcnas.exceptions import CheckpointError
from optuna_xmcnas.training.tensor_file import content_of
from optuna_xmcnas.training.tensor_file import FileKind
from optuna_xmcnas.training.tensor_file import read_tensors
from optuna_xmcnas.training.tensor_file import remove_file
from optuna_xmcnas.training.tensor_file import write_tensors


KIND = FileKind("optuna_xmcnas.test_format", "1", "`this test`")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no command `mount`")
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    tensors = {"a": torch.arange(6.0).view(2, 3), "none": torch.empty(0, dtype=torch.float64)}
    write_tensors(path, KIND, {"name": "ä"}, tensors)
    header, found = read_tensors(path, KIND)
    assert content_of(header, KIND) == {"name": "ä"}
    assert sorted(found) == ["a", "none"]
    assert torch.equal(found["a"], tensors["a"])


def test_a_full_disk_is_named_and_the_old_file_stays(tiny_disk: Path) -> None:
    path = tiny_disk / "file"
    write_tensors(path, KIND, {}, {"a": torch.ones(40_000)})  # 160 kB: no room for a second one
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"cannot write .*/file: .*The disk is full: free s"):
        write_tensors(path, KIND, {}, {"a": torch.zeros(40_000)})
    assert path.read_bytes() == before
    assert [file.name for file in tiny_disk.iterdir()] == ["file"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot write .*nowhere/file: .*No such file"):
        write_tensors(tmp_path / "nowhere" / "file", KIND, {}, {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot write"):
        write_tensors(tmp_path, KIND, {}, {})
    with pytest.raises(FileNotFoundError, match=r"there is no file"):
        read_tensors(tmp_path, KIND)


def test_a_file_has_the_rights_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    write_tensors(tmp_path / "file", KIND, {}, {})
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_another_kind_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", KIND, {}, {})
    other = FileKind("optuna_xmcnas.other_format", "1", "`another`")
    with pytest.raises(CheckpointError, match=r"was not written by `another`"):
        read_tensors(tmp_path / "file", other)


_KILLED = """
import os, signal, sys
from pathlib import Path
from optuna_xmcnas.training import tensor_file
tensor_file._to_disk = lambda path: os.kill(os.getpid(), signal.SIGKILL)
kind = tensor_file.FileKind("optuna_xmcnas.test_format", "1", "`this test`")
tensor_file.write_tensors(Path(sys.argv[1]), kind, {"name": "new"}, {})
"""


def test_what_a_killed_process_left_is_removed_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_tensors(path, KIND, {"name": "old"}, {})
    command = [sys.executable, "-c", _KILLED, str(path)]
    killed = subprocess.run(command, env=dict(os.environ), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert content_of(read_tensors(path, KIND)[0], KIND) == {"name": "old"}
    (leftover,) = (other for other in tmp_path.iterdir() if other != path)
    others = leftover.with_name(leftover.name.replace("file", "file.2"))
    others.mkdir()  # somebody is writing another file

    remove_file(path)

    assert list(tmp_path.iterdir()) == [others]
    remove_file(path)  # nothing is there, nothing happens
