"""Judging a model: numbers, labels compared by name, the linear baseline beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import Node
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import TextSplit
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.tagger import Tagger
from optuna_xmcnas.workflows import Architecture
from optuna_xmcnas.workflows import evaluate_model
from optuna_xmcnas.workflows import retrain
from tests.workflows.tiny import RECIPE
from tests.workflows.tiny import RetrainWatcher
from tests.workflows.tiny import tiny_texts


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Tagger:
    architecture = Architecture(name="mine", genome=Genome((Node("conv1", 0),)))
    out = tmp_path_factory.mktemp("evaluate") / "model"
    done = retrain(tiny_texts(), architecture, RECIPE, out=out, observer=RetrainWatcher())
    assert done is not None
    return Tagger(done.model)


def _renamed(raw: TextDataset, order: list[int], extra: tuple[str, ...] = ()) -> TextDataset:
    """Return a data set with its labels numbered in another order, and further ones."""
    columns = np.array(order)

    def moved(split: TextSplit) -> TextSplit:
        rows = [columns[split.labels[[i]].indices].tolist() for i in range(len(split))]
        labels = label_matrix(rows, raw.n_labels + len(extra))
        return TextSplit(split.texts, labels)

    names = [""] * raw.n_labels
    for old, new in enumerate(order):
        names[new] = raw.label_names[old]
    assert raw.test is not None
    return replace(
        raw,
        label_names=(*names, *extra),
        train=moved(raw.train),
        test=moved(raw.test),
        label_texts=None,
    )


def test_scores_are_those_of_the_training(tagger: Tagger) -> None:
    found = evaluate_model(tagger, tiny_texts(), n_resamples=50)
    for name, value in tagger.model.metrics["test"].items():
        assert found.scores[name].value == pytest.approx(value, abs=1e-12), name
        assert found.scores[name].low <= value <= found.scores[name].high
    assert found.linear is not None
    for name, value in tagger.model.metrics["linear"]["test"].items():
        assert found.linear.scores[name].value == pytest.approx(value, abs=1e-12), name
        difference = found.scores[name].value - value
        assert found.linear.differences[name].value == pytest.approx(difference, abs=1e-12)
    assert sum(group.scores["P@5"] for group in found.groups) == pytest.approx(
        found.scores["P@5"].value
    )


def test_labels_are_compared_by_name(tagger: Tagger) -> None:
    raw = tiny_texts()
    same = evaluate_model(tagger, raw, n_resamples=10, with_linear=False)
    order = np.random.default_rng(0).permutation(raw.n_labels).tolist()
    other = evaluate_model(
        tagger, _renamed(raw, order, ("never seen",)), n_resamples=10, with_linear=False
    )
    assert other.scores == same.scores
    assert other.n_unknown_labels == 0  # no document has it


def test_unknown_labels_are_misses(tagger: Tagger) -> None:
    raw = tiny_texts()
    assert raw.test is not None
    rows = [[*raw.test.labels[[i]].indices.tolist(), raw.n_labels] for i in range(len(raw.test))]
    more = replace(
        raw,
        label_names=(*raw.label_names, "new"),
        train=TextSplit(raw.train.texts, label_matrix([[0]] * len(raw.train), raw.n_labels + 1)),
        test=TextSplit(raw.test.texts, label_matrix(rows, raw.n_labels + 1)),
        label_texts=None,
    )
    same = evaluate_model(tagger, raw, n_resamples=10, with_linear=False)
    found = evaluate_model(tagger, more, n_resamples=10)
    assert found.n_unknown_labels == 1
    assert found.scores["P@5"].value == same.scores["P@5"].value
    assert found.scores["recall@5"].value < same.scores["recall@5"].value
    assert found.linear is None
    assert "the model's own data" in found.why_no_linear


def test_data_without_a_known_label_is_refused(tagger: Tagger) -> None:
    raw = tiny_texts()
    foreign = replace(raw, label_names=tuple(f"x{i}" for i in range(raw.n_labels)))
    with pytest.raises(DataError, match="knows none of the"):
        evaluate_model(tagger, foreign)


def test_a_split_that_is_not_there_is_named(tagger: Tagger) -> None:
    with pytest.raises(DataError, match="validation split; it has train, test"):
        evaluate_model(tagger, tiny_texts(), split="validation")
