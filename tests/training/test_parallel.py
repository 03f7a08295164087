"""Two processes that train together do what one does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
import importlib.util
import json
import os
from pathlib import Path
import shutil
import socket
import subprocess
import sys
from typing import Any

import pytest
from safetensors.torch import load_file
import torch
from torch import Tensor

from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import MissingExtraError
from optuna_xmcnas.training import ALONE
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import fit
from optuna_xmcnas.training import launched_group
from optuna_xmcnas.training import TrainingCheckpoint
from tests.training.partner import CONFIG
from tests.training.partner import make_child
from tests.training.partner import make_data
from tests.training.test_together import Twin


ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 120  # of processes that wait for each other; they need a few seconds


@dataclass(frozen=True)
class Outcome:
    """What came of a training in one process."""

    said: dict[str, Any]
    weights: dict[str, Tensor]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes left what came of their trainings."""
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("Accelerate is not installed")
    folder = tmp_path_factory.mktemp("together")
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1",
    }
    partners = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.partner", str(folder)],
            cwd=ROOT,
            env={**os.environ, **shared, "RANK": rank, "LOCAL_RANK": rank},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    try:
        for partner in partners:
            _, errors = partner.communicate(timeout=TIMEOUT_S)
            assert partner.returncode == 0, errors
    finally:
        for partner in partners:
            partner.kill()
            partner.wait()
    return folder


@pytest.fixture
def outcomes(folder: Path) -> Callable[[str], list[Outcome]]:
    """Give the outcomes of a training, in the order of the processes."""

    def read(name: str) -> list[Outcome]:
        paths = [folder / f"{name}-{rank}" for rank in (0, 1)]
        return [
            Outcome(
                json.loads(path.with_suffix(".json").read_text("utf-8")),
                load_file(path.with_suffix(".safetensors")),
            )
            for path in paths
        ]

    return read


def _are_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_two_processes_learn_what_one_does(outcomes: Callable[[str], list[Outcome]]) -> None:
    first, second = outcomes("whole")
    assert first.said == second.said
    assert _are_equal(first.weights, second.weights)

    data = make_data()
    child = make_child(data, seed=0)  # the second process began with other weights
    alone: list[Evaluation] = []
    result = fit(child, data, CONFIG, on_evaluation=alone.append)
    assert first.said["best_step"] == result.best.step
    for (step, loss, report), evaluation in zip(first.said["evaluations"], alone, strict=True):
        assert (step, loss) == (evaluation.step, pytest.approx(evaluation.loss, rel=1e-5))
        assert report == pytest.approx(dict(evaluation.report))
    for name, weight in child.named_parameters():
        torch.testing.assert_close(first.weights[name], weight.detach(), rtol=1e-4, atol=1e-6)


def test_the_last_batch_leaves_the_second_process_without_documents() -> None:
    assert len(make_data().train) % CONFIG.batch_size == 1


def test_a_stop_of_one_process_ends_all(
    outcomes: Callable[[str], list[Outcome]], folder: Path
) -> None:
    first, second = outcomes("stopped")
    path = folder / "checkpoints-0" / "child.training.safetensors"
    assert first.said["error"] == second.said["error"]
    assert first.said["error"] == (
        "ChildInterruptedError: the training was told to stop after step 7; "
        f"it goes on from {path}."
    )
    assert path.is_file()
    assert not any((folder / "checkpoints-1").iterdir())  # only the first one writes


def test_all_go_on_from_the_checkpoint_of_the_first(
    outcomes: Callable[[str], list[Outcome]],
) -> None:
    whole, resumed = outcomes("whole"), outcomes("resumed")
    for expected, found in zip(whole, resumed, strict=True):
        assert found.said["resumed_at_step"] == 7
        assert found.said["best_step"] == expected.said["best_step"]
        assert found.said["evaluations"] == expected.said["evaluations"][1:]
        assert _are_equal(found.weights, expected.weights)


def test_one_process_goes_on_where_two_were_stopped(
    outcomes: Callable[[str], list[Outcome]], folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "child.training.safetensors"
    shutil.copy(folder / "checkpoints-0" / path.name, path)
    data = make_data()
    child = make_child(data, seed=9)
    result = fit(child, data, CONFIG, checkpoint=TrainingCheckpoint(path))
    assert result.resumed_at_step == 7
    expected = outcomes("whole")[0].weights
    for name, weight in child.named_parameters():
        torch.testing.assert_close(expected[name], weight.detach(), rtol=1e-4, atol=1e-6)


def test_scores_that_break_in_one_process_are_an_error_in_all(
    outcomes: Callable[[str], list[Outcome]],
) -> None:
    for outcome in outcomes("broken"):
        assert outcome.said["error"].startswith("NonFiniteLossError: after step 5, the child")


def test_a_process_that_nobody_launched_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with launched_group() as group:
        assert group is ALONE
    assert (ALONE.rank, ALONE.size) == (0, 1)
    assert ALONE.gather(b"mine") == [ALONE.from_first(b"mine")] == [b"mine"]
    assert [ALONE.is_any(is_it) for is_it in (True, False)] == [True, False]


def test_several_processes_need_accelerate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with (
        pytest.raises(MissingExtraError, match=r"4 processes.*optuna-xmcnas\[parallel\]"),
        launched_group(),
    ):
        pass


def test_processes_are_not_sent_to_one_device(data: XmcDataset) -> None:
    config = replace(CONFIG, device="cuda:1")
    with pytest.raises(ValueError, match=r"`device` is 'cuda:1' for all 2 processes.*'auto'"):
        fit(make_child(data, seed=0), data, config, group=Twin())
