"""What was found on the validation split at one point of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

from optuna_xmcnas.metrics import EvaluationReport


_SELECTION = ("P@5", "nDCG@5")  # where evaluations are equal in one, the other decides (ours)


@dataclass(frozen=True)
class Evaluation:
    """What was found on the validation split at one point of a training.

    Attributes:
        epoch: The epoch under way or just finished, from 1.
        step: Optimiser steps so far.
        seconds: Time spent on the training so far, by earlier processes too.
        loss: Mean training loss of the steps since the evaluation before.
        report: The metrics.
        number: Which evaluation of the training it is, from 1.
    """

    epoch: int
    step: int
    seconds: float
    loss: float
    report: EvaluationReport
    number: int = 1

    def score_by(self, name: str) -> tuple[float, ...]:
        """Return what evaluations of one training are compared by.

        Args:
            name: The metric that counts first: ``"P@5"`` or ``"nDCG@5"``. The other is second.

        Example:
            >>> scores = (("P@5", 0.25), ("nDCG@5", 0.5))
            >>> report = EvaluationReport(scores, n_documents=8, n_without_labels=0)
            >>> Evaluation(1, 10, 2.0, 0.5, report).score_by("nDCG@5")
            (0.5, 0.25)
        """
        others = [other for other in _SELECTION if other != name]
        return tuple(self.report[metric] for metric in (name, *others))

    def to_record(self) -> dict[str, Any]:
        """Return it as a JSON-serialisable value.

        Example:
            >>> report = EvaluationReport((("P@5", 0.25),), n_documents=8, n_without_labels=0)
            >>> evaluation = Evaluation(1, 10, 2.0, 0.5, report, number=3)
            >>> Evaluation.from_record(evaluation.to_record()) == evaluation
            True
        """
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Evaluation:
        """Return the evaluation behind a record.

        Raises:
            KeyError, TypeError or ValueError: If it is not one.
        """
        report = record["report"]
        scores = tuple((str(name), float(score)) for name, score in report["scores"])
        return cls(**{**record, "report": EvaluationReport(**{**report, "scores": scores})})
