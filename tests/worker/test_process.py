"""A process is told from others, and from later ones with its number."""

from __future__ import annotations

from dataclasses import replace
import os
from pathlib import Path
import subprocess

import pytest

from optuna_xmcnas.worker import process as module
from optuna_xmcnas.worker.process import is_gone
from optuna_xmcnas.worker.process import is_here
from optuna_xmcnas.worker.process import ProcessId
from optuna_xmcnas.worker.process import this_process


@pytest.fixture
def child() -> subprocess.Popen[bytes]:
    """A process that ends when its input does."""
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)


def id_of(child: subprocess.Popen[bytes]) -> ProcessId:
    started = module._started(child.pid)
    assert started is not None
    return replace(this_process(), pid=child.pid, started=started)


def test_a_record_is_read_back() -> None:
    assert ProcessId.from_record(this_process().to_record()) == this_process()


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        "12",
        {},
        {"machine": "m", "pid": 1},
        {"machine": "m", "pid": 0, "started": "1"},
        {"machine": "m", "pid": -1, "started": "1"},
        {"machine": "m", "pid": "1", "started": "1"},
        {"machine": 1, "pid": 1, "started": "1"},
        {"machine": "m", "pid": 1, "started": 1},
    ],
)
def test_a_record_of_another_shape_says_nothing(record: object) -> None:
    assert ProcessId.from_record(record) is None


def test_a_running_process_is_not_gone(child: subprocess.Popen[bytes]) -> None:
    with child:
        assert not is_gone(id_of(child))


def test_a_reaped_process_is_gone(child: subprocess.Popen[bytes]) -> None:
    with child:
        its_id = id_of(child)
    assert is_gone(its_id)


def test_a_process_that_waits_to_be_reaped_is_gone(child: subprocess.Popen[bytes]) -> None:
    with child:
        its_id = id_of(child)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and left as it is
        assert is_gone(its_id)


def test_a_process_whose_number_was_given_to_a_later_one_is_gone() -> None:
    assert is_gone(replace(this_process(), started="1"))


@pytest.mark.parametrize("machine", ["", "another machine"])
def test_nobody_can_tell_of_another_machine(machine: str) -> None:
    elsewhere = ProcessId(machine, pid=2**22 + 1, started="1")
    assert not is_here(elsewhere)
    assert not is_gone(elsewhere)


def test_nobody_can_tell_where_there_is_no_proc(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen = this_process()
    monkeypatch.setattr(module, "_PROC", tmp_path)
    assert this_process() == ProcessId("", os.getpid(), "")
    assert not is_gone(seen)
    assert not is_gone(this_process())


def test_a_process_that_the_system_hides_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = this_process()
    monkeypatch.setattr(module, "_started", lambda pid: None)
    assert not is_gone(seen)
    assert is_gone(replace(seen, pid=2**30))  # more than a system ever gives


def test_a_name_with_brackets_and_blanks_hides_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    fields = " ".join(str(n) for n in range(4, 53))  # each field is its own number
    (folder / "stat").write_text(f"7 (a ) Z (b) S {fields}\n", "utf-8")
    monkeypatch.setattr(module, "_PROC", tmp_path)
    assert module._started(7) == "22"
