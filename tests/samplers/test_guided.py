"""Plain evolution led by a guide that is watched, seen from a study's history."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from math import log10
from pathlib import Path
import pickle
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import optuna
from optuna import Study
from optuna import Trial
from optuna.distributions import BaseDistribution
from optuna.distributions import FloatDistribution
from optuna.storages import InMemoryStorage
from optuna.storages import RDBStorage
from optuna.trial import create_trial
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import GuidedEvolutionSampler
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.genome import get_mutation
from optuna_xmcnas.guides import Child
from optuna_xmcnas.guides import Evidence
from optuna_xmcnas.guides import GaussianProcessGuide
from optuna_xmcnas.guides import Guide
from optuna_xmcnas.guides import Opinion
from optuna_xmcnas.samplers import base
from optuna_xmcnas.samplers import Proposal
from optuna_xmcnas.samplers.storage import write_trial_attr


PROPOSAL = "RegularizedEvolutionSampler:proposal"
ENDED = "xmcnas:ended"
INF = float("inf")
SPACE = GenomeSpace(ops=("conv3", "maxpool3", "bigru", "bilstm"), max_layers=4)
TINY = GenomeSpace(ops=("conv3", "bilstm"), min_layers=1, max_layers=2)  # 10 genomes, 9 trees
NEVER = 10**9
FEWEST = 4  # results before a guide forms an opinion


def guided(**more: Any) -> GuidedEvolutionSampler:
    return GuidedEvolutionSampler(
        **{"space": SPACE, "population_size": 5, "sample_size": 3, "seed": 0, **more}
    )


def plain(**more: Any) -> RegularizedEvolutionSampler:
    return RegularizedEvolutionSampler(
        **{"space": SPACE, "population_size": 5, "sample_size": 3, "seed": 0, **more}
    )


def worth(genome: Genome) -> float:
    """Return something easy to learn: recurrent nodes are good, and so are long chains."""
    ops = sum(SPACE.ops.index(node.op) for node in genome.nodes)
    return float(ops + sum(node.source == i for i, node in enumerate(genome.nodes)))


BEST = 4 * 3 + 4  # four nodes of the last op, each reading the one before


def objective(trial: Trial) -> float:
    return worth(SPACE.suggest(trial))


def mixture(trial: Trial) -> float:
    """Score parameters of all kinds."""
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    width = trial.suggest_int("width", 1, 64, log=True)
    layers = trial.suggest_int("layers", 2, 10, step=2)
    rate = trial.suggest_float("rate", 1e-4, 1.0, log=True)
    share = trial.suggest_float("share", 0.0, 1.0, step=0.1)
    constant = trial.suggest_int("constant", 7, 7)
    return float(kind == "b") + width / 64 + layers / 10 - rate - (share - 0.3) ** 2 + constant


def run(
    score: Callable[[Trial], Any],
    sampler: optuna.samplers.BaseSampler,
    n_trials: int,
    **more: Any,
) -> Study:
    study = optuna.create_study(sampler=sampler, **{"direction": "maximize", **more})
    study.optimize(score, n_trials=n_trials, catch=(MemoryError,))
    return study


def proposal_of(trial: FrozenTrial) -> Proposal:
    found = GuidedEvolutionSampler.proposal_of(trial)
    assert found is not None
    return found


def asked(study: Study) -> Proposal:
    """Begin a trial of a space and return what is proposed for it."""
    trial = study.ask()
    return proposal_of(study._storage.get_trial(trial._trial_id))


def next_proposal(study: Study, sampler: optuna.samplers.BaseSampler) -> Proposal:
    """Return what a sampler that knows only the storage's contents would propose now."""
    copy = optuna.create_study(directions=study.directions)
    copy.add_trials(study.get_trials())
    copy.sampler = sampler
    trial = copy.ask()
    SPACE.suggest(trial)  # without a space it is proposed now
    return proposal_of(copy.trials[-1])


def bare(proposal: Proposal | None) -> tuple[object, ...] | None:
    """Return a proposal without what a guide adds to it."""
    if proposal is None:
        return None
    return proposal.params, proposal.parent, proposal.mutation, proposal.attempt


