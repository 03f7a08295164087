"""A study as rows: what every analysis, figure and report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
import math
from typing import final
from typing import TYPE_CHECKING

from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.genome import canonical_hash
from optuna_xmcnas.samplers import in_finishing_order
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.samplers.storage import FIXED_PARAMS_KEY
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import linear_of
from optuna_xmcnas.study import metrics_on_test
from optuna_xmcnas.study import origin_number
from optuna_xmcnas.study import read_record
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.study import texts_of
from optuna_xmcnas.study import wanted_trials


if TYPE_CHECKING:
    from datetime import datetime

    from optuna import Study
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.study import Ended
    from optuna_xmcnas.study import LinearRecord
    from optuna_xmcnas.study import StudyConfig
    from optuna_xmcnas.study import StudyTexts
    from optuna_xmcnas.study import TrialRecord


class Phase(StrEnum):
    """Where a trial's genome is from."""

    RANDOM = "random"  # drawn before there was a population
    EVOLVED = "evolved"  # a mutant of another trial's genome
    GIVEN = "given"  # somebody wished for it
    SAMPLED = "sampled"  # by a sampler of another kind


@dataclass(frozen=True, kw_only=True)
class Row:
    """One trial.

    Attributes:
        number: Its number.
        state: Whether it is complete, failed, in training, ...
        value: Its objective value; None unless it is complete and the value finite.
        phase: Where its genome is from.
        record: What its record says; None if it has none that can be trusted.
        began: When it began, by its worker's clock; None if it waits.
        ended: When it ended; None if it has not.
        origin: Number of the first trial that had this child.
        identity: Equal for genomes that compute the same; None without a record.
        ended_why: Why a worker failed the trial by no fault of its child; None if none did.
    """

    number: int
    state: TrialState
    value: float | None
    phase: Phase
    record: TrialRecord | None
    began: datetime | None
    ended: datetime | None
    origin: int
    identity: str | None
    ended_why: Ended | None = None

    @property
    def genome(self) -> Genome | None:
        """The architecture; None if nobody wrote it down."""
        return None if self.record is None else self.record.genome

    @property
    def parent(self) -> int | None:
        """Number of the trial whose genome was mutated."""
        return None if self.record is None else self.record.parent

    @property
    def mutation(self) -> str | None:
        """What was done to the parent's genome."""
        return None if self.record is None else self.record.mutation


@final
@dataclass(frozen=True, kw_only=True)
class History:
    """All trials of a study with one objective, and what the study knows of itself.

    Attributes:
        name: The study's name.
        maximize: Whether a larger value is a better one.
        rows: The trials, by number.
        finished_order: Numbers of the trials with a value, the one that finished first in front.
        population_size: How many of the latest breed; None if none do, or nobody said.
        n_wanted: How many finished children the study shall have; None if nobody said.
        config: The settings; None for a study made by something else, or by a version whose
            settings this one cannot read.
        is_of_another_version: Whether it has settings that this version cannot read.
        texts: Which texts it was searched on; None if nobody wrote that down.
        test: Test metrics, by number of the trial.
        linear: What the linear baseline is worth; None if nobody wrote that down.
    """

    name: str
    maximize: bool
    rows: tuple[Row, ...]
    finished_order: tuple[int, ...]
    population_size: int | None = None
    n_wanted: int | None = None
    config: StudyConfig | None = None
    is_of_another_version: bool = False
    texts: StudyTexts | None = None
    test: Mapping[int, Mapping[str, float]]
    linear: LinearRecord | None = None

    @cached_property
    def complete(self) -> tuple[Row, ...]:
        """The trials that have a value, in the order in which they finished."""
        by_number = {row.number: row for row in self.rows}
        return tuple(by_number[number] for number in self.finished_order)

    @property
    def best(self) -> Row | None:
        """The trial with the best value, of equal ones the one created first."""
        sign = 1.0 if self.maximize else -1.0
        return max(
            self.complete, key=lambda row: (sign * (row.value or 0.0), -row.number), default=None
        )


def read_history(study: Study, *, known: Mapping[int, Row] | None = None) -> History:
    """Return the trials of a study as rows, and what it knows of itself.

    Anything may be in a storage: trials of other programs, of other versions of this one, or half
    written ones. They become rows without a record. Settings of another version are left out.

    Args:
        study: With one objective.
        known: Rows of finished trials from an earlier call, by number. They never change, so only
            the others are read.

    Raises:
        ConfigMismatchError: If the study has several objectives.

    Example:
        >>> import optuna
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(study_name="mine", direction="maximize")
        >>> study.optimize(lambda trial: trial.suggest_float("x", 0, 1) * 0 + 0.5, n_trials=2)
        >>> history = read_history(study)
        >>> history.best.number, history.best.value, history.best.genome
        (0, 0.5, None)
    """
    if len(study.directions) > 1:
        raise ConfigMismatchError(
            f"study {study.study_name!r} has {len(study.directions)} objectives; "
            "the best of one cannot be told from the best of another."
        )
    trials = study.get_trials(deepcopy=False)
    known = known or {}
    rows = {
        trial.number: known.get(trial.number) or _row(trial)
        for trial in sorted(trials, key=lambda trial: trial.number)
    }
    with_value = (trial for trial in trials if rows[trial.number].value is not None)
    is_ours = study.direction == StudyDirection.MAXIMIZE  # or somebody else's objective
    config, is_of_another_version = _config(study) if is_ours else (None, False)
    return History(
        name=study.study_name,
        maximize=is_ours,
        rows=tuple(rows.values()),
        finished_order=tuple(trial.number for trial in in_finishing_order(with_value)),
        population_size=None if config is None else config.population_size,
        n_wanted=wanted_trials(study),
        config=config,
        is_of_another_version=is_of_another_version,
        texts=texts_of(study),
        test=metrics_on_test(study),
        linear=linear_of(study),
    )


def _row(trial: FrozenTrial) -> Row:
    record = read_record(trial)
    value = trial.values[0] if trial.state == TrialState.COMPLETE and trial.values else None
    return Row(
        number=trial.number,
        state=trial.state,
        value=value if value is not None and math.isfinite(value) else None,
        phase=_phase(trial),
        record=record,
        began=trial.datetime_start,
        ended=trial.datetime_complete,
        origin=origin_number(trial),
        identity=None if record is None else canonical_hash(record.genome),
        ended_why=ended_of(trial),
    )


def _phase(trial: FrozenTrial) -> Phase:
    proposal = RegularizedEvolutionSampler.proposal_of(trial)
    if proposal is None:
        # what another sampler had chosen is given to the trial that goes on with a lost child
        is_given = FIXED_PARAMS_KEY in trial.system_attrs and retry_of(trial) is None
        return Phase.GIVEN if is_given else Phase.SAMPLED
    if proposal.mutation == "enqueued":
        return Phase.GIVEN
    return Phase.RANDOM if proposal.parent is None else Phase.EVOLVED


def _config(study: Study) -> tuple[StudyConfig | None, bool]:
    """Return the settings of a study, and whether it has some that this version cannot read."""
    try:
        return config_of(study), False
    except ConfigMismatchError:  # of the direction it is known here that it is the right one
        return None, True
