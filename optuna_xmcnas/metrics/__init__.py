"""Ranking metrics of extreme multi-label classification, over sparse targets.

Every function takes ranked lists and the true labels, never a dense documents x labels array, so
memory is that of the lists and of the true labels. Definitions are those of pyxclib
(`xclib/evaluation/xc_metrics.py`), and these choices are ours where references disagree:

- A list may be short (-1 = no prediction): the missing places are misses.
- A document without true labels counts as 0 and stays in the mean; the report counts them.
- Equal scores rank by the lower label number, see `rank_scores`.
- Labels without train document stay in the targets, where nothing can predict them.

Letters: N documents, L labels, k places, M metrics, R resamples.
"""

from __future__ import annotations

from optuna_xmcnas.metrics.by_document import document_scores
from optuna_xmcnas.metrics.by_document import DocumentScores
from optuna_xmcnas.metrics.frequency import by_frequency
from optuna_xmcnas.metrics.frequency import frequency_groups
from optuna_xmcnas.metrics.frequency import FrequencyGroup
from optuna_xmcnas.metrics.frequency import GroupReport
from optuna_xmcnas.metrics.measures import ndcg_at_k
from optuna_xmcnas.metrics.measures import precision_at_k
from optuna_xmcnas.metrics.measures import psndcg_at_k
from optuna_xmcnas.metrics.measures import psp_at_k
from optuna_xmcnas.metrics.measures import r_precision_at_k
from optuna_xmcnas.metrics.measures import recall_at_k
from optuna_xmcnas.metrics.propensity import inverse_propensity
from optuna_xmcnas.metrics.propensity import inverse_propensity_of_counts
from optuna_xmcnas.metrics.ranking import rank_scores
from optuna_xmcnas.metrics.ranking import remove_pairs
from optuna_xmcnas.metrics.report import evaluate
from optuna_xmcnas.metrics.report import EvaluationReport
from optuna_xmcnas.metrics.resampling import bootstrap
from optuna_xmcnas.metrics.resampling import Interval
from optuna_xmcnas.metrics.resampling import paired_difference


__all__ = [
    "DocumentScores",
    "EvaluationReport",
    "FrequencyGroup",
    "GroupReport",
    "Interval",
    "bootstrap",
    "by_frequency",
    "document_scores",
    "evaluate",
    "frequency_groups",
    "inverse_propensity",
    "inverse_propensity_of_counts",
    "ndcg_at_k",
    "paired_difference",
    "precision_at_k",
    "psndcg_at_k",
    "psp_at_k",
    "r_precision_at_k",
    "rank_scores",
    "recall_at_k",
    "remove_pairs",
]
