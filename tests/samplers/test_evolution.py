"""Aging evolution as the paper and our additions to it have it, seen from a study's history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from itertools import count
from pathlib import Path
import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
from optuna import Study
from optuna import Trial
from optuna.distributions import BaseDistribution
from optuna.pruners import HyperbandPruner
from optuna.storages import BaseStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import Mutation
from optuna_xmcnas import Node
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.samplers import base
from optuna_xmcnas.samplers import Proposal
from optuna_xmcnas.samplers.storage import StudyView


AGE = "RegularizedEvolutionSampler:age"
PROPOSAL = "RegularizedEvolutionSampler:proposal"
SPACE = GenomeSpace(max_layers=4)
TINY = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=2)  # 10 genomes, 9 trees


def evolve(
    *,
    space: GenomeSpace | None = SPACE,
    population_size: int = 5,
    sample_size: int = 3,
    **more: Any,
) -> RegularizedEvolutionSampler:
    return RegularizedEvolutionSampler(
        space=space,
        population_size=population_size,
        sample_size=sample_size,
        **{"seed": 0, **more},
    )


def n_bilstm(trial: Trial) -> float:
    """Score a genome of SPACE: many nodes of one kind are good."""
    return float(sum(node.op == "bilstm" for node in SPACE.suggest(trial).nodes))


def mixture(trial: Trial) -> float:
    """Score parameters of all kinds."""
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    width = trial.suggest_int("width", 1, 64, log=True)
    rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
    share = trial.suggest_float("share", 0.0, 1.0)
    return float(kind == "b") + width / 64 - rate - (share - 0.3) ** 2


def proposal_of(trial: FrozenTrial) -> Proposal:
    found = RegularizedEvolutionSampler.proposal_of(trial)
    assert found is not None
    return found


def open_storage(kind: str, folder: Path) -> BaseStorage:
    if kind == "sqlite":
        return RDBStorage(f"sqlite:///{folder}/study.db")
    return JournalStorage(JournalFileBackend(f"{folder}/study.log"))


def stored(study: Study, trial: Trial) -> FrozenTrial:
    return study._storage.get_trial(trial._trial_id)


def proposals(study: Study) -> list[Proposal | None]:
    return [RegularizedEvolutionSampler.proposal_of(trial) for trial in study.trials]


# Filling.


def test_random_until_enough_trials_are_complete_whatever_is_running() -> None:
    study = optuna.create_study(sampler=evolve())
    running = [study.ask() for _ in range(12)]
    for trial in running[:4]:
        SPACE.suggest(trial)
        study.tell(trial, 1.0)
    assert proposal_of(stored(study, study.ask())).parent is None
    study.tell(running[4], state=TrialState.FAIL)
    study.tell(running[5], state=TrialState.PRUNED)
    assert proposal_of(stored(study, study.ask())).parent is None
    SPACE.suggest(running[6])
    study.tell(running[6], 1.0)
    assert proposal_of(stored(study, study.ask())).parent in {0, 1, 2, 3, 6}
    assert all(proposal_of(stored(study, trial)).parent is None for trial in running)


def test_random_genomes_differ_between_trials_and_seeds() -> None:
    first = [proposals(run(n_bilstm, evolve(seed=seed), 5)) for seed in (1, 2)]
    assert len({str(proposal) for history in first for proposal in history}) == 10


def run(
    objective: Callable[[Trial], Any],
    sampler: RegularizedEvolutionSampler,
    n_trials: int,
    **more: Any,
) -> Study:
    study = optuna.create_study(sampler=sampler, **{"direction": "maximize", **more})
    study.optimize(objective, n_trials=n_trials)
    return study


# Breeding.


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_each_parent_was_in_the_population_of_its_time(space: GenomeSpace | None) -> None:
    """Replay a history with four trials at a time, finished in any order, some of them badly."""
    study = optuna.create_study(sampler=evolve(space=space))
    rng = np.random.default_rng(0)
    running: list[Trial] = []
    completed: list[int] = []
    n_bred = 0
    for _ in range(120):
        if len(running) < 4:
            trial = study.ask()
            SPACE.suggest(trial)
            found = RegularizedEvolutionSampler.proposal_of(stored(study, trial))
            if len(completed) >= 5:
                assert found is not None
                assert found.parent in completed[-5:]
                n_bred += 1
            else:
                assert found is None or found.parent is None
            running.append(trial)
        trial = running.pop(int(rng.integers(len(running))))
        state = [*[TrialState.COMPLETE] * 4, TrialState.FAIL, TrialState.PRUNED][rng.integers(6)]
        if state == TrialState.COMPLETE:
            study.tell(trial, float(rng.random()))
            completed.append(trial.number)
        else:
            trial.report(-9.0, 0)  # it would be the best of all
            study.tell(trial, state=state)
    assert n_bred > 60


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_parents_are_the_best_of_a_sample_with_replacement(direction: str) -> None:
    """The parent's rank r among P is the least of S draws: P(rank >= r) = ((P - r) / P)^S."""
    n_trials, population_size, sample_size = 300, 6, 3
    values = np.random.default_rng(0).permutation(n_trials).astype(float)

    def objective(trial: Trial) -> float:
        SPACE.suggest(trial)
        return float(values[trial.number])

    sampler = evolve(population_size=population_size, sample_size=sample_size, max_attempts=1)
    study = run(objective, sampler, n_trials, direction=direction)
    ranks: Counter[int] = Counter()
    for trial in study.trials[population_size:]:
        population = range(trial.number - population_size, trial.number)
        best_first = sorted(population, key=lambda n: values[n], reverse=direction == "maximize")
        parent = proposal_of(trial).parent
        assert parent is not None
        ranks[best_first.index(parent)] += 1
    n_bred = n_trials - population_size
    for rank in range(population_size):
        share = ((6 - rank) ** 3 - (5 - rank) ** 3) / 6**3
        assert abs(ranks[rank] - n_bred * share) < 4 * (n_bred * share * (1 - share)) ** 0.5


