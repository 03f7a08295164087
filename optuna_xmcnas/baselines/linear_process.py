"""A process of its own that trains linear label trees: ``python linear_process.py FOLDER``.

It reads the folder that `optuna_xmcnas.baselines.linear` has written and writes its result, or
why there cannot be one, to the same folder. It imports nothing of this package, so it starts fast.
Omikuji logs to the terminal as soon as it is imported, and a failed assertion in it ends the
process; neither can happen to the process of the user.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
import json
import os
from pathlib import Path
import sys
import threading
import time
from typing import Any
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy.sparse import csr_array


TRAIN_TEXTS = "train_texts.jsonl"
TEST_TEXTS = "test_texts.jsonl"
LABELS = "labels.npz"
RESULT = "result.npz"
REFUSAL = "refusal.txt"
REFUSED = 3  # exit status

N_TREES = 3  # Omikuji's default, as Parabel's
_ROWS_AT_A_TIME = 64  # documents that a thread predicts before it takes the next ones


class NothingToLearnError(Exception):
    """The train documents cannot teach anything; the message is for the user."""


def main(folder: Path) -> None:
    """Train on the train texts of a folder and write ranked lists for its test texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    started = time.perf_counter()
    with np.load(folder / LABELS, allow_pickle=False) as arrays:
        indptr, indices = arrays["indptr"], arrays["indices"]
        n_labels = int(arrays["n_labels"])
        ranked = np.full(arrays["shape"], -1, np.int64)
    vectorizer = TfidfVectorizer(dtype=np.float32)  # Omikuji's numbers are no wider
    try:
        features = vectorizer.fit_transform(_texts(folder / TRAIN_TEXTS))
    except ValueError as error:  # of scikit-learn: "empty vocabulary"
        raise NothingToLearnError(
            f"the {len(indptr) - 1} train documents hold no word of two letters or more; "
            "the linear baseline has nothing to learn from."
        ) from error
    write_examples(folder / "train.txt", features, indptr, indices, n_labels)
    model = _train(folder / "train.txt")
    trained = time.perf_counter()
    if len(ranked):  # scikit-learn refuses to transform nothing
        fill_lists(model, vectorizer.transform(_texts(folder / TEST_TEXTS)), ranked)
    seconds = [trained - started, time.perf_counter() - trained]
    np.savez(folder / RESULT, ranked=ranked, seconds=seconds)


def write_examples(
    file: Path,
    features: csr_array[np.float32],
    indptr: npt.NDArray[np.integer[Any]],
    indices: npt.NDArray[np.integer[Any]],
    n_labels: int,
) -> None:
    """Write features and labels in the layout of the Extreme Classification Repository.

    Documents without any feature are left out: they have no direction to be clustered by, and
    Omikuji gives up on labels that have no other documents.

    Args:
        file: What to write.
        features: Shape (N, features).
        indptr: Document i has the labels ``indices[indptr[i]:indptr[i + 1]]``.
        indices: See there.
        n_labels: Label numbers are below it.

    Raises:
        NothingToLearnError: If no document with features has a label.
    """
    kept = np.flatnonzero(np.diff(features.indptr))
    if not np.diff(indptr)[kept].any():
        raise NothingToLearnError(
            "no train document that has a label holds a word of two letters or more; "
            "the linear baseline has nothing to learn from."
        )
    with file.open("w", encoding="ascii") as stream:
        stream.write(f"{len(kept)} {features.shape[1]} {n_labels}\n")
        for row in kept.tolist():
            labels = indices[indptr[row] : indptr[row + 1]].tolist()
            pairs = " ".join(f"{column}:{value:.7g}" for column, value in _entries(features, row))
            stream.write(f"{','.join(map(str, labels))} {pairs}\n")


def fill_lists(model: Any, features: csr_array[np.float32], ranked: npt.NDArray[np.int64]) -> None:
    """Write the best labels of each document: descending score, then lower label number.

    Args:
        model: Omikuji's.
        features: Shape (N, features); a document without any gets no prediction.
        ranked: Filled in place; shape (N, k), -1 everywhere.
    """
    n_documents, k = ranked.shape

    def fill(start: int) -> None:
        for row in range(start, min(start + _ROWS_AT_A_TIME, n_documents)):
            entries = _entries(features, row)
            if entries:
                found = model.predict(entries, top_k=k)
                labels = [
                    label for label, _ in sorted(found, key=lambda pair: (-pair[1], pair[0]))
                ]
                ranked[row, : len(labels)] = labels

    model.densify_weights()  # the same lists in half the time
    model.init_prediction_thread_pool(0)  # before the threads, each of which would make one
    with ThreadPoolExecutor(_n_processors()) as threads:
        for _ in threads.map(fill, range(0, n_documents, _ROWS_AT_A_TIME)):
            pass  # raises what a thread has raised


def _train(file: Path) -> Any:
    import omikuji

    settings = omikuji.Model.default_hyper_param()
    settings.n_trees = N_TREES
    return omikuji.Model.train_on_data(str(file), settings)  # on all processors


def _entries(features: csr_array[np.float32], row: int) -> list[tuple[int, float]]:
    of_row = slice(features.indptr[row], features.indptr[row + 1])
    columns, values = features.indices[of_row].tolist(), features.data[of_row].tolist()
    return list(zip(columns, values, strict=True))


def _texts(file: Path) -> Iterator[str]:
    with file.open(encoding="ascii") as stream:
        for line in stream:
            yield json.loads(line)


def _n_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _end_with_parent() -> None:
    """End this process when standard input ends: whoever wants the result is gone."""
    os.read(0, 1)  # not sys.stdin: Python cannot end while a thread waits inside it
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        main(Path(sys.argv[1]))
    except NothingToLearnError as refusal:
        Path(sys.argv[1], REFUSAL).write_text(str(refusal), "utf-8")
        sys.exit(REFUSED)
