"""What a study keeps of its verdicts: test metrics by trial, and those of the linear baseline.

The test split is read once for each child; who asks again reads what is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.study.checked import number
from optuna_xmcnas.study.checked import numbers_by_name
from optuna_xmcnas.study.checked import text


if TYPE_CHECKING:
    from optuna import Study


_TEST_KEY = "xmcnas:test"
_TEST_FORMAT = 2  # 1 knew one trial only
_LINEAR_KEY = "xmcnas:linear"
_LINEAR_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class LinearRecord:
    """What a linear model is worth on the test split of a study.

    Attributes:
        description: Which one.
        test: Its test metrics by name (``P@5``, ...), shares from 0 to 1.
        train_seconds: Time it took to train.
        predict_seconds: Time it took to predict the test split.
    """

    description: str
    test: Mapping[str, float]
    train_seconds: float
    predict_seconds: float


def note_metrics_on_test(study: Study, trial: int, metrics: Mapping[str, float]) -> None:
    """Write down the test metrics of a trial's child."""
    known = {str(other): found for other, found in metrics_on_test(study).items()}
    record = {"format": _TEST_FORMAT, "metrics": {**known, str(trial): dict(metrics)}}
    study.set_user_attr(_TEST_KEY, record)


def metrics_on_test(study: Study) -> dict[int, dict[str, float]]:
    """Return the test metrics that a study has kept, by number of the trial.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> note_metrics_on_test(study, 3, {"P@5": 0.25})
        >>> metrics_on_test(study)
        {3: {'P@5': 0.25}}
    """
    record: Any = study.user_attrs.get(_TEST_KEY)
    if not isinstance(record, Mapping):
        return {}
    by_trial = record.get("metrics")
    if record.get("format") == 1:
        by_trial = {str(record.get("trial")): by_trial}
    elif record.get("format") != _TEST_FORMAT:
        return {}
    if not isinstance(by_trial, Mapping):
        return {}
    found = ((str(trial), numbers_by_name(metrics)) for trial, metrics in by_trial.items())
    return {
        int(trial): metrics
        for trial, metrics in found
        if trial.isdecimal() and metrics is not None
    }


def note_linear(study: Study, linear: LinearRecord) -> None:
    """Write down what the linear baseline is worth, unless that was done already."""
    if linear_of(study) is not None:
        return
    record = {
        "format": _LINEAR_FORMAT,
        "description": linear.description,
        "test": dict(linear.test),
        "train_seconds": linear.train_seconds,
        "predict_seconds": linear.predict_seconds,
    }
    study.set_user_attr(_LINEAR_KEY, record)


def linear_of(study: Study) -> LinearRecord | None:
    """Return what the linear baseline is worth; None if nobody wrote that down."""
    record: Any = study.user_attrs.get(_LINEAR_KEY)
    if not isinstance(record, Mapping) or record.get("format") != _LINEAR_FORMAT:
        return None
    description, test = text(record.get("description")), numbers_by_name(record.get("test"))
    train, predict = number(record.get("train_seconds")), number(record.get("predict_seconds"))
    if description is None or test is None or train is None or predict is None:
        return None
    return LinearRecord(
        description=description, test=test, train_seconds=train, predict_seconds=predict
    )