def test_a_child_is_one_mutation_from_its_parent() -> None:
    study = run(n_bilstm, evolve(), 60)
    genomes = [SPACE.from_params(trial.params) for trial in study.trials]
    bred = [trial for trial in study.trials if proposal_of(trial).parent is not None]
    assert len(bred) == 55
    for trial in bred:
        proposal = proposal_of(trial)
        assert proposal.parent is not None
        assert proposal.mutation is not None
        mutation = get_mutation(proposal.mutation)
        neighbours = set(mutation.neighbours(genomes[proposal.parent], SPACE))
        assert genomes[trial.number] in neighbours
    kinds = Counter(proposal_of(trial).mutation for trial in bred)
    assert kinds.keys() == {"change_source", "swap_op", "add_layer"}


def test_a_child_has_one_parameter_changed() -> None:
    study = run(mixture, evolve(space=None), 40)
    for trial in study.trials[5:]:
        proposal = proposal_of(trial)
        assert proposal.parent is not None
        parent = study.trials[proposal.parent].params
        changed = [name for name in parent if parent[name] != trial.params[name]]
        assert [f"change {name}" for name in changed] == [proposal.mutation]


def test_the_proposal_is_what_is_evaluated() -> None:
    for space, objective in ((SPACE, n_bilstm), (None, mixture)):
        for trial in run(objective, evolve(space=space), 20).trials[1:]:
            assert proposal_of(trial).params == trial.params


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
def test_only_complete_trials_breed(state: TrialState) -> None:
    def objective(trial: Trial) -> float:
        SPACE.suggest(trial)
        if trial.number % 3 == 0:
            trial.report(100.0, 0)
            if state == TrialState.PRUNED:
                raise optuna.TrialPruned
            raise RuntimeError
        return float(trial.number % 7)

    study = optuna.create_study(direction="maximize", sampler=evolve())
    study.optimize(objective, n_trials=60, catch=(RuntimeError,))
    parents = {proposal_of(trial).parent for trial in study.trials} - {None}
    assert len(parents) > 5
    assert not any(parent % 3 == 0 for parent in parents if parent is not None)


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_evolution_finds_more_than_chance(space: GenomeSpace | None) -> None:
    def objective(trial: Trial) -> float:
        genome = SPACE.suggest(trial)
        return float(sum(SPACE.ops.index(node.op) for node in genome.nodes))

    by_chance = [
        run(objective, evolve(space=space, seed=s, population_size=99), 99).best_value
        for s in range(5)
    ]
    evolved = [
        run(objective, evolve(space=space, seed=s, population_size=10), 99).best_value
        for s in range(5)
    ]
    assert np.mean(evolved) > np.mean(by_chance) + 1