class Known:
    """A guide that knows what genomes are worth, and can be made to lie or to rave."""

    def __init__(self, sign: Callable[[Evidence], int] = lambda _: 1) -> None:
        self._choose_sign = sign
        self._sign = 1

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Known:
        self._sign = self._choose_sign(evidence)
        rng.random()  # which is no draw of plain evolution's
        return self

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        genomes = (child.genome for child in children)
        return np.array([self._sign * worth(g) if g is not None else 0.0 for g in genomes])

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        return self.merit(children)


class Witness:
    """A guide that remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Evidence] = []
        self._guide = GaussianProcessGuide()

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Opinion:
        self.shown.append(evidence)
        return self._guide.fit(evidence, rng)


# Plain evolution, while the guide does not lead.


@pytest.mark.parametrize(
    ("space", "score"), [(SPACE, objective), (None, objective), (None, mixture)]
)
def test_a_guide_that_never_leads_leaves_plain_evolution(
    space: GenomeSpace | None, score: Callable[[Trial], float]
) -> None:
    one = run(score, guided(space=space, n_startup_trials=NEVER), 30).trials
    other = run(score, plain(space=space), 30).trials
    assert [trial.params for trial in one] == [trial.params for trial in other]
    of = GuidedEvolutionSampler.proposal_of
    assert [bare(of(trial)) for trial in one] == [bare(of(trial)) for trial in other]
    assert not any(proposal_of(trial).guided for trial in one[1:])
    assert all(proposal_of(trial).expected is not None for trial in one[FEWEST + 1 :])


def test_no_guide_has_an_opinion_before_four_results() -> None:
    study = run(objective, guided(n_startup_trials=0), 8)
    has_one = [proposal_of(trial).expected is not None for trial in study.trials]
    assert has_one == [False] * FEWEST + [True] * 4
    assert [proposal_of(trial).guided for trial in study.trials] == has_one


@pytest.mark.parametrize(
    ("settings", "first"),
    [
        ({"n_startup_trials": 7}, 7),
        ({"population_size": 6}, 6),
        ({"population_size": 30}, 10),
        ({"population_size": 1, "sample_size": 1}, FEWEST),
    ],
)
def test_the_guide_leads_after_the_startup_trials(settings: dict[str, Any], first: int) -> None:
    study = run(objective, guided(**settings), 14)
    assert [proposal_of(t).guided for t in study.trials] == [i >= first for i in range(14)]


def test_trials_in_training_are_startup_trials_as_well() -> None:
    study = run(objective, guided(n_startup_trials=10), 5)
    flags = [asked(study).guided for _ in range(7)]
    assert flags == [False] * 5 + [True] * 2
    study = run(objective, guided(n_startup_trials=10), 3)
    assert not any(asked(study).guided for _ in range(12))


# The same trials, the same proposal.


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_the_same_seed_gives_the_same_search(space: GenomeSpace | None) -> None:
    one, other = (run(objective, guided(space=space, seed=3), 25) for _ in range(2))
    assert [t.params for t in one.trials] == [t.params for t in other.trials]
    different = run(objective, guided(space=space, seed=4), 25)
    assert [t.params for t in one.trials] != [t.params for t in different.trials]


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
@pytest.mark.parametrize("storage", ["memory", "sqlite"])
def test_an_interrupted_search_goes_on_as_if_it_had_not_been(
    space: GenomeSpace | None, storage: str, tmp_path: Path
) -> None:
    whole = run(objective, guided(space=space), 10)
    kept = InMemoryStorage()
    for n_trials in (3, 4, 3):
        study = optuna.create_study(
            study_name="s",
            storage=kept if storage == "memory" else RDBStorage(f"sqlite:///{tmp_path}/s.db"),
            load_if_exists=True,
            direction="maximize",
            sampler=guided(space=space),
        )
        study.optimize(objective, n_trials=n_trials)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]
    of = GuidedEvolutionSampler.proposal_of
    assert [of(t) for t in study.trials] == [of(t) for t in whole.trials]


def test_a_pickled_sampler_goes_on_in_the_same_way() -> None:
    whole = run(objective, guided(), 20)
    study = run(objective, guided(), 12)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    study.optimize(objective, n_trials=8)
    assert [proposal_of(t) for t in study.trials] == [proposal_of(t) for t in whole.trials]


def test_what_is_pickled_does_not_grow_with_the_search() -> None:
    sampler = guided()
    before = len(pickle.dumps(sampler))
    run(objective, sampler, 30)
    assert len(pickle.dumps(sampler)) < 2 * before


def test_another_process_proposes_the_same(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(
        study_name="s", storage=address, direction="maximize", sampler=guided()
    )
    study.add_trials(run(objective, guided(), 14).trials)
    code = f"""
