"""Judging a model: metrics with intervals, by label frequency, beside a linear model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from typing import Literal
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optuna_xmcnas.baselines import LINEAR_HINT
from optuna_xmcnas.baselines import linear_is_installed
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.metrics import bootstrap
from optuna_xmcnas.metrics import by_frequency
from optuna_xmcnas.metrics import document_scores
from optuna_xmcnas.metrics import frequency_groups
from optuna_xmcnas.metrics import GroupReport
from optuna_xmcnas.metrics import Interval
from optuna_xmcnas.metrics import inverse_propensity_of_counts
from optuna_xmcnas.metrics import paired_difference
from optuna_xmcnas.workflows.linear import judge_linear


if TYPE_CHECKING:
    import numpy.typing as npt

    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.tagger import Model
    from optuna_xmcnas.tagger import Tagger
    from optuna_xmcnas.workflows.linear import LinearVerdict


_PLACES = (1, 3, 5)


@dataclass(frozen=True, kw_only=True)
class LinearComparison:
    """The linear baseline on the same documents.

    Attributes:
        description: Which one.
        scores: Its metrics.
        differences: The model's less its own, over the same resampled documents.
        groups: By label frequency.
        seconds: Time it took to train, and to predict.
    """

    description: str
    scores: Mapping[str, Interval]
    differences: Mapping[str, Interval]
    groups: tuple[GroupReport, ...]
    seconds: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ModelEvaluation:
    """What a model is worth on a split.

    Attributes:
        split: Which one.
        n_documents: Its documents, those without labels included.
        n_unknown_labels: Labels of the split that the model does not know; they count as misses.
        scores: Metrics by name, with 95 % intervals over documents.
        groups: Labels by how many train documents they have.
        linear: The linear baseline; None if it cannot be compared.
        why_no_linear: Why not.
    """

    split: str
    n_documents: int
    n_unknown_labels: int
    scores: Mapping[str, Interval]
    groups: tuple[GroupReport, ...]
    linear: LinearComparison | None
    why_no_linear: str = ""


def evaluate_model(
    tagger: Tagger,
    raw: TextDataset,
    *,
    split: Literal["validation", "test"] = "test",
    a: float = 0.55,
    b: float = 1.5,
    n_resamples: int = 1000,
    with_linear: bool = True,
) -> ModelEvaluation:
    """Return what a model is worth on a split of a data set.

    Labels are compared by name. Those that the model does not know stay in the targets, where
    they are misses; how frequent a label is, is what it was when the model was trained.

    Args:
        tagger: The model.
        raw: The data set; what the model was trained on, or another one with the same labels.
        split: Which documents.
        a: Of the propensities; see :func:`~optuna_xmcnas.metrics.inverse_propensity`.
        b: Likewise.
        n_resamples: Of the bootstrap.
        with_linear: Whether to set the linear baseline beside it: only on the test split of the
            data that the model was trained on, where both learnt from the same documents.

    Raises:
        DataError: If there is no such split, it has no texts, or no label is known to the model.
    """
    model = tagger.model
    documents = raw.splits.get(split)
    if documents is None or documents.texts is None:
        has = ", ".join(name for name, one in raw.splits.items() if one.texts is not None)
        raise DataError(
            f"{raw.name} has no texts to evaluate on in a {split} split; it has {has}."
        )
    columns, n_labels = _columns(model, raw)
    targets = _moved(documents.labels, columns, n_labels)
    known = tagger.encode(documents.texts)
    if documents.filters is not None:
        barred = _moved(documents.filters, columns, n_labels)[:, : len(model.label_names)]
        known = replace(known, filters=csr_array(barred))
    ranked = tagger.rank(known, max(_PLACES)).labels
    counts = np.zeros(n_labels, np.int64)
    counts[: len(model.label_names)] = model.label_counts
    propensity = inverse_propensity_of_counts(counts, model.n_train, a=a, b=b)
    groups = frequency_groups(counts)
    scores = document_scores(ranked, targets, ks=_PLACES, propensity=propensity)
    comparison, why = None, "it was not asked for"
    if with_linear:
        linear, why = _linear(model, raw, split)
        if linear is not None:
            places = np.where(linear.ranked < 0, -1, columns[linear.ranked])
            others = document_scores(places, targets, ks=_PLACES, propensity=propensity)
            comparison = LinearComparison(
                description=linear.description,
                scores=bootstrap(others, n_resamples=n_resamples),
                differences=paired_difference(scores, others, n_resamples=n_resamples),
                groups=by_frequency(places, targets, groups, ks=_PLACES),
                seconds=linear.seconds,
            )
    return ModelEvaluation(
        split=split,
        n_documents=len(documents),
        n_unknown_labels=len(
            np.unique(targets.indices[targets.indices >= len(model.label_names)])
        ),
        scores=bootstrap(scores, n_resamples=n_resamples),
        groups=by_frequency(ranked, targets, groups, ks=_PLACES),
        linear=comparison,
        why_no_linear=why,
    )


def _columns(model: Model, raw: TextDataset) -> tuple[npt.NDArray[np.int64], int]:
    """Return the place of each label of a data set: the model's own first, then all others.

    Returns:
        Shape (labels of the data set,), and how many places there are.
    """
    known = {name: place for place, name in enumerate(model.label_names)}
    n_known = len(known)
    columns = [known.setdefault(name, len(known)) for name in raw.label_names]
    if min(columns, default=n_known) >= n_known:
        raise DataError(
            f"the model knows none of the {raw.n_labels} labels of {raw.name}, such as "
            f"{raw.label_names[0]!r}; its own are such as {model.label_names[0]!r}. Give data "
            "(--data) with the labels that it was trained on."
        )
    return np.array(columns, np.int64), len(known)


def _moved(
    matrix: csr_array[np.float32], columns: npt.NDArray[np.int64], n_columns: int
) -> csr_array[np.float32]:
    """Return a sparse matrix with its columns at other places."""
    moved = csr_array(
        (matrix.data, columns[matrix.indices], matrix.indptr), shape=(matrix.shape[0], n_columns)
    )
    moved.sort_indices()
    return moved


def _linear(model: Model, raw: TextDataset, split: str) -> tuple[LinearVerdict | None, str]:
    """Return the linear baseline for a model, or why there is none."""
    of_model = model.facts.get("data", {})
    if split != "test" or of_model.get("texts") != raw.fingerprint:
        return None, "it is set beside a model only on the test split of the model's own data"
    names = {field.name for field in fields(DataConfig)}
    config = DataConfig(**{name: value for name, value in of_model.items() if name in names})
    found = judge_linear(raw, config)
    if found is not None:
        return found, ""
    return None, "it failed" if linear_is_installed() else f"it is not installed: {LINEAR_HINT}"
