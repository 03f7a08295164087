from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.baselines import linear_process
from optuna_xmcnas.baselines.linear_process import fill_lists
from optuna_xmcnas.baselines.linear_process import NothingToLearnError
from optuna_xmcnas.baselines.linear_process import write_examples


FEATURES = csr_array(np.array([[0.5, 0, 0.25], [0, 0, 0], [0, 1, 0]], np.float32))


class FakeModel:
    """Predicts the features themselves as labels, and one more that ties with all of them."""

    def densify_weights(self) -> None: ...

    def init_prediction_thread_pool(self, n_threads: int) -> None: ...

    def predict(self, entries: list[tuple[int, float]], *, top_k: int) -> list[tuple[int, float]]:
        return sorted([(9, max(value for _, value in entries)), *entries], reverse=True)[:top_k]


def test_examples_have_the_layout_of_the_repository_and_words(tmp_path: Path) -> None:
    write_examples(
        tmp_path / "train.txt", FEATURES, np.array([0, 2, 3, 3]), np.array([0, 4, 2]), n_labels=5
    )
    lines = (tmp_path / "train.txt").read_text().split("\n")
    assert lines == ["2 3 5", "0,4 0:0.5 2:0.25", " 1:1", ""]


def test_labels_of_documents_without_words_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingToLearnError, match="no train document that has a label holds"):
        write_examples(
            tmp_path / "train.txt", FEATURES, np.array([0, 0, 1, 1]), np.array([0]), n_labels=1
        )


def test_lists_are_by_score_then_by_lower_label_and_empty_without_words() -> None:
    ranked = np.full((3, 4), -1)
    fill_lists(FakeModel(), FEATURES, ranked)
    assert ranked.tolist() == [[0, 9, 2, -1], [-1, -1, -1, -1], [1, 9, -1, -1]]


def test_every_document_of_many_is_predicted() -> None:
    n = 1000
    features = csr_array((np.ones(n, np.float32), np.arange(n) % 7, np.arange(n + 1)))
    ranked = np.full((n, 2), -1)
    fill_lists(FakeModel(), features, ranked)
    assert (ranked[:, 0] == np.arange(n) % 7).all()
    assert (ranked[:, 1] == 9).all()


def test_failure_of_a_thread_is_not_lost() -> None:
    class Broken(FakeModel):
        def predict(
            self, entries: list[tuple[int, float]], *, top_k: int
        ) -> list[tuple[int, float]]:
            raise RuntimeError("no prediction today")

    with pytest.raises(RuntimeError, match="no prediction today"):
        fill_lists(Broken(), FEATURES, np.full((3, 4), -1))


def test_process_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / linear_process.LABELS)  # opening it waits for a writer that never comes
    process = subprocess.Popen(
        [sys.executable, str(linear_process.__file__), str(tmp_path)], stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.close()
    try:
        assert process.wait(timeout=60) == 1
    finally:
        process.kill()