import optuna
from optuna_xmcnas import GenomeSpace, GuidedEvolutionSampler
space = GenomeSpace(ops={SPACE.ops!r}, max_layers=4)
sampler = GuidedEvolutionSampler(space=space, population_size=5, sample_size=3, seed=0)
study = optuna.load_study(study_name="s", storage={address!r}, sampler=sampler)
study.ask()
"""
    expected = next_proposal(study, guided())
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)
    assert proposal_of(study.trials[-1]) == expected
    assert expected.guided


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_the_order_in_which_trials_were_read_does_not_matter(space: GenomeSpace | None) -> None:
    """One sampler has followed all along while others ended in any order; another one has not."""
    study = optuna.create_study(direction="maximize", sampler=guided(space=space))
    rng = np.random.default_rng(0)
    running: list[Trial] = []
    n_compared = 0
    for _ in range(30):
        expected = next_proposal(study, guided(space=space)) if len(study.trials) > 12 else None
        trial = study.ask()
        SPACE.suggest(trial)
        running.append(trial)
        if expected is not None:
            assert proposal_of(study.trials[-1]) == expected
            n_compared += expected.guided
        if len(running) == 4:
            ended = running.pop(int(rng.integers(4)))
            study.tell(ended, worth(SPACE.from_params(ended.params)))
    assert n_compared > 10


# It is worth it.


def n_trials_to_the_best(sampler: optuna.samplers.BaseSampler) -> int:
    study = optuna.create_study(direction="maximize", sampler=sampler)

    def stop(study: Study, trial: FrozenTrial) -> None:
        if trial.value == BEST:
            study.stop()

    study.optimize(objective, n_trials=150, callbacks=[stop])
    return len(study.trials)


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_it_finds_the_best_sooner_than_plain_evolution(space: GenomeSpace | None) -> None:
    settings: dict[str, Any] = {"space": space, "population_size": 10, "sample_size": 5}
    led = [n_trials_to_the_best(guided(**settings, seed=seed)) for seed in range(5)]
    alone = [n_trials_to_the_best(plain(**settings, seed=seed)) for seed in range(5)]
    assert sum(led) < 0.6 * sum(alone)


def test_a_right_prior_mean_leads_at_once_and_a_wrong_one_does_no_harm() -> None:
    def believed(children: Sequence[Child]) -> np.ndarray:
        return np.array([worth(child.genome) for child in children if child.genome is not None])

    def found(prior_mean: Any) -> float:
        guide = GaussianProcessGuide(prior_mean=prior_mean)
        studies = [
            run(objective, guided(seed=seed, n_startup_trials=5, guide=guide), 8)
            for seed in range(6)
        ]
        return float(np.mean([t.value for study in studies for t in study.trials[5:]]))

    without = found(None)
    assert found(believed) > without + 2
    assert found(lambda children: -believed(children)) > without - 1


# Duplicates.


def test_nobody_is_trained_twice_while_others_are_left() -> None:
    study = run(objective, guided(), 60)
    hashes = [canonical_hash(SPACE.from_params(trial.params)) for trial in study.trials]
    assert len(set(hashes)) == 60
    assert [proposal_of(trial).identity for trial in study.trials] == hashes


def test_many_trials_that_run_at_once_are_all_different() -> None:
    study = run(objective, guided(), 8)
    identities = [proposal_of(trial).identity for trial in study.trials]
    identities += [asked(study).identity for _ in range(30)]
    assert len(set(identities)) == 38
    assert all(proposal_of(trial).guided for trial in study.trials[8:])


def test_children_in_training_are_shown_to_the_guide() -> None:
    witness = Witness()
    study = run(objective, guided(guide=witness), 6)
    running = [asked(study).identity for _ in range(3)]
    asked(study)
    assert [child.identity for child in witness.shown[-1].running] == running
    assert not witness.shown[0].running


def test_an_exhausted_space_still_gives_answers() -> None:
    study = run(lambda trial: TINY.suggest(trial).n_layers, guided(space=TINY), 14)
    hashes = [canonical_hash(TINY.from_params(trial.params)) for trial in study.trials]
    assert len(set(hashes[:9])) == len(set(hashes)) == 9


def test_a_space_of_one_genome_can_be_searched() -> None:
    space = GenomeSpace(ops=("conv3",), min_layers=1, max_layers=1)
    study = run(lambda trial: space.suggest(trial).n_layers, guided(space=space), 7)
    assert [trial.params for trial in study.trials] == [{}] * 7


def test_parameters_are_not_tried_twice() -> None:
    def score(trial: Trial) -> float:
        return float(trial.suggest_int("x", 0, 7) + trial.suggest_categorical("y", [0, 1, 2]))

    study = run(score, guided(space=None), 24)  # all there is
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 24


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_duplicates_are_seen_where_a_wrapper_fixes_a_parameter() -> None:
    def score(trial: Trial) -> float:
        return float(sum(trial.suggest_int(name, 0, 9) for name in ("fixed", "x", "y")))

    sampler = optuna.samplers.PartialFixedSampler({"fixed": 3}, guided(space=None))
    study = run(score, sampler, 40)
    assert len({tuple(sorted(trial.params.items())) for trial in study.trials}) >= 36


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_two_workers_that_write_the_same_proposal_at_once_step_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both have chosen before either writes; both see what was written before either goes on."""
    study = run(objective, guided(), 12)
    studies = [
        optuna.load_study(study_name=study.study_name, storage=study._storage, sampler=guided())
        for _ in range(2)
    ]
    meeting = threading.Barrier(2, timeout=60)
    first: dict[int, list[str]] = {12: [], 13: []}

    def write_together(study: Study, trial: FrozenTrial, key: str, value: Any) -> None:
        meets = len(first[trial.number]) < 2
        first[trial.number].append(value["identity"])
        if meets:
            meeting.wait()
        write_trial_attr(study, trial, key, value)
        if meets:
            meeting.wait()

    monkeypatch.setattr(base, "write_trial_attr", write_together)
    trials: list[FrozenTrial] = []
    for each in studies:  # both trials exist before either sampler is asked
        trial_id = each._storage.create_new_trial(each._study_id)
        trials.append(each._storage.get_trial(trial_id))
    threads = [
        threading.Thread(target=each.sampler.before_trial, args=(each, trial))
        for each, trial in zip(studies, trials, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert first[12][0] == first[13][0]  # or there was nothing to step aside for
    assert first[12][1] != first[13][1]  # not in the same direction
    one, other = (proposal_of(trial) for trial in study.trials[12:])
    assert one.guided
    assert other.guided
    assert one.identity != other.identity


# The guard.


def flags_of(study: Study) -> list[bool]:
    return [proposal_of(trial).guided for trial in study.trials]


def test_an_inverted_guide_is_switched_off_after_twelve_predictions() -> None:
    guide = Known(lambda _: -1)
    study = run(objective, guided(n_startup_trials=0, guide=guide), 30)
    assert flags_of(study) == [False] * 4 + [True] * 12 + [False] * 14


def test_without_its_guide_it_draws_as_plain_evolution_would() -> None:
    guide = Known(lambda _: -1)
    study = run(objective, guided(n_startup_trials=0, guide=guide), 16)
    for _ in range(8):
        expected = next_proposal(study, plain())
        study.optimize(objective, n_trials=1)
        found = proposal_of(study.trials[-1])
        assert not found.guided
        assert found.expected == -worth(SPACE.from_params(found.params))
        assert bare(found) == bare(expected)


def test_a_guide_comes_back_when_it_is_right_again_whoever_asks() -> None:
    guide = Known(lambda evidence: -1 if evidence.evaluated[-1].number < 17 else 1)
    settings = {"n_startup_trials": 0, "guide": guide}
    study = run(objective, guided(**settings), 17)
    for _ in range(40):
        expected = next_proposal(study, guided(**settings))  # another object decides the same
        study.optimize(objective, n_trials=1)
        assert proposal_of(study.trials[-1]) == expected
    flags = flags_of(study)
    assert flags[4:16] == [True] * 12
    assert flags[16:22] == [False] * 6
    assert flags[-5:] == [True] * 5


def test_a_right_guide_is_not_switched_off() -> None:
    assert all(flags_of(run(objective, guided(), 40))[5:])


# A user's own guide.


class Nearest:
    """Believes that a child is as good as the one it is most like."""

    def __init__(self) -> None:
        self._seen = np.zeros((0, 0))
        self._merits = np.zeros(0)

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Nearest:
        opinion = Nearest()
        opinion._seen = np.stack([one.child.features for one in evidence.evaluated])
        opinion._merits = np.array([one.merit for one in evidence.evaluated])
        return opinion

    def merit(self, children: Sequence[Child]) -> np.ndarray:
        asked = np.stack([child.features for child in children])
        distances = ((asked[:, None] - self._seen[None]) ** 2).sum(axis=2)
        return np.asarray(self._merits[distances.argmin(axis=1)])

    def promise(self, children: Sequence[Child]) -> np.ndarray:
        return self.merit(children)


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_a_guide_of_ones_own_is_used(space: GenomeSpace | None) -> None:
    led = [run(objective, guided(space=space, guide=Nearest(), seed=s), 25) for s in range(3)]
    by_chance = [
        run(objective, plain(space=space, population_size=99, seed=s), 25) for s in range(3)
    ]
    for study in led:
        assert any(proposal_of(trial).guided for trial in study.trials[5:])
        assert all(trial.state == TrialState.COMPLETE for trial in study.trials)
    best, best_by_chance = (np.mean([s.best_value for s in some]) for some in (led, by_chance))
    assert best > best_by_chance


class Wrong:
    """A guide one of whose answers is spoilt."""

    def __init__(self, method: str, spoil: Callable[[np.ndarray], Any]) -> None:
        self._method = method
        self._spoil = spoil

    def fit(self, evidence: Evidence, rng: np.random.Generator) -> Wrong:
        return self

    def merit(self, children: Sequence[Child]) -> Any:
        answer = np.arange(len(children), dtype=float)
        return self._spoil(answer) if self._method == "merit" else answer

    def promise(self, children: Sequence[Child]) -> Any:
        answer = np.arange(len(children), dtype=float)
        return self._spoil(answer) if self._method == "promise" else answer


@pytest.mark.parametrize(
    ("method", "n_startup_trials"), [("merit", 0), ("promise", 0), ("merit", NEVER)]
)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer[:, None],
        lambda answer: answer[:-1],
        lambda answer: 0.5,
        lambda answer: answer * np.nan,
    ],
    ids=["a column", "too few", "one number", "NaN"],
)
def test_a_wrong_answer_is_refused(
    spoil: Callable[[np.ndarray], Any], method: str, n_startup_trials: int
) -> None:
    sampler = guided(guide=Wrong(method, spoil), n_startup_trials=n_startup_trials)
    with pytest.raises(ValueError, match=rf"Wrong\.{method} must return one number per child"):
        run(objective, sampler, FEWEST + 2)


