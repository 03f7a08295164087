"""Confirming a search: who is trained again, how often, and who wins."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import optuna
from optuna.trial import create_trial
from optuna.trial import TrialState
import pytest
from scipy.stats import t

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import Node
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.objective import train_genome
from optuna_xmcnas.samplers.storage import ENDED_KEY
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import PatientStorage
from optuna_xmcnas.study import read_record
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.workflows import confirm
from optuna_xmcnas.workflows import Confirmation
from optuna_xmcnas.workflows import Confirmed
from optuna_xmcnas.workflows import Contender
from optuna_xmcnas.workflows import open_session
from optuna_xmcnas.workflows import search
from optuna_xmcnas.workflows import SearchObserver
from optuna_xmcnas.workflows import Session
from optuna_xmcnas.workflows import SilentObserver
from optuna_xmcnas.workflows.confirm import confirmed_of
from optuna_xmcnas.workflows.confirm import contenders
from optuna_xmcnas.workflows.repeats import RepeatSampler
from optuna_xmcnas.workflows.repeats import tries_by_network
from tests.workflows.tiny import TINY
from tests.workflows.tiny import tiny_texts


SPACE = GenomeSpace(ops=("conv1", "conv3", "maxpool3"), min_layers=1, max_layers=3)
GENOMES = (
    Genome((Node("conv1", 0),)),
    Genome((Node("conv3", 0),)),
    Genome((Node("conv1", 0), Node("conv3", 1))),
)


def _study(*tried: tuple[Genome, float | None]) -> optuna.Study:
    """Return a study with complete trials, and failed ones where there is no value."""
    study = optuna.create_study(direction="maximize")
    for genome, value in tried:
        params = SPACE.to_params(genome)
        known = SPACE.distributions()
        study.add_trial(
            create_trial(
                state=TrialState.FAIL if value is None else TrialState.COMPLETE,
                value=value,
                params=params,
                distributions={name: known[name] for name in params},
            )
        )
    return study


def test_contenders_are_different_networks_with_their_best_trials() -> None:
    same = Genome((Node("conv3", 0), Node("conv1", 0)))
    renumbered = Genome((Node("conv1", 0), Node("conv3", 0)))
    study = _study((same, 0.5), (GENOMES[0], 0.4), (renumbered, 0.6), (GENOMES[1], None))
    found = contenders(study, SPACE, 5)
    assert [(one.trial, one.searched) for one in found] == [(2, 0.6), (1, 0.4)]
    assert canonical_hash(found[0].genome) == canonical_hash(same)


def test_contenders_are_at_most_as_many_as_wanted() -> None:
    study = _study(*((genome, 0.1 * i) for i, genome in enumerate(GENOMES)))
    assert [one.trial for one in contenders(study, SPACE, 2)] == [2, 1]


def test_a_study_without_finished_children_cannot_be_confirmed() -> None:
    with pytest.raises(SearchFailedError, match="has no finished child"):
        contenders(_study((GENOMES[0], None)), SPACE, 5)


def test_repeats_go_round_whatever_happens() -> None:
    study = optuna.create_study(direction="maximize", sampler=RepeatSampler(SPACE, GENOMES))

    def objective(trial: optuna.Trial) -> float:
        genome = SPACE.suggest(trial)
        if genome == GENOMES[1]:
            raise RuntimeError("it cannot be trained")
        return 0.5

    study.optimize(objective, n_trials=9, catch=RuntimeError)
    tried = Counter(SPACE.from_params(trial.params) for trial in study.trials)
    assert tried == dict.fromkeys(GENOMES, 3)


def test_repeats_count_what_is_in_training_elsewhere() -> None:
    study = optuna.create_study(direction="maximize", sampler=RepeatSampler(SPACE, GENOMES))
    at_work = [SPACE.suggest(study.ask()) for _ in GENOMES]
    assert at_work == list(GENOMES)


def test_the_interval_is_students() -> None:
    contender = Contender(genome=GENOMES[0], trial=0, searched=0.9)
    one = Confirmed(contender=contender, values=(0.5, 0.6, 0.7))
    assert one.mean == pytest.approx(0.6)
    assert one.half_width == pytest.approx(t.ppf(0.975, 2) * 0.1 / 3**0.5)
    assert Confirmed(contender=contender, values=(0.5,)).half_width is None


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[PatientStorage, Path]:
    folder = tmp_path_factory.mktemp("search")
    storage = open_storage(f"sqlite:///{folder}/study.db")
    search(tiny_texts(), TINY, storage=storage, study_name="tiny", children_dir=folder)
    return storage, folder


def _session(storage: PatientStorage, folder: Path) -> Session:
    return open_session(
        tiny_texts(),
        TINY,
        storage=storage,
        study_name="tiny",
        children_dir=folder,
        vectors=None,
        observer=SilentObserver(),
    )


def _confirm(
    storage: PatientStorage,
    folder: Path,
    top: int,
    n_seeds: int,
    observer: SearchObserver | None = None,
) -> Confirmation:
    return confirm(
        _session(storage, folder),
        storage,
        top=top,
        n_seeds=n_seeds,
        children_dir=folder,
        interruption=Interruption(),
        observer=observer or SilentObserver(),
    )


def test_confirming_trains_each_network_with_fresh_seeds(
    searched: tuple[PatientStorage, Path],
) -> None:
    storage, folder = searched
    study = optuna.load_study(study_name="tiny", storage=storage)
    assert confirmed_of(study, storage, TINY.space) == ()
    found = _confirm(storage, folder, top=2, n_seeds=2)
    assert not found.is_interrupted
    assert [len(one.values) for one in found.confirmed] == [2, 2]
    assert found.confirmed[0].mean >= found.confirmed[1].mean
    assert confirmed_of(study, storage, TINY.space) == found.confirmed
    again = optuna.load_study(study_name="tiny-confirm", storage=storage)
    seeds = [record.seed for trial in again.trials if (record := read_record(trial))]
    of_search = {record.seed for trial in study.trials if (record := read_record(trial))}
    assert len(set(seeds)) == 4
    assert not of_search.intersection(seeds)
    assert len(study.trials) == TINY.n_trials  # the population of the search is as it was

    # once more: nothing is left to do; with more seeds, only those
    assert _confirm(storage, folder, top=2, n_seeds=2).confirmed == found.confirmed
    assert len(again.trials) == 4
    more = _confirm(storage, folder, top=2, n_seeds=3)
    assert [len(one.values) for one in more.confirmed] == [3, 3]
    assert len(again.trials) == 6

    # another network is trained as often as is wanted, whatever the others have had
    watcher = Mock(spec=SilentObserver)
    third = _confirm(storage, folder, top=3, n_seeds=2, observer=watcher)
    watcher.confirming_began.assert_called_once_with("tiny-confirm", 8)  # there were six
    assert sorted(len(one.values) for one in third.confirmed) == [2, 3, 3]
    assert len(again.trials) == 8


def test_a_network_that_cannot_be_trained_again_is_named_and_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/study.db")
    search(tiny_texts(), TINY, storage=storage, study_name="tiny", children_dir=tmp_path)
    study = optuna.load_study(study_name="tiny", storage=storage)
    bad = contenders(study, TINY.space, 3)[1].genome

    def train(genome: Genome, *arguments: object, **options: object) -> object:
        if genome == bad:
            raise ChildOutOfMemoryError("it does not fit")
        return train_genome(genome, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("optuna_xmcnas.objective.train_genome", train)
    found = _confirm(storage, tmp_path, top=3, n_seeds=2)
    assert [one.genome for one in found.failed] == [bad]
    assert sorted(len(one.values) for one in found.confirmed) in ([2, 2], [2, 3])


def test_what_has_few_trainings_is_not_taken_for_confirmed(
    searched: tuple[PatientStorage, Path],
) -> None:
    storage, folder = searched
    study = optuna.load_study(study_name="tiny", storage=storage)
    _confirm(storage, folder, top=1, n_seeds=5)
    (one,) = confirmed_of(study, storage, TINY.space)
    assert len(one.values) == 5


def test_repeats_give_up_a_network_that_takes_its_workers_with_it() -> None:
    study = optuna.create_study(direction="maximize")
    params, known = SPACE.to_params(GENOMES[0]), SPACE.distributions()
    for _ in range(4):
        study.add_trial(
            create_trial(
                state=TrialState.FAIL,
                params=params,
                distributions={name: known[name] for name in params},
                system_attrs={ENDED_KEY: Ended.LOST.to_record()},
            )
        )
    tried = tries_by_network(study.get_trials(), SPACE, retries=1)
    assert tried[canonical_hash(GENOMES[0])] == 2


def test_a_search_confirms_as_its_last_phase_and_judges_the_winner(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path}/study.db")
    outcome = search(
        tiny_texts(),
        replace(TINY, n_trials=3),
        storage=storage,
        study_name="tiny",
        children_dir=tmp_path,
        confirm_top=2,
        confirm_seeds=1,
        enqueue=[Genome((Node("maxpool3", 0), Node("maxpool3", 0)))],
    )
    assert outcome.confirmation is not None
    assert outcome.verdict is not None
    winner = outcome.confirmation.confirmed[0].contender
    assert outcome.verdict.trial == winner.trial
    assert TINY.space.from_params(outcome.study.trials[0].params).n_layers == 2
