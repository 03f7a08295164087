"""What holds for a study when its workers have ended, whatever happened to them on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence

from optuna import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import origin_number
from optuna_xmcnas.study import retry_of


AGE = "RegularizedEvolutionSampler:age"


def check(study: Study, n_trials: int, space: GenomeSpace, *, retries: int = 1) -> Counter[str]:
    """Raise AssertionError if a study is not whole; return how its trials ended.

    Args:
        study: Made by workers whose objective writes the user attribute ``genome``, in a space
            with many more genomes than trials.
        n_trials: The budget.
        space: Of the genomes.
        retries: As the workers had it.
    """
    trials = study.get_trials()
    broken = [
        *_wrong_counts(trials, n_trials),
        *_wrong_genomes(trials, space),
        *_wrong_parents(trials),
        *_wrong_retries(trials, retries),
        *_without_reason(trials),
    ]
    assert not broken, "\n".join(broken)
    return Counter(
        f"{trial.state.name.lower()} {ended_of(trial) or ''}".strip() for trial in trials
    )


def _wrong_counts(trials: Sequence[FrozenTrial], n_trials: int) -> Iterator[str]:
    if (numbers := [trial.number for trial in trials]) != list(range(len(trials))):
        yield f"the trials are numbered {numbers}"
    states = Counter(trial.state for trial in trials)
    if states[TrialState.COMPLETE] != n_trials:
        yield f"{states[TrialState.COMPLETE]} of {n_trials} trials are complete"
    for trial in trials:
        if not trial.state.is_finished():
            yield f"trial {trial.number} is {trial.state.name}"


def _wrong_genomes(trials: Sequence[FrozenTrial], space: GenomeSpace) -> Iterator[str]:
    first: dict[str, int] = {}
    for trial in _complete(trials):
        try:
            genome = space.from_params(trial.params)
        except InvalidGenomeError as error:
            yield f"the parameters of trial {trial.number} are no genome: {error}"
            continue
        if genome.to_json() != trial.user_attrs.get("genome"):
            yield f"trial {trial.number} trained another genome than its parameters say"
        proposal = RegularizedEvolutionSampler.proposal_of(trial)
        if proposal is None or proposal.identity != canonical_hash(genome):
            yield f"trial {trial.number} trained another genome than was proposed"
        other = first.setdefault(canonical_hash(genome), trial.number)
        if other != trial.number:
            yield f"trials {other} and {trial.number} trained the same genome"


def _wrong_parents(trials: Sequence[FrozenTrial]) -> Iterator[str]:
    ages = {trial.number: trial.system_attrs.get(AGE) for trial in _complete(trials)}
    for number, age in ages.items():
        if not isinstance(age, int) or not 1 <= age <= len(ages):
            yield f"trial {number} has the age {age}"
    for trial in trials:
        proposal = RegularizedEvolutionSampler.proposal_of(trial)
        parent = None if proposal is None else proposal.parent
        if parent is None:
            continue
        if parent not in ages:
            yield f"trial {trial.number} has the parent {parent}, which is not complete"
        elif trial.number in ages and not ages[parent] < ages[trial.number]:  # type: ignore[operator]  # integers, or told above
            yield f"trial {trial.number} began before its parent {parent} was complete"


def _wrong_retries(trials: Sequence[FrozenTrial], retries: int) -> Iterator[str]:
    continued: dict[int, int] = {}
    for trial in trials:
        retry = retry_of(trial)
        lost = ended_of(trial) is Ended.LOST
        if (retry.losses if retry else 0) + lost > retries + 1:
            yield f"trial {trial.number} is lost once more than {retries} retries allow"
        if retry is None:
            continue
        if not retry.origin <= retry.of < trial.number:
            yield f"trial {trial.number} goes on with trial {retry.of}, from {retry.origin}"
            continue
        before = trials[retry.of]
        if ended_of(before) not in (Ended.LOST, Ended.INTERRUPTED):
            yield f"trial {trial.number} goes on with trial {retry.of}, which needs nobody"
        if origin_number(before) != retry.origin:
            yield f"trials {retry.of} and {trial.number} have different origins"
        if _proposal(before) is not None and _proposal(before) != _proposal(trial):
            yield f"trial {trial.number} has not the genome and parent of trial {retry.of}"
        if ended_of(trial) is not Ended.UNNEEDED:
            other = continued.setdefault(retry.of, trial.number)
            if other != trial.number:
                yield f"trials {other} and {trial.number} both go on with trial {retry.of}"


def _without_reason(trials: Sequence[FrozenTrial]) -> Iterator[str]:
    for trial in trials:
        if trial.state == TrialState.FAIL and ended_of(trial) is None:
            yield f"trial {trial.number} failed: {trial.user_attrs.get('failure')}"


def _complete(trials: Sequence[FrozenTrial]) -> Iterator[FrozenTrial]:
    return (trial for trial in trials if trial.state == TrialState.COMPLETE)


def _proposal(trial: FrozenTrial) -> object:
    return RegularizedEvolutionSampler.proposal_of(trial)
