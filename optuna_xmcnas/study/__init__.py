"""What a study remembers: where it is kept, its settings, and a record of each child."""

from __future__ import annotations

from optuna_xmcnas.study.best import best_of
from optuna_xmcnas.study.config import join_study
from optuna_xmcnas.study.config import StudyConfig
from optuna_xmcnas.study.storage import hide_password
from optuna_xmcnas.study.storage import open_storage
from optuna_xmcnas.study.storage import put_back
from optuna_xmcnas.study.trial_record import begin_record
from optuna_xmcnas.study.trial_record import complete_record
from optuna_xmcnas.study.trial_record import fail_record
from optuna_xmcnas.study.trial_record import read_record
from optuna_xmcnas.study.trial_record import TrialRecord


__all__ = [
    "StudyConfig",
    "TrialRecord",
    "begin_record",
    "best_of",
    "complete_record",
    "fail_record",
    "hide_password",
    "join_study",
    "open_storage",
    "put_back",
    "read_record",
]
