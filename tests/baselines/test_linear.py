from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import logging
from pathlib import Path
import subprocess
import sys
from typing import NoReturn

import numpy as np
import pytest

from optuna_xmcnas.baselines import linear
from optuna_xmcnas.baselines import linear_baseline
from optuna_xmcnas.baselines import LINEAR_HINT
from optuna_xmcnas.baselines import linear_is_installed
from optuna_xmcnas.baselines import linear_process
from optuna_xmcnas.baselines import LinearResult
from optuna_xmcnas.baselines.linear_cache import Ranking
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import TextSplit
from optuna_xmcnas.exceptions import BaselineError
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.exceptions import MissingExtraError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import precision_at_k


N_LABELS = 150  # more than a leaf of a tree holds
UNTAUGHT = (N_LABELS, N_LABELS + 1)  # of documents without words alone; of no document
NO_KNOWN_WORD = ("", "   ", "? ! .", "neverseen", "\ud800")


def some_split(texts: list[str], rows: list[list[int]], n_labels: int) -> TextSplit:
    return TextSplit(texts=tuple(texts), labels=label_matrix(rows, n_labels))


def generated(n_documents: int, seed: int) -> tuple[list[str], list[list[int]]]:
    made = synthetic_dataset(n_train=n_documents, n_test=1, n_labels=N_LABELS, seed=seed).train
    assert made.texts is not None
    rows = np.split(made.labels.indices, made.labels.indptr[1:-1])
    return list(made.texts), [row.tolist() for row in rows]


@pytest.fixture(scope="module")
def train() -> TextSplit:
    texts, rows = generated(600, seed=0)
    texts += ["", "", "? !", "filler1 line\none\u2028\x00 filler2"]
    rows += [[UNTAUGHT[0]], [0, UNTAUGHT[0]], [UNTAUGHT[0]], []]
    return some_split(texts, rows, N_LABELS + 2)


