"""A view of a study is a cache: always what a fresh reading would say, at a cost that stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna import Study
from optuna import Trial
from optuna.distributions import BaseDistribution
from optuna.distributions import IntDistribution
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest
import sqlalchemy

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.samplers import Proposal
from optuna_xmcnas.samplers.storage import given_params
from optuna_xmcnas.samplers.storage import StudyView
from optuna_xmcnas.samplers.storage import whole_study
from optuna_xmcnas.samplers.storage import write_trial_attr


SPACE = GenomeSpace(max_layers=3)


@pytest.fixture(params=["memory", "sqlite", "journal"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> BaseStorage:
    if request.param == "memory":
        return InMemoryStorage()
    if request.param == "sqlite":
        return RDBStorage(f"sqlite:///{tmp_path}/study.db")
    return JournalStorage(JournalFileBackend(f"{tmp_path}/study.log"))


def view_of(size: int = 4) -> StudyView:
    def identity(params: Mapping[str, Any]) -> str | None:
        return str(sorted(params.items())) if params else None

    return StudyView(size=size, age_key="age", proposal_key="proposal", identity=identity)


def contents(view: StudyView) -> tuple[object, ...]:
    proposals = {number: p.identity for number, p in view.proposals.items()}
    return [m.number for m in view.population], view.clock, proposals


def tell(study: Study, trial: Trial, state: TrialState, age: int) -> None:
    """Finish a trial as the sampler would, without the sampler."""
    trial.suggest_int("x", 0, 100)
    if state != TrialState.COMPLETE:
        study.tell(trial, state=state)
        return
    study._storage.set_trial_system_attr(trial._trial_id, "age", age)
    study.tell(trial, 0.0)


def propose(study: Study, trial: Trial, identity: str) -> None:
    record = {"format": 1, "params": {}, "identity": identity}
    write_trial_attr(study, study._storage.get_trial(trial._trial_id), "proposal", record)


def test_reading_what_is_new_says_what_a_fresh_reading_says(storage: BaseStorage) -> None:
    """Trials of many workers begin and end in any order; one view follows, others begin anew."""
    study = optuna.create_study(storage=storage)
    rng = np.random.default_rng(0)
    states = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.FAIL]
    view, running = view_of(), [study.ask()]
    for step in range(10):
        n_workers = [1, 2, 6][step % 3]  # few are read one by one, many at once
        while len(running) <= n_workers:
            running.append(study.ask())
            propose(study, running[-1], identity=str(running[-1].number))
        while len(running) > n_workers:
            trial = running.pop(int(rng.integers(len(running))))
            tell(study, trial, states[rng.integers(3)], age=step)
        ours = study._storage.get_trial(running[0]._trial_id)
        view.read_all(study, ours)
        fresh = view_of()
        fresh.read_all(study, ours)
        assert contents(view) == contents(fresh)
    assert view.clock > 5


def test_reading_up_to_a_trial_learns_of_all_before_it(storage: BaseStorage) -> None:
    study = optuna.create_study(storage=storage)
    view, first = view_of(), study.ask()
    view.read_up_to(study, study._storage.get_trial(first._trial_id))
    others = [study.ask() for _ in range(3)]
    for trial in others[:2]:
        tell(study, trial, TrialState.COMPLETE, age=trial.number)
    view.read_up_to(study, study._storage.get_trial(others[2]._trial_id))
    assert [m.number for m in view.population] == [1, 2]


def test_several_studies_in_one_storage_are_kept_apart(storage: BaseStorage) -> None:
    studies = [optuna.create_study(storage=storage) for _ in range(2)]
    views = view_of(), view_of()
    for _ in range(4):
        trials = [(study.ask(), study.ask()) for study in studies]
        for study, view, (first, second) in zip(studies, views, trials, strict=True):
            ours = study._storage.get_trial(first._trial_id)
            view.read_all(study, ours)
            tell(study, second, TrialState.COMPLETE, age=second.number)
            view.read_all(study, ours)
            tell(study, first, TrialState.FAIL, age=0)
    for study, view in zip(studies, views, strict=True):
        complete = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
        assert [m.number for m in view.population] == [trial.number for trial in complete]
        assert [m.params for m in view.population] == [trial.params for trial in complete]


def test_a_reading_that_fails_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    study = optuna.create_study()
    view, trials = view_of(), [study.ask() for _ in range(4)]
    ours = study._storage.get_trial(trials[3]._trial_id)
    view.read_all(study, ours)
    for trial in trials[:3]:
        tell(study, trial, TrialState.COMPLETE, age=trial.number)
    get_trial, answers = study._storage.get_trial, iter([True, True, False])

    def unreliable(trial_id: int) -> Any:
        if not next(answers):
            raise optuna.exceptions.StorageInternalError("the database is away")
        return get_trial(trial_id)

    with monkeypatch.context() as patch:
        patch.setattr(study._storage, "get_trial", unreliable)
        with pytest.raises(optuna.exceptions.StorageInternalError, match="away"):
            view.read_all(study, ours)
    view.read_all(study, ours)
    assert [m.number for m in view.population] == [0, 1, 2]


def test_only_parameters_with_a_choice_make_a_member() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.suggest_int("constant", 3, 3)
    tell(study, trial, TrialState.COMPLETE, age=1)
    view = view_of()
    view.read_all(study, study.trials[0])
    assert view.population[0].params.keys() == {"x"}


def test_what_is_known_is_finished_or_proposed_by_another_trial() -> None:
    study = optuna.create_study()
    view, trials = view_of(), [study.ask() for _ in range(3)]
    for trial, name in zip(trials, "abc", strict=True):
        propose(study, trial, identity=name)
    tell(study, trials[0], TrialState.COMPLETE, age=1)
    tell(study, trials[2], TrialState.FAIL, age=1)
    view.read_all(study, study._storage.get_trial(trials[1]._trial_id))
    complete = str(sorted(study.trials[0].params.items()))
    assert view.knows({complete}, besides=1)
    assert view.knows({"b", "z"}, besides=0)
    assert not view.knows({"b"}, besides=1)
    assert view.knows({"c"}, besides=1)
    assert not view.knows({"a"}, besides=1)
    assert not view.knows(set(), besides=1)


def test_enqueued_and_copied_parameters_are_given() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 1})
    distributions: dict[str, BaseDistribution] = {"y": IntDistribution(0, 9)}
    study.add_trial(
        create_trial(state=TrialState.WAITING, params={"y": 2}, distributions=distributions)
    )
    study.add_trial(create_trial(state=TrialState.WAITING, system_attrs={"fixed_params": "?"}))
    assert [given_params(trial) for trial in study.trials] == [{"x": 1}, {"y": 2}, {}]


def test_a_study_is_whole_by_itself() -> None:
    study = optuna.create_study()
    assert whole_study(study) is study


# Outcomes.


def keeping_view() -> StudyView:
    return StudyView(
        size=4,
        age_key="age",
        proposal_key="proposal",
        identity=lambda params: str(sorted(params.items())) if params else None,
        keeps_outcomes=True,
    )


def test_outcomes_say_how_trials_ended(storage: BaseStorage) -> None:
    study = optuna.create_study(storage=storage)
    view = keeping_view()
    trials = [study.ask() for _ in range(6)]
    ours = study._storage.get_trial(trials[5]._trial_id)
    view.read_all(study, ours)
    assert not view.outcomes
    states = [TrialState.COMPLETE, TrialState.PRUNED, *[TrialState.FAIL] * 3]
    for number, (trial, state) in enumerate(zip(trials, states, strict=False)):
        if number != 3:
            proposal = Proposal(params={"x": -1}, identity="1", expected=number / 2)
            stored = study._storage.get_trial(trial._trial_id)
            write_trial_attr(study, stored, "proposal", proposal.to_record())
        if number == 4:
            study._storage.set_trial_system_attr(trial._trial_id, "xmcnas:ended", "worker lost")
        trial.suggest_int("constant", 7, 7)
        tell(study, trial, state, age=1)
    view.read_all(study, ours)
    fresh = keeping_view()
    fresh.read_all(study, ours)
    drawn = [trial.params["x"] for trial in study.trials[:5]]
    for outcomes in (view.outcomes, fresh.outcomes):
        found = [outcomes[number] for number in sorted(outcomes)]
        assert [one.number for one in found] == [0, 1, 2, 3]  # the worker's fault teaches nothing
        assert [one.state for one in found] == states[:4]
        # A child that failed may not have drawn all of what was proposed for it.
        assert [one.params["x"] for one in found] == [drawn[0], drawn[1], -1, drawn[3]]
        assert all(one.params.keys() == {"x"} for one in found)
        assert [one.values for one in found] == [(0.0,), (), (), ()]
        assert [one.expected for one in found] == [0.0, 0.5, 1.0, None]


def test_outcomes_are_kept_only_if_asked_for() -> None:
    study = optuna.create_study()
    tell(study, study.ask(), TrialState.COMPLETE, age=1)
    view = view_of()
    view.read_all(study, study.trials[0])
    assert view.population
    assert not view.outcomes


def test_all_that_is_known_is_what_each_is_known_by(storage: BaseStorage) -> None:
    study = optuna.create_study(storage=storage)
    view, trials = view_of(), [study.ask() for _ in range(5)]
    for trial, name in zip(trials, "abcde", strict=True):
        propose(study, trial, identity=name)
    trials[4].suggest_int("x", 0, 100)  # drawn, not told
    for trial, state in zip(
        trials, (TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED), strict=False
    ):
        tell(study, trial, state, age=1)
    view.read_all(study, study._storage.get_trial(trials[3]._trial_id))
    texts = {*"abcdefz", *(str(sorted(trial.params.items())) for trial in study.trials)}
    for besides in range(5):
        known = view.known(besides=besides)
        assert known & texts == {text for text in texts if view.knows({text}, besides=besides)}
    assert {"b", "c", "d", "e"} <= view.known(besides=0)
    assert "d" not in view.known(besides=3)
    assert "a" not in view.known(besides=3)  # its trial drew something else


# What it costs.


def objective(trial: Trial) -> float:
    return float(SPACE.suggest(trial).n_layers)


def evolving(storage: BaseStorage, space: GenomeSpace | None) -> Study:
    sampler = RegularizedEvolutionSampler(
        space=space, population_size=5, sample_size=2, seed=0, max_attempts=1
    )
    return optuna.create_study(storage=storage, sampler=sampler)


def count_calls(storage: BaseStorage, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of every method of a storage from now on."""
    calls: Counter[str] = Counter()

    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            assert name != "get_all_trials" or kwargs["deepcopy"] is False
            return method(*args, **kwargs)

        return call

    for name in dir(BaseStorage):
        if not name.startswith("_"):
            monkeypatch.setattr(storage, name, counted(name, getattr(storage, name)))
    return calls


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_a_trial_costs_the_same_however_many_are_finished(
    space: GenomeSpace | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = evolving(InMemoryStorage(), space)
    calls = count_calls(study._storage, monkeypatch)
    spent = []
    for _ in range(6):
        calls.clear()
        study.optimize(objective, n_trials=20)
        spent.append(dict(calls))
        assert calls["set_trial_system_attr"] <= 40  # a proposal and an age each
    del spent[0]  # the random ones
    for calls_of_20 in spent:
        assert calls_of_20["get_all_trials"] == spent[0]["get_all_trials"] == 20  # Optuna's own
        assert calls_of_20["get_trial_id_from_study_id_trial_number"] <= 40  # two looks each


def count_statements(storage: RDBStorage) -> Counter[str]:
    """Count the statements that a database has to answer from now on, by their first word."""
    statements: Counter[str] = Counter()

    @sqlalchemy.event.listens_for(storage.engine, "before_cursor_execute")
    def count(_: object, __: object, statement: str, *___: object) -> None:
        statements[statement.split()[0]] += 1

    return statements


def test_a_trial_costs_a_database_little(tmp_path: Path) -> None:
    storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    statements = count_statements(storage)
    study = evolving(storage, None)
    study.optimize(lambda trial: trial.suggest_int("x", 0, 9), n_trials=8)
    per_trial = []
    for sampler in (study.sampler, study.sampler, optuna.samplers.RandomSampler(seed=0)):
        study.sampler = sampler
        statements.clear()
        trial = study.ask()
        trial.suggest_int("x", 0, 9)
        study.tell(trial, 0.0)
        per_trial.append(dict(statements))
    ours, again, without = per_trial
    assert ours == again
    # Two attributes, each of which looks at its trial first, and two looks for newer trials.
    assert ours["INSERT"] == without["INSERT"] + 2
    assert ours["SELECT"] <= without["SELECT"] + 4


def test_forgotten_trials_are_read_together(tmp_path: Path) -> None:
    """Trials of killed workers run for ever: what they cost must not grow with their number."""
    storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    statements = count_statements(storage)
    study = evolving(storage, SPACE)
    spent = []
    for _ in range(3):
        for _ in range(5):
            study.ask()
        study.optimize(objective, n_trials=1)
        statements.clear()
        study.optimize(objective, n_trials=2)
        spent.append(statements.total())
    assert max(spent) <= min(spent) + 4  # a longer genome has more parameters