def test_an_answer_may_be_a_list() -> None:
    for method in ("merit", "promise"):
        study = run(objective, guided(guide=Wrong(method, list)), 8)
        assert len(study.trials) == 8


@pytest.mark.parametrize("guide", ["gp", object(), Known().merit, GaussianProcessGuide, Nearest])
def test_what_is_no_guide_is_refused(guide: Any) -> None:
    with pytest.raises(
        ValueError,
        match=r"`guide` must (have a method `fit\(evidence, rng\)`|be an object, not the class)",
    ):
        guided(guide=guide)


def test_the_most_promising_unseen_neighbour_is_proposed() -> None:
    study = run(objective, guided(guide=Known()), 30)
    genomes = [SPACE.from_params(trial.params) for trial in study.trials]
    led = [i for i, is_guided in enumerate(flags_of(study)) if is_guided]
    assert len(led) >= 12
    for i in led:
        genome = genomes[i]
        tried = {canonical_hash(other) for other in genomes[:i]}
        best = max(genomes[:i], key=worth)
        neighbours = get_mutation("swap_op").neighbours(best, SPACE)
        left = [worth(other) for other in neighbours if canonical_hash(other) not in tried]
        assert worth(genome) >= max(left, default=0)


def test_a_negative_number_of_startup_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="`n_startup_trials` must not be negative; got -1"):
        guided(n_startup_trials=-1)


