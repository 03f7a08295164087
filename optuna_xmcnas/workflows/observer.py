"""Somebody who watches a search, on one worker or over many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final
from typing import Protocol
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.training import Evaluation
    from optuna_xmcnas.workflows.standing import Standing


class SearchObserver(Protocol):
    """Somebody who watches a search; all methods return at once."""

    def data_ready(self, data: XmcDataset) -> None:
        """Documents are split and encoded."""

    def search_began(self, standing: Standing, n_trials: int) -> None:
        """The study is joined; it stands as others, or an earlier run, have left it."""

    def child_began(self, number: int, genome: Genome) -> None:
        """Training of a child begins here."""

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        """A child was evaluated on the validation split."""

    def child_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        """A child is complete, pruned or failed."""

    def child_lost(self, number: int, reason: str) -> None:
        """The worker of a child is dead."""

    def others_at_work(self, running: Sequence[int]) -> None:
        """These trials are in training in other processes."""

    def worker_restarted(self, worker: int, reason: str) -> None:
        """A worker of the crew died and is started again."""

    def stopping(self) -> None:
        """Somebody wishes to stop; children in training save how far they came."""

    def confirming_began(self, study_name: str, n_trainings: int) -> None:
        """The best networks are trained again, as trials of another study."""

    def judging_began(self) -> None:
        """The best child is read, or trained again, for the test split."""


@final
class SilentObserver:
    """Watches and says nothing."""

    def data_ready(self, data: XmcDataset) -> None:
        """Do nothing."""

    def search_began(self, standing: Standing, n_trials: int) -> None:
        """Do nothing."""

    def child_began(self, number: int, genome: Genome) -> None:
        """Do nothing."""

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Do nothing."""

    def child_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        """Do nothing."""

    def child_lost(self, number: int, reason: str) -> None:
        """Do nothing."""

    def others_at_work(self, running: Sequence[int]) -> None:
        """Do nothing."""

    def worker_restarted(self, worker: int, reason: str) -> None:
        """Do nothing."""

    def stopping(self) -> None:
        """Do nothing."""

    def confirming_began(self, study_name: str, n_trainings: int) -> None:
        """Do nothing."""

    def judging_began(self) -> None:
        """Do nothing."""
