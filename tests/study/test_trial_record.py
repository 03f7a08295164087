"""What is written about a child can be read back, also when it is only half written."""

from __future__ import annotations

from dataclasses import fields
import json
import math
import random
from types import NoneType
from typing import Any
from typing import get_args
from typing import get_type_hints

import optuna
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import TrialRecord
from optuna_xmcnas.study.trial_record import child_record


GENOME = Genome((Node("bilstm", 0), Node("conv3", 0)))


def _frozen(study: optuna.Study, number: int = 0) -> FrozenTrial:
    return study.get_trials()[number]


def test_record_is_read_back_whole() -> None:
    study = optuna.create_study()
    trial = study.ask()
    begin_record(trial, GENOME, seed=7)
    child_record(trial, n_parameters=10, device="cpu, 24 GiB", software="PyTorch 2")
    complete_record(
        trial,
        metrics={"P@1": 0.5, "nDCG@5": 0.25},
        node_weights=(0.75, 0.25),
        n_parameters=10,
        seconds=1.5,
        peak_memory_bytes=1000,
        epochs=3,
        stop_reason="epochs",
        resumed_at_step=40,
        curve=[CurvePoint(0.5, 60, 0.125, 0.25)],
    )
    record = read_record(_frozen(study))
    assert record is not None
    assert record.genome == GENOME
    assert record.curve == (CurvePoint(0.5, 60, 0.125, 0.25),)
    assert record.software == "PyTorch 2"
    assert record.metrics == {"P@1": 0.5, "nDCG@5": 0.25}
    assert record.node_weights == (0.75, 0.25)
    assert (record.seed, record.n_parameters, record.epochs) == (7, 10, 3)
    assert (record.seconds, record.peak_memory_bytes) == (1.5, 1000)
    assert (record.stop_reason, record.failure) == ("epochs", None)
    assert (record.device, record.resumed_at_step) == ("cpu, 24 GiB", 40)


def test_half_a_record_is_read_as_far_as_it_goes() -> None:
    study = optuna.create_study()
    trial = study.ask()
    begin_record(trial, GENOME, seed=0)
    child_record(trial, n_parameters=10, device="cuda:0 NAME, 80 GiB", software="")
    fail_record(trial, "out of memory")
    record = read_record(_frozen(study))
    assert record is not None
    assert record.failure == "out of memory"
    assert (record.n_parameters, record.device) == (10, "cuda:0 NAME, 80 GiB")
    assert record.metrics == {}
    assert record.node_weights is None


def test_foreign_trials_have_no_record() -> None:
    study = optuna.create_study()
    study.ask()
    study.ask().set_user_attr("xmcnas_format", 99)
    study.ask().set_user_attr("xmcnas_format", 1)  # died before the genome was written
    broken = study.ask()
    broken.set_user_attr("xmcnas_format", 1)
    broken.set_user_attr("genome", "{")
    assert [read_record(trial) for trial in study.get_trials()] == [None] * 4


def test_ancestry_comes_from_the_proposal() -> None:
    space = GenomeSpace()
    sampler = RegularizedEvolutionSampler(space=space, population_size=2, sample_size=2, seed=0)
    study = optuna.create_study(sampler=sampler)

    def objective(trial: optuna.Trial) -> float:
        begin_record(trial, space.suggest(trial), seed=0)
        return float(trial.number)

    study.optimize(objective, n_trials=3)
    first, _, third = (read_record(trial) for trial in study.get_trials())
    assert first is not None
    assert third is not None
    assert first.parent is None
    assert third.parent in (0, 1)
    assert third.mutation in ("change_source", "swap_op", "add_layer")


def _whole_attributes() -> dict[str, Any]:
    """Return the attributes of a trial to which everything was written that can be."""
    study = optuna.create_study()
    trial = study.ask()
    begin_record(trial, GENOME, seed=7)
    child_record(trial, n_parameters=10, device="cpu, 24 GiB", software="")
    complete_record(
        trial,
        metrics={"P@1": 0.5, "nDCG@5": 0.25},
        node_weights=(0.75, 0.25),
        n_parameters=10,
        seconds=1.5,
        peak_memory_bytes=1000,
        epochs=3,
        stop_reason="epochs",
        resumed_at_step=40,
    )
    fail_record(trial, "no reason")
    whole = {**_frozen(study).user_attrs, "parent": 3, "mutation": "swap_op"}
    return {name: json.loads(json.dumps(value)) for name, value in whole.items()}


_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    2.5,
    math.nan,
    -math.inf,
    "",
    "x",
    "[" * 100_000,
    "1" * 5000,
    '{"format": 1, "nodes": {"ab": 1}}',
    [],
    ["x", 1],
    [0.5, math.nan],
    {},
    {"format": 1},
)


def _check_types(record: TrialRecord) -> None:
    hints = get_type_hints(TrialRecord)
    for field in fields(TrialRecord):
        value = getattr(record, field.name)
        allowed = get_args(hints[field.name]) or (hints[field.name],)
        if field.name in ("metrics", "node_weights"):
            values = [*value.values()] if field.name == "metrics" else [*(value or ())]
            assert all(type(number) is float and math.isfinite(number) for number in values)
            assert isinstance(value, (dict,) if field.name == "metrics" else (tuple, NoneType))
        elif field.name == "curve":
            assert all(type(point) is CurvePoint for point in value or ())
            assert isinstance(value, (tuple, NoneType))
        else:
            assert type(value) in allowed, field.name
            is_count = type(value) is int and field.name != "number"
            assert not is_count or value >= 0


def _trial(attributes: dict[str, Any]) -> FrozenTrial:
    return create_trial(value=0.0, user_attrs=attributes)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_was_written_is_read_as_far_as_it_can_be_trusted(seed: int) -> None:
    rng = random.Random(seed)
    whole = _whole_attributes()
    n_read = 0
    for _ in range(200):
        names = rng.sample(sorted(whole), rng.randint(0, len(whole)))
        attributes = {name: whole[name] for name in names}
        if rng.random() < 0.7:  # else the worker died, and nobody else wrote anything
            odd = rng.sample(sorted(whole), rng.randint(0, 4))
            attributes |= {name: rng.choice(_ODD) for name in odd}
        record = read_record(_trial(attributes))
        if record is not None:
            n_read += 1
            _check_types(record)
    assert n_read > 20  # else the test shows nothing


@pytest.mark.parametrize("odd", _ODD, ids=range(len(_ODD)))
def test_an_attribute_of_a_wrong_type_counts_as_missing(odd: object) -> None:
    whole = _whole_attributes()
    complete = read_record(_trial(whole))
    assert complete is not None
    _check_types(complete)
    for name in whole:
        record = read_record(_trial({**whole, name: odd}))
        if name in ("xmcnas_format", "genome"):
            assert record is None or odd is True  # True is 1
            continue
        assert record is not None
        _check_types(record)
        if isinstance(odd, dict):
            without = read_record(_trial({n: v for n, v in whole.items() if n != name}))
            assert record == without


def test_a_worker_may_die_between_any_two_attributes() -> None:
    whole = _whole_attributes()
    for n_written in range(len(whole) + 1):
        record = read_record(_trial(dict(list(whole.items())[:n_written])))
        assert (record is None) == (n_written < 2)


def test_a_complete_trial_has_no_failure() -> None:
    study = optuna.create_study()
    trial = study.ask()
    begin_record(trial, GENOME, seed=0)
    fail_record(trial, "lost: its worker was silent")  # written by another, and then it reported
    study.tell(trial, 0.5)
    record = read_record(study.trials[0])
    assert record is not None
    assert record.failure is None
