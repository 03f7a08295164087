"""A plan is a promise: what it says of a training is true of the training."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import subprocess
import sys

import pytest
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node
from optuna_xmcnas.planning import Plan
from optuna_xmcnas.planning import plan_child
from optuna_xmcnas.planning import plan_search
from optuna_xmcnas.planning import PlanRequest
from optuna_xmcnas.training import TrainingConfig


SCRIPT = Path(__file__).parents[2] / "examples" / "benchmarks" / "plan_accuracy.py"
GENOME = Genome((Node("conv3", 0), Node("maxpool3", 1)))
CHILD = ChildConfig(hidden=8, fully_connected=(8,), label_chunk=4)
TRAINING = TrainingConfig(device="cpu", epochs=3, batch_size=16, patience=1)


@pytest.fixture(scope="module")
def data() -> XmcDataset:
    config = DataConfig(validation_documents=20, vector_size=12, max_tokens=20)
    return prepare(synthetic_dataset(n_train=100, n_test=10), config)


def _request(data: XmcDataset, training: TrainingConfig = TRAINING) -> PlanRequest:
    return PlanRequest(
        data=data,
        child=CHILD,
        training=training,
        process_bytes=100 * 2**20,
        resident_bytes=110 * 2**20,
        budget_s=0.2,
    )


def test_parts_sum_up_and_seconds_fit_together(data: XmcDataset) -> None:
    found = plan_child(_request(data), GENOME)
    (child,) = found.children
    parts = vars(child.memory)
    assert sum(parts.values()) == child.memory.total
    assert parts["data"] == 10 * 2**20
    assert parts["weights"] == 4 * 4 * child.parameters.total
    # patience 1: two of the three epochs at least, each with an evaluation
    assert child.child_s.low == pytest.approx(2 * (child.epoch_s + child.evaluation_s))
    assert child.child_s.high == pytest.approx(3 * (child.epoch_s + child.evaluation_s))
    assert child.epoch_s == pytest.approx(5 * child.step_s)  # 80 documents of 16 each
    assert found.search_s is None
    assert child.is_measured


def test_evaluations_between_epochs_are_counted(data: XmcDataset) -> None:
    training = replace(TRAINING, evaluate_every=2, patience=50)
    (child,) = plan_child(_request(data, training), GENOME).children
    expected = 15 * child.step_s + 8 * child.evaluation_s  # after 2, 4, ... 14 and the last one
    assert child.child_s.high == pytest.approx(expected)


def test_a_search_is_its_children_and_the_largest_keeps_most(data: XmcDataset) -> None:
    found = plan_search(_request(data), GenomeSpace(max_layers=4), 7)
    usual, largest = found.children
    assert largest.memory.encoder > usual.memory.encoder
    assert found.search_s is not None
    assert found.search_s.low == pytest.approx(7 * usual.child_s.low)
    assert found.search_s.high >= 7 * largest.child_s.high


def test_averaging_weights_takes_another_copy(data: XmcDataset) -> None:
    averaging = replace(TRAINING, average_from_epoch=1)
    (plain,) = plan_child(_request(data), GENOME).children
    (averaged,) = plan_child(_request(data, averaging), GENOME).children
    more = averaged.memory.weights - plain.memory.weights
    assert more == 4 * plain.parameters.total


def test_what_does_not_fit_is_not_run_and_gets_suggestions(
    data: XmcDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitting = plan_child(_request(data), GENOME)
    step = fitting.children[0].memory
    _allow(monkeypatch, step.total - step.encoder // 4)
    found = plan_child(_request(data), GENOME)
    assert found.verdict == "does not fit"
    assert not found.children[0].is_measured
    assert found.children[0].child_s.high > 0

    _allow(monkeypatch, 10 * step.total)
    assert _verdict(data) == "fits"
    _allow(monkeypatch, int(1.1 * step.total))
    assert _verdict(data) == "tight"


def test_suggestions_are_kept_promises(data: XmcDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    child = ChildConfig(hidden=128, label_chunk=10)
    request = replace(_request(data), child=child, process_bytes=0, resident_bytes=0)
    request = replace(request, training=replace(TRAINING, batch_size=80))
    monkeypatch.setattr("optuna_xmcnas.planning.memory.TRAINING_LIBRARIES", 0)
    total = plan_child(request, GENOME).children[0].memory.total
    _allow(monkeypatch, int(0.9 * total))
    found = plan_child(request, GENOME)
    changes = {one.change: one for one in found.suggestions}
    (batch,) = (one for change, one in changes.items() if change.startswith("--batch-size"))
    assert batch.fits
    assert [one.fits for one in found.suggestions] == sorted(
        (one.fits for one in found.suggestions), reverse=True
    )
    size = int(batch.change.split()[1])
    smaller = replace(request, training=replace(request.training, batch_size=size))
    assert plan_child(smaller, GENOME).children[0].memory.total == batch.total
    assert any(change.startswith("--hidden") for change in changes)


def test_measured_memory_is_near_in_a_process_of_its_own() -> None:
    command = [sys.executable, str(SCRIPT), "--alone", "tiny"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert found["predicted parameters"] == found["measured parameters"]
    assert found["predicted bytes"] == pytest.approx(found["measured bytes"], rel=0.25)


def test_cuda_has_no_process_part() -> None:
    from optuna_xmcnas.planning.memory import memory_parts
    from optuna_xmcnas.planning.memory import Sizes
    from optuna_xmcnas.planning.parameters import count_parameters
    from optuna_xmcnas.planning.rehearsal import rehearse

    sizes = Sizes(
        process=10**9,
        data=10**8,
        n_words=50,
        vector_width=12,
        n_labels=10,
        longest_train=20,
        longest_validation=20,
        n_train=80,
        n_validation=20,
    )
    count = count_parameters(GENOME, CHILD, n_words=50, vector_width=12, n_labels=10)
    rehearsal = rehearse(GENOME, CHILD, TRAINING, vector_width=12, n_labels=10)
    parts = memory_parts(count, rehearsal, sizes, TRAINING, is_on_host=False)
    assert parts.process == parts.data == parts.slack == 0
    assert parts.weights == 3 * 4 * count.total  # the best copy is on the host


def _allow(monkeypatch: pytest.MonkeyPatch, n_bytes: int) -> None:
    def available(device: torch.device) -> int:
        return n_bytes

    monkeypatch.setattr("optuna_xmcnas.planning.plan.available_memory", available)


def _verdict(data: XmcDataset) -> str:
    found: Plan = plan_child(_request(data), GENOME)
    return found.verdict