def test_several_objectives_breed_from_the_front() -> None:
    def objective(trial: Trial) -> tuple[float, float]:
        genome = SPACE.suggest(trial)
        return float(sum(node.source for node in genome.nodes)), float(genome.n_layers)

    sampler = evolve(population_size=6, sample_size=6)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=80)
    n_better = []  # for each parent: how many of the population dominated it
    for trial in study.trials[6:]:
        number = proposal_of(trial).parent
        assert number is not None
        reach, depth = study.trials[number].values
        others = [other.values for other in study.trials[trial.number - 6 : trial.number]]
        n_better.append(
            sum(r >= reach and d <= depth and (r, d) != (reach, depth) for r, d in others)
        )
    # Six draws of six miss the one that dominates in a third of the cases, most in few.
    assert np.mean(np.array(n_better) == 0) > 0.6
    assert {tuple(trial.values) for trial in study.best_trials} == {(1, 2), (3, 3), (6, 4)}


# Duplicates.


def test_no_genome_is_evaluated_twice() -> None:
    study = run(n_bilstm, evolve(), 100)
    hashes = [canonical_hash(SPACE.from_params(trial.params)) for trial in study.trials]
    assert len(set(hashes)) == 100
    assert [proposal_of(trial).identity for trial in study.trials] == hashes
    assert any(proposal_of(trial).attempt > 1 for trial in study.trials)


def test_running_trials_count_as_known() -> None:
    study = optuna.create_study(sampler=evolve())
    for trial in [study.ask() for _ in range(5)]:
        SPACE.suggest(trial)
        study.tell(trial, 0.0)
    running = [study.ask() for _ in range(60)]  # nothing is suggested yet
    identities = {proposal_of(stored(study, trial)).identity for trial in running}
    identities |= {proposal_of(trial).identity for trial in study.trials[:5]}
    assert len(identities) == 65


def test_an_exhausted_space_is_repeated_without_end() -> None:
    study = run(lambda trial: TINY.suggest(trial).n_layers, evolve(space=TINY), 40)
    hashes = [canonical_hash(TINY.from_params(trial.params)) for trial in study.trials]
    assert len(set(hashes)) == 9
    assert len(set(hashes[:8])) == 8
    assert max(proposal_of(trial).attempt for trial in study.trials) == 20 + 10 * 19


def test_a_space_of_one_genome_can_be_searched() -> None:
    space = GenomeSpace(ops=("conv3",), min_layers=1, max_layers=1)
    study = run(lambda trial: space.suggest(trial).n_layers, evolve(space=space), 12)
    assert [trial.params for trial in study.trials] == [{}] * 12


def test_duplicates_are_allowed_if_asked_for() -> None:
    study = run(lambda trial: TINY.suggest(trial).n_layers, evolve(space=TINY, max_attempts=1), 40)
    assert {proposal_of(trial).attempt for trial in study.trials} == {1}


def test_a_failed_genome_does_not_come_again_while_others_remain() -> None:
    def objective(trial: Trial) -> float:
        TINY.suggest(trial)
        raise RuntimeError

    study = optuna.create_study(sampler=evolve(space=TINY))
    study.optimize(objective, n_trials=6, catch=(RuntimeError,))
    assert len({proposal_of(trial).identity for trial in study.trials}) == 6
    study.optimize(objective, n_trials=34, catch=(RuntimeError,))  # more than there are genomes
    assert len(study.trials) == 40


def test_an_identity_mutation_repeats_its_parent_at_once() -> None:
    def objective(trial: Trial) -> float:
        return trial.suggest_float("rate", 0, 1) + n_bilstm(trial)  # a name that is not ours

    study = run(objective, evolve(mutations=["identity", "swap_op"]), 60)
    repeated = [t for t in study.trials if proposal_of(t).mutation == "identity"]
    assert 15 < len(repeated) < 50
    for trial in repeated:
        parent = proposal_of(trial).parent
        assert parent is not None
        assert proposal_of(trial).params.items() <= study.trials[parent].params.items()