def test_a_guide_that_is_right_may_be_sure_of_itself() -> None:
    class Sure(Known):
        def merit(self, children: Sequence[Child]) -> np.ndarray:
            return np.where(super().merit(children) > 6, INF, -INF)

    study = run(objective, guided(guide=Sure()), 20)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


# Objectives.


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_minimising_mirrors_maximising(space: GenomeSpace | None) -> None:
    one = run(objective, guided(space=space), 25)
    other = run(lambda trial: -objective(trial), guided(space=space), 25, direction="minimize")
    of = GuidedEvolutionSampler.proposal_of
    assert [of(trial) for trial in one.trials] == [of(trial) for trial in other.trials]


def test_with_two_objectives_it_looks_near_the_front() -> None:
    def score(trial: Trial) -> tuple[float, float]:
        genome = SPACE.suggest(trial)
        return worth(genome), float(genome.n_layers)

    def n_better(trial: FrozenTrial) -> int:
        good, deep = trial.values
        pairs = [tuple(other.values) for other in by_chance.trials]
        return sum(g >= good and d <= deep and (g, d) != (good, deep) for g, d in pairs)

    directions = {"direction": None, "directions": ["maximize", "minimize"]}
    by_chance = run(score, optuna.samplers.RandomSampler(seed=0), 40, **directions)
    study = run(score, guided(), 40, **directions)
    assert all(proposal_of(trial).guided for trial in study.trials[5:])
    late = np.mean([n_better(trial) for trial in study.trials[10:]])
    assert late < 0.5 * np.mean([n_better(trial) for trial in by_chance.trials])
    assert {layers for _, layers in (t.values for t in study.best_trials)} == {2, 3, 4}


