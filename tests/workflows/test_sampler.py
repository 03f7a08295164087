"""Every sampler a search can have: any number of workers, continued, repeated with its seed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean
from typing import Any
from typing import get_args

import optuna
from optuna import Study
from optuna import Trial
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import work
from optuna_xmcnas import WorkSettings
from optuna_xmcnas.cli.options import Sampler
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.worker import loop
from optuna_xmcnas.workflows.sampler import make_sampler
from optuna_xmcnas.workflows.sampler import SamplerName


NAMES: tuple[SamplerName, ...] = get_args(SamplerName)
OPTUNAS: tuple[SamplerName, ...] = ("tpe", "random", "nsgaii")
SPACE = GenomeSpace(ops=("conv3", "bilstm", "maxpool3"), min_layers=2, max_layers=6)
N_TRIALS = 16  # TPE draws ten at random, and three generations of NSGA-II have five each


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(loop, "_NAP_S", 0.005)


def sampler(name: SamplerName, *, seed: int = 3) -> BaseSampler:
    return make_sampler(name, space=SPACE, population_size=5, sample_size=3, seed=seed)


def joined(storage: BaseStorage, name: SamplerName, *, seed: int = 3) -> Study:
    return optuna.create_study(
        study_name="toy",
        storage=storage,
        sampler=sampler(name, seed=seed),
        direction="maximize",
        load_if_exists=True,
    )


def score(trial: Trial, should_stop: Callable[[], bool]) -> float:
    genome = SPACE.suggest(trial)
    return sum(node.op == "bilstm" for node in genome.nodes) - 0.1 * genome.n_layers


def settings(n_trials: int) -> WorkSettings:
    return WorkSettings(n_trials=n_trials, grace_s=60.0)


def params(study: Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.get_trials(deepcopy=False)]


def searched(name: SamplerName, *, seed: int = 3, n_trials: int = N_TRIALS) -> Study:
    study = joined(InMemoryStorage(), name, seed=seed)
    work(study, score, settings(n_trials))
    return study


def test_the_command_line_has_the_same_names() -> None:
    assert tuple(Sampler) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_search(name: SamplerName) -> None:
    assert params(searched(name)) == params(searched(name))
    assert params(searched(name)) != params(searched(name, seed=4))


@pytest.mark.parametrize("name", NAMES)
def test_a_search_that_is_continued_is_the_same_as_without_a_break(name: SamplerName) -> None:
    storage = InMemoryStorage()
    for n_trials in (3, 12, N_TRIALS):
        work(joined(storage, name), score, settings(n_trials))
    assert params(joined(storage, name)) == params(searched(name))


@pytest.mark.parametrize("name", NAMES)
def test_workers_with_one_seed_begin_different_children(name: SamplerName) -> None:
    storage = InMemoryStorage()
    trials = [joined(storage, name).ask() for _ in range(4)]
    genomes = {SPACE.suggest(trial) for trial in trials}
    assert len(genomes) == len(trials)


@pytest.mark.parametrize("name", NAMES)
def test_three_workers_make_exactly_as_many_children_as_wanted(name: SamplerName) -> None:
    storage = InMemoryStorage()
    joined(storage, name)
    with ThreadPoolExecutor(3) as pool:
        tasks = [
            pool.submit(work, joined(storage, name), score, settings(N_TRIALS)) for _ in range(3)
        ]
        assert [task.result() for task in tasks] == [Ending.BUDGET] * 3
    complete = joined(storage, name).get_trials(states=(TrialState.COMPLETE,))
    assert len(complete) == N_TRIALS
    assert all(SPACE.from_params(trial.params) for trial in complete)


@pytest.mark.parametrize("name", NAMES)
def test_a_child_that_was_stopped_goes_on_with_the_next_worker(name: SamplerName) -> None:
    storage = InMemoryStorage()
    interruption = Interruption()

    def stopped(trial: Trial, should_stop: Callable[[], bool]) -> float:
        value = score(trial, should_stop)
        if trial.number < N_TRIALS - 1:
            return value
        interruption.wish()
        raise ChildInterruptedError

    first = work(joined(storage, name), stopped, settings(N_TRIALS), interruption=interruption)
    assert first is Ending.INTERRUPTED
    study = joined(storage, name)
    assert work(study, score, settings(N_TRIALS)) is Ending.BUDGET
    stopped_trial, resumed = study.get_trials()[-2:]
    retry = retry_of(resumed)
    assert retry is not None
    assert retry.of == stopped_trial.number
    assert resumed.params == stopped_trial.params


@pytest.mark.parametrize("name", OPTUNAS)
def test_the_parameters_of_one_trial_are_not_drawn_alike(name: SamplerName) -> None:
    study = joined(InMemoryStorage(), name)

    def draw(trial: Trial) -> list[float]:
        return [trial.suggest_float(str(i), 0, 1) for i in range(3)]

    assert len(set(draw(study.ask()) + draw(study.ask()))) == 6


def test_tpe_learns_what_is_good_here() -> None:
    """The stream of a trial is all that is new in it: the model is made of the storage."""

    def late(name: SamplerName) -> float:
        trials = searched(name, n_trials=40).get_trials()[20:]
        return fmean(trial.values[0] for trial in trials)

    assert late("tpe") > late("random") + 0.3


@pytest.mark.parametrize("name", NAMES)
def test_a_negative_seed_is_refused(name: SamplerName) -> None:
    with pytest.raises(ValueError, match=r"`seed` must not be negative; got -1"):
        sampler(name, seed=-1)


def test_a_population_that_cannot_cross_is_refused() -> None:
    with pytest.raises(ValueError, match="population_size"):
        make_sampler("nsgaii", space=SPACE, population_size=1, sample_size=1, seed=0)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no sampler 'best'"):
        sampler("best")  # type: ignore[arg-type]  # the point of the test