@pytest.mark.parametrize("with_constant", [False, True])
def test_parameters_are_not_evaluated_twice(with_constant: bool) -> None:
    def objective(trial: Trial) -> float:
        constant = trial.suggest_int("constant", 3, 3) if with_constant else 3
        return constant + trial.suggest_int("x", 0, 9) + trial.suggest_int("y", 0, 9)

    study = run(objective, evolve(space=None, population_size=10), 50)
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 50


def test_conditional_parameters_are_seldom_evaluated_twice() -> None:
    # A mutant may take a branch that its parent did not take: 10 + 60 children, in two branches.
    def objective(trial: Trial) -> float:
        if trial.suggest_categorical("kind", ["short", "long"]) == "short":
            return trial.suggest_int("n", 0, 9)
        return trial.suggest_int("m", 0, 5) + trial.suggest_int("k", 0, 9)

    study = run(objective, evolve(space=None, population_size=10), 30)
    assert len({tuple(trial.params.items()) for trial in study.trials}) >= 29
    assert {len(trial.params) for trial in study.trials} == {2, 3}


# Enqueued and retried trials.


def test_a_proposal_is_written_when_a_trial_begins() -> None:
    study = optuna.create_study(sampler=evolve())
    trial = study.ask()
    genome = SPACE.from_params(proposal_of(stored(study, trial)).params)
    assert SPACE.suggest(trial) == genome


def test_the_proposal_stays_while_others_finish() -> None:
    study = run(n_bilstm, evolve(), 10)
    trial = study.ask()
    before = proposal_of(stored(study, trial))
    study.optimize(n_bilstm, n_trials=5)
    assert SPACE.suggest(trial) == SPACE.from_params(before.params)
    assert proposal_of(stored(study, trial)) == before


def test_a_copy_of_the_sampler_in_another_process_keeps_to_the_proposal() -> None:
    study = run(n_bilstm, evolve(seed=None), 10)
    trial = study.ask()
    before = proposal_of(stored(study, trial))
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    assert SPACE.suggest(trial) == SPACE.from_params(before.params)
    assert proposal_of(stored(study, trial)) == before


@pytest.mark.parametrize("n_suggested", [0, 1, 3])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_retried_trial_is_exactly_the_killed_one(n_suggested: int) -> None:
    study = run(n_bilstm, evolve(seed=None), 10)
    killed = study.ask()
    expected = SPACE.from_params(proposal_of(stored(study, killed)).params)
    for name in list(SPACE.to_params(expected))[:n_suggested]:
        distribution = SPACE.distributions()[name]
        killed._suggest(name, distribution)
    study.tell(killed, state=TrialState.FAIL)
    RetryHeartbeatStaleTrialCallback()(study, study.trials[killed.number])

    study.optimize(n_bilstm, n_trials=1)
    retried = study.trials[-1]
    assert retried.system_attrs["failed_trial"] == killed.number
    assert SPACE.from_params(retried.params) == expected
    assert proposal_of(retried) == proposal_of(study.trials[killed.number])


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_a_retried_trial_of_other_parameters_is_exactly_the_killed_one() -> None:
    study = run(mixture, evolve(space=None, seed=None), 10)
    killed = study.ask()
    killed.suggest_categorical("kind", ["a", "b", "c"])
    expected = proposal_of(stored(study, killed)).params
    study.tell(killed, state=TrialState.FAIL)
    RetryHeartbeatStaleTrialCallback()(study, study.trials[killed.number])
    study.optimize(mixture, n_trials=1)
    assert study.trials[-1].params == expected


def test_a_retried_trial_of_another_sampler_keeps_its_parameters() -> None:
    study = run(n_bilstm, evolve(), 10)
    distributions = {n: d for n, d in SPACE.distributions().items() if n in ("n_layers", "op_1")}
    params = {"n_layers": 4, "op_1": "conv7"}
    waiting = create_trial(state=TrialState.WAITING, params=params, distributions=distributions)
    study.add_trial(waiting)
    study.optimize(n_bilstm, n_trials=1)
    last = study.trials[-1]
    assert params.items() <= last.params.items()
    assert proposal_of(last).params == last.params


