"""What an architecture was worth where it was found, to set beside what it is worth elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.study import metrics_on_test
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import texts_of
from optuna_xmcnas.workflows.repeats import network_of


if TYPE_CHECKING:
    from optuna import Study

    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where an architecture was found.

    Attributes:
        name: Of the data set.
        study: Of the study.
        validation: Its best metrics there, of the search's short training; None if it was not
            finished.
        test: Its test metrics there; None if the search judged another one.
    """

    name: str
    study: str
    validation: Mapping[str, float] | None
    test: Mapping[str, float] | None


def source_of(study: Study, genome: Genome, space: GenomeSpace) -> Source:
    """Return what a study knows of an architecture."""
    texts = texts_of(study)
    network = canonical_hash(genome)
    trials = sorted(
        (
            trial
            for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if network_of(trial, space) == network
        ),
        key=lambda trial: (-trial.values[0], trial.number),
    )
    records = [record for trial in trials if (record := read_record(trial)) is not None]
    known = metrics_on_test(study)
    tests = (known.get(trial.number) for trial in trials)
    return Source(
        name=study.study_name if texts is None else texts.name,
        study=study.study_name,
        validation=records[0].metrics if records else None,
        test=next((metrics for metrics in tests if metrics is not None), None),
    )
