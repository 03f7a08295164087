"""What a study remembers: where it is kept, its settings, and a record of each child."""

from __future__ import annotations

from optuna_xmcnas.study.address import hide_password
from optuna_xmcnas.study.best import best_of
from optuna_xmcnas.study.config import config_of
from optuna_xmcnas.study.config import join_study
from optuna_xmcnas.study.config import StudyConfig
from optuna_xmcnas.study.config import want_trials
from optuna_xmcnas.study.config import wanted_trials
from optuna_xmcnas.study.curve import CurvePoint
from optuna_xmcnas.study.ended import Ended
from optuna_xmcnas.study.ended import ended_of
from optuna_xmcnas.study.find import find_trial
from optuna_xmcnas.study.patience import PatientStorage
from optuna_xmcnas.study.retry import origin_number
from optuna_xmcnas.study.retry import origin_of
from optuna_xmcnas.study.retry import Retry
from optuna_xmcnas.study.retry import RETRY_KEY
from optuna_xmcnas.study.retry import retry_of
from optuna_xmcnas.study.storage import open_storage
from optuna_xmcnas.study.texts import note_texts
from optuna_xmcnas.study.texts import StudyTexts
from optuna_xmcnas.study.texts import texts_of
from optuna_xmcnas.study.trial_record import begin_record
from optuna_xmcnas.study.trial_record import child_record
from optuna_xmcnas.study.trial_record import complete_record
from optuna_xmcnas.study.trial_record import fail_record
from optuna_xmcnas.study.trial_record import read_record
from optuna_xmcnas.study.trial_record import TrialRecord
from optuna_xmcnas.study.verdict import linear_of
from optuna_xmcnas.study.verdict import LinearRecord
from optuna_xmcnas.study.verdict import metrics_on_test
from optuna_xmcnas.study.verdict import note_linear
from optuna_xmcnas.study.verdict import note_metrics_on_test


__all__ = [
    "CurvePoint",
    "Ended",
    "LinearRecord",
    "PatientStorage",
    "RETRY_KEY",
    "Retry",
    "StudyConfig",
    "StudyTexts",
    "TrialRecord",
    "begin_record",
    "best_of",
    "child_record",
    "complete_record",
    "config_of",
    "ended_of",
    "fail_record",
    "find_trial",
    "hide_password",
    "join_study",
    "linear_of",
    "metrics_on_test",
    "note_linear",
    "note_metrics_on_test",
    "note_texts",
    "open_storage",
    "origin_number",
    "origin_of",
    "read_record",
    "retry_of",
    "texts_of",
    "want_trials",
    "wanted_trials",
]