@pytest.mark.parametrize(
    "given", [{"n_layers": 4}, {"op_4": "bigru"}, {"source_3": 2, "op_1": "conv1"}]
)
def test_partly_enqueued_parameters_become_a_coherent_genome(given: dict[str, Any]) -> None:
    study = run(n_bilstm, evolve(), 10)
    for _ in range(5):
        study.enqueue_trial(given)
    study.optimize(n_bilstm, n_trials=5)
    for trial in study.trials[10:]:
        assert given.items() <= trial.params.items()
        assert proposal_of(trial).params == trial.params
        assert proposal_of(trial).mutation == "enqueued"
        assert proposal_of(trial).parent is None
    assert len({str(trial.params) for trial in study.trials[10:]}) > 1


def test_enqueued_parameters_of_any_space_are_evaluated() -> None:
    study = run(mixture, evolve(space=None), 10)
    study.enqueue_trial({"kind": "c", "width": 64})
    study.optimize(mixture, n_trials=1)
    assert {"kind": "c", "width": 64}.items() <= study.trials[-1].params.items()


def test_an_enqueued_genome_can_breed() -> None:
    study = optuna.create_study(sampler=evolve(population_size=3, sample_size=3))
    SPACE.enqueue(study, Genome((Node("bilstm", 0), Node("bilstm", 1))))
    study.optimize(lambda trial: -n_bilstm(trial), n_trials=30)
    assert 0 in {proposal_of(trial).parent for trial in study.trials}


# Age.