@pytest.fixture(scope="module")
def test() -> TextSplit:
    texts, rows = generated(120, seed=1)
    return some_split(texts + list(NO_KNOWN_WORD), rows + [[0]] * len(NO_KNOWN_WORD), N_LABELS + 2)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def computed(train: TextSplit, test: TextSplit, cache: Path) -> LinearResult:
    return linear_baseline(train, test, k=5, cache_dir=cache)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Results without training; one entry for each of them."""
    calls: list[int] = []

    def compute(
        train: TextSplit, train_texts: tuple[str, ...], test_texts: tuple[str, ...], k: int
    ) -> Ranking:
        calls.append(k)
        return Ranking(np.full((len(test_texts), k), -1), float(len(calls)), 0.5)

    monkeypatch.setattr(linear, "_compute", compute)
    return calls


@pytest.fixture
def tiny() -> tuple[TextSplit, TextSplit]:
    texts = ["red apple", "green apple", "blue sky"]
    return some_split(texts, [[0], [0, 1], [2]], 3), some_split(["red sky"], [[1]], 3)


def test_trees_beat_the_frequent_labels(
    computed: LinearResult, train: TextSplit, test: TextSplit
) -> None:
    frequent = np.argsort(-np.bincount(train.labels.indices), kind="stable")[:5]
    floor = evaluate(np.tile(frequent, (len(test), 1)), test.labels)
    report = evaluate(computed.ranked, test.labels)
    assert report["P@1"] > 0.6 > floor["P@1"]
    assert report["P@5"] > 1.2 * floor["P@5"]


def test_documents_without_known_words_get_no_prediction(computed: LinearResult) -> None:
    n_strange = len(NO_KNOWN_WORD)
    assert (computed.ranked[-n_strange:] == -1).all()
    assert (computed.ranked[:-n_strange] >= 0).all()


def test_labels_that_nothing_teaches_are_never_predicted(computed: LinearResult) -> None:
    assert not np.isin(computed.ranked, UNTAUGHT).any()


def test_result_says_what_it_is_and_what_it_took(computed: LinearResult, test: TextSplit) -> None:
    assert computed.ranked.shape == (len(test), 5)
    assert computed.ranked.dtype == np.int64
    assert not computed.is_cached
    assert computed.train_seconds > 0
    assert computed.predict_seconds > 0
    assert computed.description.startswith("3 Parabel trees (omikuji 0.")


def test_second_call_reads_the_first_result(
    computed: LinearResult,
    train: TextSplit,
    test: TextSplit,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise AssertionError("nothing is computed again")

    monkeypatch.setattr(linear, "_compute", refuse)
    again = linear_baseline(train, test, k=5, cache_dir=cache)
    assert again.is_cached
    assert again.ranked.tolist() == computed.ranked.tolist()
    assert again.train_seconds == computed.train_seconds
    assert again.predict_seconds == computed.predict_seconds
    assert again.description == computed.description


def test_one_document_and_one_label_are_enough_and_the_terminal_stays_quiet(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    train = some_split(["apple", ""], [[1], [0]], 2)
    found = linear_baseline(
        train, some_split(["apple pear", "pear"], [[1], []], 2), k=3, cache_dir=tmp_path
    )
    assert found.ranked.tolist() == [[1, -1, -1], [-1, -1, -1]]
    assert capfd.readouterr() == ("", "")


def test_no_test_documents_give_no_lists(tmp_path: Path) -> None:
    train = some_split(["red apple", "blue sky"], [[1], [0]], 2)
    found = linear_baseline(train, some_split([], [], 2), k=3, cache_dir=tmp_path)
    assert found.ranked.shape == (0, 3)


def test_texts_without_words_are_refused(tmp_path: Path) -> None:
    train = some_split(["", "a b", "!"], [[0], [0], [0]], 1)
    with pytest.raises(DataError, match="the 3 train documents hold no word of two letters"):
        linear_baseline(train, train, cache_dir=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        lambda train, test: (train, test, 3),
        lambda train, test: (replace(train, labels=label_matrix([[0], [1], [2]], 3)), test, 2),
        lambda train, test: (replace(train, texts=("red", *train.texts[1:])), test, 2),
        lambda train, test: (train, replace(test, texts=("blue",)), 2),
    ],
)
def test_other_content_or_places_are_computed_anew(
    tiny: tuple[TextSplit, TextSplit],
    change: Callable[[TextSplit, TextSplit], tuple[TextSplit, TextSplit, int]],
    counted: list[int],
    tmp_path: Path,
) -> None:
    linear_baseline(*tiny, k=2, cache_dir=tmp_path)
    train, test, k = change(*tiny)
    assert not linear_baseline(train, test, k=k, cache_dir=tmp_path).is_cached
    assert counted == [2, k]


def test_labels_of_the_test_documents_do_not_matter(
    tiny: tuple[TextSplit, TextSplit], counted: list[int], tmp_path: Path
) -> None:
    train, test = tiny
    linear_baseline(train, test, cache_dir=tmp_path)
    other = replace(test, labels=label_matrix([[0]], 3))
    assert linear_baseline(train, other, cache_dir=tmp_path).is_cached


def test_other_version_of_a_library_computes_anew(
    tiny: tuple[TextSplit, TextSplit],
    counted: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    linear_baseline(*tiny, cache_dir=tmp_path)
    monkeypatch.setattr(linear, "_version", lambda name: "99")
    found = linear_baseline(*tiny, cache_dir=tmp_path)
    assert not found.is_cached
    assert found.description == "3 Parabel trees (omikuji 99) on TF-IDF (scikit-learn 99)"


def test_damaged_cache_is_computed_anew_and_mended(
    tiny: tuple[TextSplit, TextSplit],
    counted: list[int],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    linear_baseline(*tiny, cache_dir=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        assert linear_baseline(*tiny, cache_dir=tmp_path).train_seconds == 2
    assert f"The cache {file} is damaged and made again" in caplog.text
    assert linear_baseline(*tiny, cache_dir=tmp_path).is_cached


def test_result_is_given_where_it_cannot_be_kept(
    tiny: tuple[TextSplit, TextSplit],
    counted: list[int],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        assert not linear_baseline(*tiny, cache_dir=tmp_path / "file").is_cached
    assert "could not be cached" in caplog.text


def test_user_cache_folder_is_the_default(
    tiny: tuple[TextSplit, TextSplit],
    counted: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linear, "user_cache_dir", lambda name: str(tmp_path / name))
    linear_baseline(*tiny)
    assert [file.suffix for file in (tmp_path / "optuna-xmcnas").iterdir()] == [".npz"]


@pytest.mark.parametrize(("module", "name"), [("omikuji", "omikuji"), ("sklearn", "scikit-learn")])
def test_missing_package_is_named_with_the_way_to_get_it(
    module: str, name: str, tiny: tuple[TextSplit, TextSplit], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert linear_is_installed()
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert not linear_is_installed()
    with pytest.raises(MissingExtraError, match=rf"needs {name}, .*{LINEAR_HINT[:11]}") as caught:
        linear_baseline(*tiny)
    assert LINEAR_HINT in str(caught.value)


def run_instead(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "process.py").write_text(script)
    monkeypatch.setattr(linear_process, "__file__", str(tmp_path / "process.py"))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            r"print('50 %\r99 %\nthread panicked at x.rs:\nno label left\n1: trace', flush=True)"
            "\nimport os; os.abort()",
            r"ended with -6: thread panicked at x\.rs: no label left$",
        ),
        ("raise MemoryError('too many')", "ended with 1: MemoryError: too many"),
        ("import os; os._exit(9)", "ended with 9: it wrote nothing"),
        ("", "could not be run: .*result.npz"),
    ],
)
def test_failed_process_is_an_error_with_its_reason(
    script: str,
    message: str,
    tiny: tuple[TextSplit, TextSplit],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_instead(script, tmp_path, monkeypatch)
    with pytest.raises(BaselineError, match=message):
        linear_baseline(*tiny, cache_dir=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_process_sees_the_modules_that_this_one_sees(
    tiny: tuple[TextSplit, TextSplit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "added_later").mkdir()
    (tmp_path / "added_later" / "only_there.py").write_text("word = 'hello'")
    monkeypatch.syspath_prepend(tmp_path / "added_later")
    run_instead("import only_there; raise SystemExit(only_there.word)", tmp_path, monkeypatch)
    with pytest.raises(BaselineError, match="hello"):
        linear_baseline(*tiny, cache_dir=tmp_path)


def test_interrupted_call_ends_its_process(
    tiny: tuple[TextSplit, TextSplit], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    run_instead("import time; time.sleep(600)", tmp_path, monkeypatch)
    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        linear_baseline(*tiny, cache_dir=tmp_path)
    assert started[0].returncode == -9


def test_impossible_arguments_are_refused(tiny: tuple[TextSplit, TextSplit]) -> None:
    train, test = tiny
    with pytest.raises(ValueError, match="`k` must be at least 1; got 0"):
        linear_baseline(train, test, k=0)
    with pytest.raises(DataError, match="3 label columns and the test documents 4"):
        linear_baseline(train, some_split(["red"], [[0]], 4))
    with pytest.raises(DataError, match="none of the 2 train documents has a label"):
        linear_baseline(some_split(["red", "blue"], [[], []], 3), test)
    numeric = TextSplit(texts=None, labels=test.labels, features=test.labels)
    with pytest.raises(DataError, match="numeric features only"):
        linear_baseline(train, numeric)


def test_lists_are_those_that_the_metrics_take(computed: LinearResult, test: TextSplit) -> None:
    assert 0 < precision_at_k(computed.ranked, test.labels, 5) < 1
