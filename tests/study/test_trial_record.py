"""What is written about a child can be read back, also when it is only half written."""

from __future__ import annotations

import optuna
from optuna.trial import FrozenTrial

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.study import read_record


GENOME = Genome((Node("bilstm", 0), Node("conv3", 0)))


def _frozen(study: optuna.Study, number: int = 0) -> FrozenTrial:
    return study.get_trials()[number]


def test_record_is_read_back_whole() -> None:
    study = optuna.create_study()
    trial = study.ask()
    begin_record(trial, GENOME, seed=7)
    complete_record(
        trial,
        metrics={"P@1": 0.5, "nDCG@5": 0.25},
        node_weights=(0.75, 0.25),
        n_parameters=10,
        seconds=1.5,
        peak_memory_bytes=1000,
        epochs=3,
        stop_reason="epochs",
    )
    record = read_record(_frozen(study))
    assert record is not None
    assert record.genome == GENOME
    assert record.metrics == {"P@1": 0.5, "nDCG@5": 0.25}
    assert record.node_weights == (0.75, 0.25)
    assert (record.seed, record.n_parameters, record.epochs) == (7, 10, 3)
    assert (record.seconds, record.peak_memory_bytes) == (1.5, 1000)
    assert (record.stop_reason, record.failure) == ("epochs", None)


def test_half_a_record_is_read_as_far_as_it_goes() -> None:
    study = optuna.create_study()
    trial = study.ask()
    begin_record(trial, GENOME, seed=0)
    fail_record(trial, "out of memory")
    record = read_record(_frozen(study))
    assert record is not None
    assert record.failure == "out of memory"
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