def scrambled_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each reading of the wall clock be off by up to a day, as with workers far apart."""
    rng = np.random.default_rng(0)

    def now(*_: object) -> datetime:
        return datetime(2024, 1, 1) + timedelta(hours=float(rng.uniform(-24, 24)))

    monkeypatch.setattr("optuna.storages._in_memory.datetime", SimpleNamespace(now=now))


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_wall_clocks_do_not_matter(
    space: GenomeSpace | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = proposals(run(n_bilstm, evolve(space=space), 40))
    scrambled_clock(monkeypatch)
    study = run(n_bilstm, evolve(space=space), 40)
    completed = [trial.datetime_complete for trial in study.trials]
    assert completed != sorted(completed, key=str)
    assert proposals(study) == expected


def test_the_logical_clock_counts_what_has_been_seen() -> None:
    study = optuna.create_study(sampler=evolve())
    trials = [study.ask() for _ in range(4)]
    for trial in trials:
        SPACE.suggest(trial)
    for trial in reversed(trials):
        study.tell(trial, 0.0)
    assert [trial.system_attrs[AGE] for trial in study.trials] == [4, 3, 2, 1]


def test_failed_and_pruned_trials_have_no_age() -> None:
    study = optuna.create_study(sampler=evolve())
    study.tell(study.ask(), state=TrialState.FAIL)
    study.tell(study.ask(), state=TrialState.PRUNED)
    assert all(AGE not in trial.system_attrs for trial in study.trials)


def test_trials_of_another_sampler_belong_to_the_population() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(n_bilstm, n_trials=5)
    study.sampler = evolve()
    study.optimize(n_bilstm, n_trials=5)
    parents = [proposal_of(trial).parent for trial in study.trials[5:]]
    assert parents[0] in range(5)
    assert None not in parents


# Repeatability.


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_the_same_seed_gives_the_same_search(space: GenomeSpace | None) -> None:
    one, other = (run(n_bilstm, evolve(space=space, seed=3), 30) for _ in range(2))
    assert [t.params for t in one.trials] == [t.params for t in other.trials]


def test_without_a_seed_each_search_is_another_one_even_with_one_sampler() -> None:
    sampler = evolve(seed=None)
    one, other = (run(n_bilstm, sampler, 5) for _ in range(2))
    assert [t.params for t in one.trials] != [t.params for t in other.trials]


@pytest.mark.parametrize("storage", ["sqlite", "journal"])
@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(
    space: GenomeSpace | None, storage: str, tmp_path: Path
) -> None:
    whole = run(n_bilstm, evolve(space=space, population_size=3), 12)
    for n_trials in (2, 4, 6):
        study = optuna.create_study(
            study_name="s",
            storage=open_storage(storage, tmp_path),
            load_if_exists=True,
            direction="maximize",
            sampler=evolve(space=space, population_size=3),
        )
        study.optimize(n_bilstm, n_trials=n_trials)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]
    assert proposals(study) == proposals(whole)


def test_a_pickled_sampler_goes_on_in_the_same_way() -> None:
    whole = run(n_bilstm, evolve(), 20)
    study = run(n_bilstm, evolve(), 10)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    study.optimize(n_bilstm, n_trials=10)
    assert proposals(study) == proposals(whole)


def test_one_sampler_may_serve_two_studies() -> None:
    shared = evolve()
    one, other = (optuna.create_study(sampler=shared, direction="maximize") for _ in range(2))
    for _ in range(20):
        one.optimize(n_bilstm, n_trials=1)
        other.optimize(n_bilstm, n_trials=1)
    assert proposals(one) == proposals(other) == proposals(run(n_bilstm, evolve(), 20))


def test_a_study_made_anew_in_the_place_of_a_deleted_one_starts_afresh(tmp_path: Path) -> None:
    storage = RDBStorage(f"sqlite:///{tmp_path}/study.db")
    sampler = evolve()
    ids = set()
    for _ in range(2):
        study = optuna.create_study(study_name="s", storage=storage, sampler=sampler)
        ids.add(study._study_id)
        study.ask()  # never told
        study.optimize(lambda trial: -n_bilstm(trial), n_trials=12)
        history = proposals(study)
        assert [p.parent for p in history[:6] if p is not None] == [None] * 6
        optuna.delete_study(study_name="s", storage=storage)
    assert len(ids) == 1


def test_threads_share_a_sampler() -> None:
    for space in (SPACE, None):
        study = optuna.create_study(sampler=evolve(space=space))
        study.optimize(n_bilstm, n_trials=80, n_jobs=4)
        assert all(trial.state == TrialState.COMPLETE for trial in study.trials)
        if space is not None:
            identities = [proposal_of(trial).identity for trial in study.trials]
            assert len(set(identities)) == 80


# Other people's studies.


@pytest.mark.parametrize(
    "record",
    [
        None,
        "half-writ",
        {"format": 0, "genome": "bilstm"},
        {"format": 1, "params": {"n_layers": 99}, "identity": "1"},
        {"format": 1, "params": {"n_layers": 2, "op_1": "lstm"}, "identity": "1"},
        {"format": 1, "params": {"x": [1]}, "identity": "1"},
    ],
)
def test_a_strange_proposal_is_replaced(record: Any) -> None:
    study = run(n_bilstm, evolve(), 6)
    study.add_trial(create_trial(state=TrialState.WAITING, system_attrs={PROPOSAL: record}))
    study.optimize(n_bilstm, n_trials=3)
    assert proposal_of(study.trials[6]).parent in range(6)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_a_strange_proposal_of_other_parameters_does_no_harm() -> None:
    study = run(mixture, evolve(space=None), 6)
    strange = {"format": 1, "params": {"kind": ["a"], "width": 0.5, "rate": "x"}, "identity": "1"}
    study.add_trial(create_trial(state=TrialState.WAITING, system_attrs={PROPOSAL: strange}))
    study.optimize(mixture, n_trials=3)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


@pytest.mark.parametrize("age", [None, "7", [], 1.5])
def test_a_strange_age_counts_as_none(age: Any) -> None:
    study = run(n_bilstm, evolve(), 3)
    for number in range(4):
        genome = Genome((Node("bilstm", 0), Node("conv3", number % 2)))
        study.add_trial(
            create_trial(
                params=SPACE.to_params(genome),
                distributions={n: SPACE.distributions()[n] for n in SPACE.to_params(genome)},
                value=9.0,
                system_attrs={AGE: age},
            )
        )
    study.optimize(n_bilstm, n_trials=5)
    assert proposal_of(study.trials[7]).parent in range(2, 7)
    assert [trial.system_attrs[AGE] for trial in study.trials[7:]] == [4, 5, 6, 7, 8]


def test_trials_of_another_space_are_left_out() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=10)
    study.sampler = evolve()
    study.optimize(n_bilstm, n_trials=10)
    assert [p.parent for p in proposals(study)[10:15] if p is not None] == [None] * 5
    assert all(p is not None and p.parent in range(10, 20) for p in proposals(study)[15:])


def test_neither_trials_nor_get_trials_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("this reads, and may copy, the whole study")

    monkeypatch.setattr(Study, "trials", property(refuse))
    monkeypatch.setattr(Study, "get_trials", refuse)
    for space in (SPACE, None):
        run(n_bilstm, evolve(space=space), 10)


def test_hyperband_hands_us_parts_of_a_study_and_we_see_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = count()
    monkeypatch.setattr(base, "StudyView", lambda **_: (next(made), StudyView(**_))[1])
    study = optuna.create_study(sampler=evolve(), pruner=HyperbandPruner(max_resource=3))
    study.optimize(n_bilstm, n_trials=20)
    assert next(made) == 1
    assert all(proposal_of(trial).parent is not None for trial in study.trials[5:])


def test_distributions_may_change_during_a_study() -> None:
    def objective(trial: Trial) -> float:
        high = 10 if trial.number < 10 else 4
        return trial.suggest_int("x", 0, high) + trial.suggest_float("y", 0, high)

    study = run(objective, evolve(space=None), 25)
    assert all(trial.params["x"] <= 4 for trial in study.trials[10:])


def test_parameters_may_come_and_go() -> None:
    def objective(trial: Trial) -> float:
        return sum(trial.suggest_float(f"x_{i}", 0, 1) for i in range(trial.number % 4))

    study = run(objective, evolve(space=None), 30)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_users_mutations_are_used() -> None:
    class Flat(Mutation):
        name = "flat"

        def moves(self, genome: Genome, space: GenomeSpace) -> dict[int, list[Genome]]:
            nodes = tuple(Node(node.op, 0) for node in genome.nodes)
            return {} if Genome(nodes) == genome else {0: [Genome(nodes)]}

    study = run(n_bilstm, evolve(mutations=[Flat(), "swap_op"]), 40)
    kinds = {proposal_of(trial).mutation for trial in study.trials}
    assert kinds == {None, "flat", "swap_op"}


def test_a_sampler_with_a_space_leaves_foreign_names_to_chance() -> None:
    distribution: BaseDistribution = optuna.distributions.FloatDistribution(0.0, 1.0)
    study = run(n_bilstm, evolve(), 6)
    trial = study.ask()
    answer = study.sampler.sample_relative(study, stored(study, trial), {"rate": distribution})
    assert 0 <= answer["rate"] <= 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"population_size": 0}, "`population_size` must be at least 1; got 0"),
        ({"sample_size": 0}, r"`sample_size` must be within 1\.\.population_size=5; got 0"),
        ({"sample_size": 6}, r"`sample_size` must be within 1\.\.population_size=5; got 6"),
        ({"max_attempts": 0}, "`max_attempts` must be at least 1; got 0"),
        ({"seed": -1}, "`seed` must not be negative; got -1"),
        ({"mutations": []}, "at least one mutation"),
        ({"mutations": ["swap_ops"]}, "no mutation is named 'swap_ops'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        evolve(**settings)


@pytest.mark.parametrize("value", [3.0, np.int64(3)])
def test_enqueued_numbers_of_another_type_are_understood(value: Any) -> None:
    study = optuna.create_study(sampler=evolve())
    study.enqueue_trial({"n_layers": value, "source_2": 1.0})
    study.optimize(n_bilstm, n_trials=1)
    genome = SPACE.from_params(study.trials[0].params)
    assert genome.n_layers == 3
    assert genome.nodes[1].source == 1


def test_a_single_value_asked_for_first_does_not_pass_for_an_enqueued_one() -> None:
    def objective(trial: Trial) -> float:
        trial.suggest_int("n", 1, 1 if trial.number % 2 else 5)
        return trial.suggest_float("x", 0, 1)

    study = optuna.create_study(sampler=evolve(space=None))
    study.optimize(objective, n_trials=30)
    mutations = [proposal_of(trial).mutation for trial in study.trials[20:]]
    assert "enqueued" not in mutations


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_duplicates_are_seen_where_a_wrapper_fixes_a_parameter() -> None:
    def objective(trial: Trial) -> float:
        values = [trial.suggest_int(name, 0, 9) for name in ("fixed", "x", "y")]
        return float(sum(values))

    sampler = optuna.samplers.PartialFixedSampler({"fixed": 3}, evolve(space=None))
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=60)
    distinct = {tuple(sorted(trial.params.items())) for trial in study.trials}
    assert len(distinct) >= 55