def test_infinite_values_do_not_break_it() -> None:
    values = [INF, -INF, 1.0, 2.0, INF]

    def score(trial: Trial) -> float:
        return objective(trial) + values[trial.number % 5]

    study = run(score, guided(), 25)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)


def test_equal_values_do_not_break_it() -> None:
    study = run(lambda trial: 0 * objective(trial), guided(n_startup_trials=0), 20)
    assert len({proposal_of(trial).identity for trial in study.trials}) == 20


# Failures.


@pytest.mark.parametrize("bad", ["maxpool3", "bilstm"])  # one without and one with a promise
def test_children_that_fail_make_their_likes_less_likely(bad: str) -> None:
    space = GenomeSpace(ops=SPACE.ops, max_layers=6)

    def n_failed(*, by_own_fault: bool) -> int:
        def score(trial: Trial) -> float:
            genome = space.suggest(trial)
            if any(node.op == bad for node in genome.nodes):
                if not by_own_fault:
                    trial.storage.set_trial_system_attr(trial._trial_id, ENDED, "worker lost")
                raise MemoryError
            return worth(genome)

        studies = [run(score, guided(space=space, seed=seed), 40) for seed in range(3)]
        trials = [trial for study in studies for trial in study.trials[10:]]
        return sum(trial.state == TrialState.FAIL for trial in trials)

    assert n_failed(by_own_fault=True) < 0.8 * n_failed(by_own_fault=False)


