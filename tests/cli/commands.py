"""The commands in processes of their own, and a tiny data set for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from optuna import load_study
from optuna import Study

from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.study import open_storage


TINY = """
[search]
n_trials = 2
population_size = 2
sample_size = 2

[space]
ops = ["conv1", "maxpool3"]
min_layers = 1
max_layers = 2

[data]
max_tokens = 20
validation_documents = 30
vector_size = 16

[child]
hidden = 8
fully_connected = [8]

[training]
epochs = 1
batch_size = 32
patience = 100_000
"""
_PATIENCE_S = 120.0  # for something that is about to happen, on busy cores
_ENVIRONMENT = {
    "COLUMNS": "160",
    "NO_COLOR": "1",
    "OMP_NUM_THREADS": "1",
    "OPTUNA_XMCNAS_NO_DASHBOARD": "1",  # its figures take each process two seconds
    "PYTHONUNBUFFERED": "1",
}


def write_data(folder: Path, *, n_train: int = 200) -> None:
    """Write a data set as plain text files."""
    raw = synthetic_dataset(n_train=n_train, n_test=40)
    folder.mkdir()
    assert raw.test is not None
    for name, split in (("train", raw.train), ("test", raw.test)):
        assert split.texts is not None
        (folder / f"{name}_texts.txt").write_text("\n".join(split.texts) + "\n")
        rows = (split.labels[[i]].indices for i in range(len(split)))
        labels = (" ".join(raw.label_names[j] for j in row) for row in rows)
        (folder / f"{name}_labels.txt").write_text("\n".join(labels) + "\n")


def write_config(path: Path, *, epochs: int = 1) -> None:
    path.write_text(TINY.replace("epochs = 1", f"epochs = {epochs}"))


def start(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start a command."""
    return subprocess.Popen(
        [sys.executable, "-m", "optuna_xmcnas", *arguments],
        cwd=folder,
        env={**os.environ, **_ENVIRONMENT, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a job in the background, such as these tests may be, hands on that Ctrl-C is ignored
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    """Wait until a command has ended, and return what it said."""
    try:
        out, errors = process.communicate(timeout=_PATIENCE_S)
    finally:
        process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    return end(start(folder, *arguments, **variables))


def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that other processes are about to do."""
    deadline = time.monotonic() + _PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def study_of(storage: str, name: str) -> Study:
    return load_study(study_name=name, storage=open_storage(storage, patience_s=30))
