"""The linear baseline: Parabel's label trees on TF-IDF features.

Prabhu et al., WWW 2018, as Omikuji implements them, with its default settings, on scikit-learn's
default TF-IDF. On small and middle-sized data such trees take seconds and are hard to beat, so a
network that costs hours should be compared with them on the same documents.

Omikuji draws the first centroids of its clusters from a random generator that cannot be seeded:
two trainings on the same documents differ. Trained on 15,539 documents of EURLEX57K, three runs
had P@5 of 63.96, 64.10 and 64.24 %. The cache makes the first result on a machine the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
import importlib.util
import json
import logging
import os
from pathlib import Path
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_dir

from optuna_xmcnas.baselines import linear_process
from optuna_xmcnas.baselines.linear_cache import Ranking
from optuna_xmcnas.baselines.linear_cache import read_cached
from optuna_xmcnas.baselines.linear_cache import write_cached
from optuna_xmcnas.data.content_hash import ContentHash
from optuna_xmcnas.exceptions import BaselineError
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.exceptions import MissingExtraError


if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from optuna_xmcnas.data import TextSplit


_LOGGER = logging.getLogger(__name__)

LINEAR_HINT = "pip install 'optuna-xmcnas[linear]'"

_PACKAGES = {"omikuji": "omikuji", "sklearn": "scikit-learn"}  # module: distribution
_RULES = 1  # of features and training here; another number makes every cached result old


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearResult:
    """The lists of the linear baseline, and what they cost.

    Attributes:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, k), int64.
        train_seconds: Wall-clock time of features and training, when they were computed.
        predict_seconds: The same of features and lists of the test documents.
        description: What was trained, with versions, for a table or a report.
        is_cached: Whether the lists were read and not computed.
    """

    ranked: npt.NDArray[np.int64]
    train_seconds: float
    predict_seconds: float
    description: str
    is_cached: bool


def linear_is_installed() -> bool:
    """Return whether the packages that the linear baseline needs can be imported.

    Example:
        >>> linear_is_installed() or LINEAR_HINT.startswith("pip install")
        True
    """
    return not _missing_packages()


def linear_baseline(
    train: TextSplit, test: TextSplit, *, k: int = 10, cache_dir: Path | None = None
) -> LinearResult:
    """Return ranked lists for the test documents, from label trees trained on the train documents.

    The work is done by a process of its own, which may use every processor that this one may:
    it writes nothing to the terminal, and a failure in compiled code ends it alone. The result is
    kept on disk, so that the same documents are trained on once.

    A document without any known word gets no prediction. Nothing predicts a label that no train
    document with words has. Fewer labels or documents than a tree needs give a flat list of
    linear classifiers, down to one label of one document.

    Args:
        train: Documents with their labels.
        test: Documents with the same label numbers; their labels are not looked at.
        k: Places of each list.
        cache_dir: Where results are kept; None takes the user's cache folder.

    Raises:
        MissingExtraError: If the packages are not installed.
        DataError: If there is nothing to learn from: no texts, no words or no labels.
        BaselineError: If the process cannot be run or fails.
    """
    if k < 1:
        raise ValueError(f"`k` must be at least 1; got {k}.")
    if missing := _missing_packages():
        raise MissingExtraError(
            f"the linear baseline needs {' and '.join(missing)}, not installed here; "
            f"{LINEAR_HINT} brings them."
        )
    train_texts, test_texts = _checked_texts(train, test)
    versions = {name: _version(name) for name in _PACKAGES.values()}
    key = _key(train, test, k, versions)
    folder = Path(user_cache_dir("optuna-xmcnas") if cache_dir is None else cache_dir)
    file = folder / f"linear-{key[:16]}.npz"
    shape = (len(test), k)
    found = read_cached(file, key, shape, train.labels.shape[1])
    is_cached = found is not None
    if found is None:
        _LOGGER.info("Training linear label trees on %d documents.", len(train))
        try:
            found = _compute(train, train_texts, test_texts, k)
        except OSError as error:
            raise BaselineError(f"the linear baseline could not be run: {error}") from error
        try:
            write_cached(file, key, found)
        except OSError as error:
            _LOGGER.warning("The linear baseline could not be cached in %s: %s", folder, error)
    return LinearResult(
        ranked=found.ranked,
        train_seconds=found.train_seconds,
        predict_seconds=found.predict_seconds,
        description=(
            f"{linear_process.N_TREES} Parabel trees (omikuji {versions['omikuji']}) "
            f"on TF-IDF (scikit-learn {versions['scikit-learn']})"
        ),
        is_cached=is_cached,
    )


def _missing_packages() -> list[str]:
    # finds a module without importing it
    return [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # a module that no installer put there
        return "of unknown version"


def _checked_texts(train: TextSplit, test: TextSplit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if train.texts is None or test.texts is None:
        raise DataError(
            "the linear baseline reads texts, but these documents have numeric features only; "
            "add the raw texts of the same documents to the data folder."
        )
    if train.labels.shape[1] != test.labels.shape[1]:
        raise DataError(
            f"the train documents have {train.labels.shape[1]} label columns and the test "
            f"documents {test.labels.shape[1]}; take both from one data set."
        )
    if not train.labels.nnz:
        raise DataError(
            f"none of the {len(train)} train documents has a label; there is nothing to learn."
        )
    return train.texts, test.texts


def _key(train: TextSplit, test: TextSplit, k: int, versions: dict[str, str]) -> str:
    content = ContentHash()
    content.add_strings([f"linear {_RULES}", f"k {k}"])
    content.add_strings([f"{name} {version}" for name, version in versions.items()])
    content.add_strings(train.texts or ())
    content.add_matrix(train.labels)
    content.add_strings(test.texts or ())
    return content.hexdigest()


def _compute(
    train: TextSplit, train_texts: tuple[str, ...], test_texts: tuple[str, ...], k: int
) -> Ranking:
    with tempfile.TemporaryDirectory(prefix="optuna-xmcnas-linear-") as name:
        folder = Path(name)
        _write_texts(folder / linear_process.TRAIN_TEXTS, train_texts)
        _write_texts(folder / linear_process.TEST_TEXTS, test_texts)
        np.savez(
            folder / linear_process.LABELS,
            indptr=train.labels.indptr,
            indices=train.labels.indices,
            n_labels=train.labels.shape[1],
            shape=(len(test_texts), k),
        )
        log = folder / "log.txt"
        code = _run(folder, log)
        if code == linear_process.REFUSED:
            raise DataError((folder / linear_process.REFUSAL).read_text("utf-8"))
        if code:
            raise BaselineError(
                f"the linear baseline failed; its process ended with {code}: {_last_words(log)}"
            )
        with np.load(folder / linear_process.RESULT, allow_pickle=False) as result:
            train_seconds, predict_seconds = result["seconds"].tolist()
            return Ranking(result["ranked"], train_seconds, predict_seconds)


def _write_texts(file: Path, texts: Iterable[str]) -> None:
    with file.open("w", encoding="ascii") as stream:  # JSON escapes the rest
        stream.writelines(json.dumps(text) + "\n" for text in texts)


def _run(folder: Path, log: Path) -> int:
    """Run the process to its end and return its exit status; it ends when this process does."""
    # the same modules as here, also where the path was changed after the start
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    command = [sys.executable, "-P", "-W", "ignore", str(linear_process.__file__), str(folder)]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,  # stays open: its end tells the process that we are gone
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": path},
        ) as process,
    ):
        try:
            return process.wait()
        except BaseException:  # also KeyboardInterrupt: the folder goes away now
            process.kill()
            raise


def _last_words(log: Path) -> str:
    text = log.read_text("utf-8", errors="replace").replace("\r", "\n")
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    for i, line in enumerate(lines):
        if "panicked at" in line:  # Rust: the reason is on the next line, a long trace follows
            return " ".join(lines[i : i + 2])
    return lines[-1] if lines else "it wrote nothing; perhaps it ran out of memory."