def test_what_a_worker_lost_teaches_nothing_and_what_failed_by_itself_does() -> None:
    witness = Witness()
    study = run(objective, guided(guide=witness), 6)
    ended = []
    for reason in ("worker lost", None):
        trial = study.ask()
        if reason is not None:
            study._storage.set_trial_system_attr(trial._trial_id, ENDED, reason)
        study.tell(trial, state=TrialState.FAIL)
        ended.append(proposal_of(study.trials[-1]).identity)
    asked(study)
    assert [child.identity for child in witness.shown[-1].failed] == ended[1:]
    assert len(witness.shown[-1].evaluated) == 6
    assert not witness.shown[-1].running


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
def test_pruned_children_count_as_poor_and_do_not_come_again(space: GenomeSpace | None) -> None:
    def score(trial: Trial) -> float:
        genome = SPACE.suggest(trial)
        if trial.number % 3 == 2:
            trial.report(1e9, 0)
            raise optuna.TrialPruned
        return worth(genome)

    witness = Witness()
    study = run(score, guided(space=space, guide=witness), 40)
    assert len({str(sorted(trial.params.items())) for trial in study.trials[1:]}) == 39
    evaluated = witness.shown[-1].evaluated
    pruned = [one for one in evaluated if one.number % 3 == 2]
    assert len(pruned) == 13
    assert all(one.merit == -0.67 and one.values == () for one in pruned)


# Other people's trials.


@pytest.mark.parametrize("space", [SPACE, None], ids=["genomes", "parameters"])
@pytest.mark.parametrize(
    "state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING]
)
@pytest.mark.parametrize(
    "record",
    [
        None,
        "half-writ",
        {"format": 99, "params": {"n_layers": 2}, "identity": "1"},
        {"format": 1, "params": {}, "identity": "1"},
        {"format": 1, "params": {"n_layers": 99, "op_1": "lstm"}, "identity": "1"},
        {"format": 1, "params": {"n_layers": 2, "op_1": [1], "op_2": {}}, "identity": "1"},
        {"format": 1, "params": {"x": 1}, "identity": "1", "expected": "much", "guided": "yes"},
        {"format": 1, "params": {"x": 1}, "identity": "1", "expected": float("nan")},
    ],
)
def test_strange_trials_do_not_break_it(
    record: Any, state: TrialState, space: GenomeSpace | None
) -> None:
    study = run(objective, guided(space=space), 7)
    for number in range(3):
        params: dict[str, Any] = {"foreign": 0.5} if number else {}
        distributions: dict[str, BaseDistribution] = {"foreign": FloatDistribution(0, 1)}
        trial = create_trial(
            state=state,
            params=params,
            distributions={name: distributions[name] for name in params},
            value=[INF, -INF, 1.0][number] if state == TrialState.COMPLETE else None,
            system_attrs={PROPOSAL: record},
        )
        study._storage.create_new_trial(study._study_id, template_trial=trial)
    study.optimize(objective, n_trials=8)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials[10:])
    assert any(proposal_of(trial).guided for trial in study.trials[10:])


def test_trials_added_from_elsewhere_teach() -> None:
    witness = Witness()
    source = run(objective, optuna.samplers.RandomSampler(seed=0), 12)
    study = optuna.create_study(direction="maximize", sampler=guided(guide=witness))
    study.add_trials(source.trials)
    proposal = asked(study)
    assert proposal.guided
    assert [one.number for one in witness.shown[-1].evaluated] == list(range(12))
    assert [one.values for one in witness.shown[-1].evaluated] == [
        (trial.value,) for trial in source.trials
    ]


def test_enqueued_trials_are_used_as_given_and_teach() -> None:
    witness = Witness()
    study = run(objective, guided(guide=witness), 8)
    genome = SPACE.random(np.random.default_rng(123))
    SPACE.enqueue(study, genome)
    study.enqueue_trial({"n_layers": 4})
    study.optimize(objective, n_trials=2)
    given, partly = study.trials[8:]
    assert SPACE.from_params(given.params) == genome
    assert partly.params["n_layers"] == 4
    for trial in (given, partly):
        assert proposal_of(trial).mutation == "enqueued"
        assert proposal_of(trial).expected is None
        assert not proposal_of(trial).guided
    asked(study)
    shown = {one.number: one for one in witness.shown[-1].evaluated}
    assert shown[8].child.identity == canonical_hash(genome)
    assert shown[9].values == (partly.value,)


def test_it_shares_a_study_with_plain_evolution() -> None:
    study = optuna.create_study(direction="maximize")
    for number in range(24):
        study.sampler = guided() if number % 2 else plain()
        study.optimize(objective, n_trials=1)
    assert len({proposal_of(trial).identity for trial in study.trials}) == 24
    assert [t.number for t in study.trials if proposal_of(t).guided] == list(range(5, 24, 2))


