"""A study becomes rows, whatever its trials are."""

from __future__ import annotations

import math

import optuna
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import Node
from optuna_xmcnas.samplers.storage import ENDED_KEY
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import Retry
from optuna_xmcnas.study import RETRY_KEY
from optuna_xmcnas.study import StudyConfig


SPACE = GenomeSpace()


def _objective(trial: optuna.Trial) -> float:
    genome = SPACE.suggest(trial)
    begin_record(trial, genome, seed=trial.number)
    return genome.n_layers / 10


def _evolved(n_trials: int) -> optuna.Study:
    sampler = RegularizedEvolutionSampler(space=SPACE, population_size=4, sample_size=2, seed=0)
    study = optuna.create_study(sampler=sampler, direction="maximize", study_name="mine")
    SPACE.enqueue(study, Genome((Node("bilstm", 0), Node("conv3", 0))))
    study.optimize(_objective, n_trials=n_trials)
    return study


def test_rows_tell_where_genomes_are_from() -> None:
    history = read_history(_evolved(10))
    phases = [row.phase for row in history.rows]
    assert phases[:4] == [Phase.GIVEN, Phase.RANDOM, Phase.RANDOM, Phase.RANDOM]
    assert set(phases[4:]) == {Phase.EVOLVED}
    assert all((row.parent is not None) == (row.phase is Phase.EVOLVED) for row in history.rows)


def test_rows_hold_genomes_and_their_identity() -> None:
    for row in read_history(_evolved(6)).rows:
        assert row.genome is not None
        assert row.identity == canonical_hash(row.genome)
        assert row.value == row.genome.n_layers / 10


def test_best_is_the_first_of_equal_ones() -> None:
    study = optuna.create_study(direction="maximize")
    for value in (0.1, 0.3, 0.3):
        study.add_trial(create_trial(value=value))
    best = read_history(study).best
    assert best is not None
    assert best.number == 1


def test_best_of_a_study_that_minimises_has_the_lowest_value() -> None:
    study = optuna.create_study()
    for value in (0.3, 0.1, 0.2):
        study.add_trial(create_trial(value=value))
    best = read_history(study).best
    assert best is not None
    assert best.number == 1


def test_trials_of_tpe_are_sampled_and_their_retries_too() -> None:
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(_objective, n_trials=2)
    retry = {"fixed_params": {"n_layers": 2}, RETRY_KEY: Retry(1, 1, 1).to_record()}
    study.add_trial(create_trial(value=0.0, system_attrs=retry))
    study.add_trial(create_trial(value=0.0, system_attrs={"fixed_params": {"n_layers": 2}}))
    rows = read_history(study).rows
    assert [row.phase for row in rows] == [*[Phase.SAMPLED] * 3, Phase.GIVEN]
    assert rows[2].origin == 1


def test_failed_running_and_endless_trials_have_no_value() -> None:
    study = optuna.create_study(direction="maximize")
    study.ask()
    study.add_trial(create_trial(state=TrialState.FAIL))
    study.add_trial(create_trial(value=math.inf))
    history = read_history(study)
    assert [row.value for row in history.rows] == [None, None, None]
    assert history.complete == ()
    assert history.best is None


def test_foreign_trials_are_rows_without_a_record() -> None:
    study = optuna.create_study()
    study.add_trial(create_trial(value=1.0, user_attrs={"xmcnas_format": 99, "genome": "{}"}))
    (row,) = read_history(study).rows
    assert (row.genome, row.parent, row.identity, row.value) == (None, None, None, 1.0)


def test_known_rows_are_not_read_again() -> None:
    study = _evolved(5)
    known = {row.number: row for row in read_history(study).rows}
    study.optimize(_objective, n_trials=2)
    again = read_history(study, known=known)
    assert all(row is known[row.number] for row in again.rows[:5])
    assert again == read_history(study)


def test_study_with_several_objectives_is_refused() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"], study_name="two")
    with pytest.raises(ConfigMismatchError, match="'two' has 2 objectives"):
        read_history(study)


@pytest.mark.parametrize("ended", [None, *Ended])
def test_rows_say_why_a_worker_failed_a_trial(ended: Ended | None) -> None:
    study = optuna.create_study()
    attrs = {} if ended is None else {ENDED_KEY: ended.to_record()}
    study.add_trial(create_trial(state=TrialState.FAIL, system_attrs=attrs))
    assert read_history(study).rows[0].ended_why is ended


@pytest.mark.parametrize(
    ("sampler", "size"),
    [("evolution", 6), ("guided", 6), ("tpe", None), ("random", None), ("nsgaii", None)],
)
def test_only_samplers_with_a_population_have_its_size(sampler: str, size: int | None) -> None:
    study = optuna.create_study(direction="maximize")
    join_study(study, StudyConfig({"sampler": {"name": sampler, "population_size": 6}}))
    assert read_history(study).population_size == size


def test_settings_of_another_version_are_left_out() -> None:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("xmcnas:config:old", {"format": 1, "sampler": {"population_size": 6}})
    study.add_trial(create_trial(value=0.5))
    history = read_history(study)
    assert (history.config, history.population_size, len(history.complete)) == (None, None, 1)
    assert history.is_of_another_version
