"""Results as records of names and values, for ``--json``.

Names and units are those of the values in Python: shares from 0 to 1, seconds, bytes. A record is
what a command found, and nothing that a reader could compute from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from pathlib import Path

    from optuna_xmcnas.cli.full_training import Found
    from optuna_xmcnas.data import DatasetStatistics
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.metrics import GroupReport
    from optuna_xmcnas.metrics import Interval
    from optuna_xmcnas.planning import ChildPlan
    from optuna_xmcnas.planning import Plan
    from optuna_xmcnas.study import TrialRecord
    from optuna_xmcnas.tagger import Exported
    from optuna_xmcnas.workflows import Confirmation
    from optuna_xmcnas.workflows import Confirmed
    from optuna_xmcnas.workflows import Contender
    from optuna_xmcnas.workflows import LinearVerdict
    from optuna_xmcnas.workflows import ModelEvaluation
    from optuna_xmcnas.workflows import Retrained
    from optuna_xmcnas.workflows import SearchOutcome
    from optuna_xmcnas.workflows import Source
    from optuna_xmcnas.workflows import Verdict


Record = dict[str, Any]


def genome_record(genome: Genome) -> Record:
    """Return an architecture as text and as nodes.

    Example:
        >>> from optuna_xmcnas.genome import Genome, Node
        >>> genome_record(Genome((Node("conv3", 0),)))
        {'text': '1:conv3(0)', 'nodes': [{'op': 'conv3', 'source': 0}]}
    """
    nodes = [{"op": node.op, "source": node.source} for node in genome.nodes]
    return {"text": str(genome), "nodes": nodes}


def trial_record(
    value: float | None, record: TrialRecord, expected: float | None = None
) -> Record:
    """Return a trial: its score, what its record says, and what another training would reach."""
    return {
        "trial": record.number,
        "value": value,
        "expected": expected,
        "genome": genome_record(record.genome),
        "parent": record.parent,
        "mutation": record.mutation,
        "seed": record.seed,
        "metrics": record.metrics,
        "node_weights": record.node_weights,
        "n_parameters": record.n_parameters,
        "seconds": record.seconds,
        "peak_memory_bytes": record.peak_memory_bytes,
        "epochs": record.epochs,
        "stop_reason": record.stop_reason,
        "failure": record.failure,
        "device": record.device,
    }


def search_record(outcome: SearchOutcome) -> Record:
    """Return how a search ended."""
    confirmation, verdict = outcome.confirmation, outcome.verdict
    return {
        "study": outcome.study.study_name,
        "n_complete": outcome.n_complete,
        "confirmation": confirmation and confirmation_record(confirmation),
        "best": verdict and verdict_record(verdict),
    }


def verdict_record(verdict: Verdict) -> Record:
    """Return the best child of a study and what it is worth."""
    return {
        "trial": verdict.trial,
        "genome": genome_record(verdict.genome),
        "node_weights": verdict.node_weights,
        "n_parameters": verdict.n_parameters,
        "validation": verdict.validation,
        "test": verdict.test,
        "frequent_labels": verdict.frequent,
        "linear": verdict.linear and linear_record(verdict.linear),
    }


def linear_record(linear: LinearVerdict) -> Record:
    """Return what a linear model is worth on the test split."""
    return {
        "description": linear.description,
        "test": linear.test,
        **_linear_seconds(linear.seconds),
    }


def confirmation_record(confirmation: Confirmation) -> Record:
    """Return the networks that were trained again, the best mean first."""
    return {
        "confirmed": [_confirmed_record(one) for one in confirmation.confirmed],
        "failed": [_contender_record(one) for one in confirmation.failed],
    }


def retrained_record(found: Found, retrained: Retrained, folder: Path) -> Record:
    """Return a model, where its architecture is from, and what it was compared with."""
    architecture = found.architecture
    return {
        "model": folder,
        "data": retrained.model.name,
        "study": None if found.study is None else found.study.study_name,
        "architecture": architecture.name,
        "genome": genome_record(architecture.genome),
        "n_parameters": sum(child.n_parameters for child in retrained.model.members),
        **{name: retrained.model.metrics[name] for name in ("validation", "test", "members")},
        "linear": retrained.linear and linear_record(retrained.linear),
    }


def source_record(source: Source) -> Record:
    """Return what an architecture was worth where it was found."""
    return {
        "data": source.name,
        "study": source.study,
        "validation": source.validation,
        "test": source.test,
    }


def evaluation_record(evaluation: ModelEvaluation) -> Record:
    """Return what a model is worth on a split."""
    linear = evaluation.linear
    return {
        "split": evaluation.split,
        "n_documents": evaluation.n_documents,
        "n_unknown_labels": evaluation.n_unknown_labels,
        "scores": _intervals(evaluation.scores),
        "groups": _groups(evaluation.groups),
        "linear": linear
        and {
            "description": linear.description,
            "scores": _intervals(linear.scores),
            "differences": _intervals(linear.differences),
            "groups": _groups(linear.groups),
            **_linear_seconds(linear.seconds),
        },
        "why_no_linear": evaluation.why_no_linear or None,
    }


def exported_record(exported: Exported) -> Record:
    """Return what an export wrote."""
    checks = {name: check and asdict(check) for name, check in exported.checks.items()}
    return {"folder": exported.folder, "n_bytes": exported.n_bytes, "checks": checks}


def plan_record(plan: Plan) -> Record:
    """Return what a search or a child will cost."""
    return {
        "children": [_child_plan_record(child) for child in plan.children],
        "n_trials": plan.n_trials,
        "search_seconds": plan.search_s and asdict(plan.search_s),
        "device": str(plan.device),
        "limit_bytes": plan.limit,
        "verdict": plan.verdict,
        "suggestions": [
            {"change": one.change, "total_bytes": one.total, "fits": one.fits}
            for one in plan.suggestions
        ],
    }


def data_record(statistics: DatasetStatistics) -> Record:
    """Return what a data set holds."""
    coverage = statistics.coverage
    record = asdict(statistics)
    record["data_format"] = record.pop("format")
    if coverage is not None:
        record["coverage"] = {
            **asdict(coverage),
            "out_of_vocabulary_tokens": coverage.out_of_vocabulary_tokens,
            "out_of_vocabulary_words": coverage.out_of_vocabulary_words,
        }
    return record


def _confirmed_record(one: Confirmed) -> Record:
    return {
        **_contender_record(one.contender),
        "mean": one.mean,
        "half_width": one.half_width,
        "values": one.values,
    }


def _contender_record(one: Contender) -> Record:
    return {"trial": one.trial, "searched": one.searched, "genome": genome_record(one.genome)}


def _child_plan_record(child: ChildPlan) -> Record:
    parts = asdict(child.memory)
    return {
        "role": child.role,
        "genome": genome_record(child.genome),
        "parameters": {**asdict(child.parameters), "total": child.parameters.total},
        "memory_bytes": {**parts, "total": child.memory.total},
        "step_seconds": child.step_s,
        "evaluation_seconds": child.evaluation_s,
        "epoch_seconds": child.epoch_s,
        "child_seconds": asdict(child.child_s),
        "is_measured": child.is_measured,
    }


def _linear_seconds(seconds: tuple[float, float]) -> Record:
    return {"train_seconds": seconds[0], "predict_seconds": seconds[1]}


def _intervals(scores: Mapping[str, Interval]) -> Record:
    return {name: asdict(interval) for name, interval in scores.items()}


def _groups(groups: Iterable[GroupReport]) -> list[Record]:
    return [asdict(group) for group in groups]