# Any search space.


def conditional(trial: Trial) -> float:
    if trial.suggest_categorical("kind", ["short", "long"]) == "short":
        return trial.suggest_int("n", 0, 9)
    return trial.suggest_int("m", 0, 5) + trial.suggest_int("k", 0, 9)


def odd_choices(trial: Trial) -> float:
    first = trial.suggest_categorical("x", [None, 1, "1", 2.5, float("nan"), True])
    second = trial.suggest_categorical("y", [None, 1, "1", 2.5, float("nan"), True])
    return float(first == "1") + float(second is None)


def lists(trial: Trial) -> float:
    kernels: list[Any] = [[3], [3, 5], {"a": 1}]
    names = ("x", "y")
    return float(sum(len(trial.suggest_categorical(name, kernels)) for name in names))


def single(trial: Trial) -> float:
    return trial.suggest_int("n", 3, 3) + trial.suggest_float("x", 0.5, 0.5)


def growing(trial: Trial) -> float:
    names = [f"x_{i}" for i in range(1 + trial.number // 6)]
    return sum(trial.suggest_float(name, 0, 1) for name in names)


def coming_and_going(trial: Trial) -> float:
    return sum(trial.suggest_float(f"x_{i}", 0, 1) for i in range(trial.number % 4))


def shrinking(trial: Trial) -> float:
    high = 10 if trial.number < 10 else 4
    return trial.suggest_int("x", 0, high) + trial.suggest_float("y", 0, high)


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
@pytest.mark.parametrize(
    "score",
    [mixture, conditional, odd_choices, lists, single, growing, coming_and_going, shrinking],
)
def test_any_search_space_can_be_led(score: Callable[[Trial], float]) -> None:
    study = run(score, guided(space=None), 22)
    assert all(trial.state == TrialState.COMPLETE for trial in study.trials)
    found = [GuidedEvolutionSampler.proposal_of(trial) for trial in study.trials]
    n_guided = sum(proposal is not None and proposal.guided for proposal in found)
    assert n_guided == 0 if score is single else n_guided > 2


def test_the_proposal_is_what_is_evaluated() -> None:
    for trial in run(mixture, guided(space=None), 15).trials[1:]:
        assert proposal_of(trial).params == {n: v for n, v in trial.params.items() if v != 7}


def test_in_a_conditional_space_hardly_anything_is_tried_twice() -> None:
    study = run(conditional, guided(space=None), 35)
    assert len({tuple(trial.params.items()) for trial in study.trials}) >= 33


def test_numbers_are_searched_more_closely_than_by_chance() -> None:
    def score(trial: Trial) -> float:
        x = trial.suggest_float("x", -5, 5)
        rate = trial.suggest_float("rate", 1e-5, 1, log=True)
        return -((x - 1) ** 2) - (log10(rate) + 3) ** 2

    led = [run(score, guided(space=None, seed=seed), 25).best_value for seed in range(4)]
    by_chance = [
        run(score, plain(space=None, seed=seed, population_size=99), 25).best_value
        for seed in range(4)
    ]
    assert np.mean(led) > 0.5 * np.mean(by_chance)


def test_a_guide_is_told_what_a_genome_is_and_nothing_where_there_is_none() -> None:
    for space in (SPACE, None):
        witness = Witness()
        run(objective, guided(space=space, guide=witness), 8)
        assert isinstance(witness, Guide)
        for one in witness.shown[-1].evaluated:
            assert (one.child.genome is None) == (space is None)
            assert one.child.features.dtype == np.float32


def test_an_opinion_must_have_its_methods() -> None:
    class Silent:
        def fit(self, evidence: Evidence, rng: np.random.Generator) -> Any:
            return None

    with pytest.raises(ValueError, match=r"Silent.fit must return .* `merit` and `promise`; got"):
        run(objective, guided(guide=Silent()), 6)


@pytest.mark.parametrize("space", ["space", 5, GenomeSpace])
def test_a_space_must_be_one(space: Any) -> None:
    with pytest.raises(ValueError, match="`space` must be a GenomeSpace, or None; got"):
        GuidedEvolutionSampler(space=space)
