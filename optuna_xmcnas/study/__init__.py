"""What a study remembers: its settings, and a record of each child."""

from __future__ import annotations

from optuna_xmcnas.study.config import join_study
from optuna_xmcnas.study.config import StudyConfig
from optuna_xmcnas.study.trial_record import begin_record
from optuna_xmcnas.study.trial_record import complete_record
from optuna_xmcnas.study.trial_record import fail_record
from optuna_xmcnas.study.trial_record import read_record
from optuna_xmcnas.study.trial_record import TrialRecord


__all__ = [
    "StudyConfig",
    "TrialRecord",
    "begin_record",
    "complete_record",
    "fail_record",
    "join_study",
    "read_record",
]
