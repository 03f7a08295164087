"""Contenders that take turns, each in a process of its own; not a script of its own.

Whatever else the machine does then hits all of them alike, and the peak of a process's resident
memory is that of one contender. This file needs NumPy and PyTorch only, so that a peer in an
environment of its own can import it.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
from dataclasses import asdict
from dataclasses import dataclass
import json
import os
from pathlib import Path
import subprocess
import sys
import time
from typing import Any
from typing import final
from typing import Protocol

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Sizes:
    """What is measured."""

    batch_size: int  # B
    tokens: int  # T
    labels: int  # L
    hidden: int  # units per direction; D is twice that
    fully_connected: int  # F
    words: int
    width: int  # E, of a word vector
    is_mixed: bool  # whether documents have several lengths


@dataclass(frozen=True)
class Settings:
    """How it is measured."""

    device: str
    precision: str
    threads: int


@dataclass(frozen=True)
class Documents:
    """A batch.

    Attributes:
        tokens: Word numbers, shape (B, T), int64, 0 where padded.
        lengths: Tokens of each document, shape (B,), int64.
        rows: Document of each positive pair, shape (P,), int64.
        labels: Label of each positive pair, ascending.
    """

    tokens: Tensor
    lengths: Tensor
    rows: Tensor
    labels: Tensor

    def dense_targets(self, n_labels: int) -> Tensor:
        """Return an array of zeros and ones, shape (B, L)."""
        targets = torch.zeros(len(self.tokens), n_labels)
        targets[self.rows, self.labels] = 1
        return targets


class Subject(Protocol):
    """A network that can take steps on one batch."""

    def measure_loss(self) -> float:
        """Return the loss without dropout, and leave everything as it was."""

    def step(self) -> None:
        """Take a whole training step."""


def random_documents(sizes: Sizes, labels_per_document: int) -> Documents:
    """Return documents of random words, some labels each; the same for the same sizes."""
    rng = np.random.default_rng(0)
    lengths = np.full(sizes.batch_size, sizes.tokens)
    if sizes.is_mixed:  # long-tailed; some documents are cut, as the longest of a batch often is
        draws = rng.lognormal(np.log(0.5 * sizes.tokens), 0.7, sizes.batch_size)
        lengths = np.clip(draws.astype(np.int64), 1, sizes.tokens)
        lengths[0] = sizes.tokens
    tokens = rng.integers(2, sizes.words, (sizes.batch_size, sizes.tokens))
    tokens[np.arange(sizes.tokens) >= lengths[:, None]] = 0
    n_labels = min(labels_per_document, sizes.labels)
    pairs = [
        (label, row)
        for row in range(sizes.batch_size)
        for label in rng.choice(sizes.labels, n_labels, replace=False).tolist()
    ]
    labels, rows = np.array(sorted(pairs)).T
    return Documents(*map(torch.from_numpy, (tokens, lengths, rows.copy(), labels.copy())))


def random_vectors(sizes: Sizes) -> Tensor:
    """Return word vectors, shape (words, E), that of the padding zero."""
    vectors = torch.randn(sizes.words, sizes.width, generator=torch.Generator().manual_seed(0))
    vectors[0] = 0
    return vectors


def autocast(settings: Settings) -> torch.autocast:
    """Return the context in which a forward pass runs."""
    is_reduced = settings.precision == "bfloat16"
    return torch.autocast(settings.device, dtype=torch.bfloat16, enabled=is_reduced)


def serve(subject: Subject, settings: Settings) -> None:
    """Answer the requests of a `Contender`, a line each, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not be taken for an answer
    is_cuda = settings.device == "cuda"
    synchronise: Callable[[], object] = torch.cuda.synchronize if is_cuda else lambda: None
    if settings.device == "cuda":
        torch.cuda.reset_peak_memory_stats()

    def answer(**values: float) -> None:
        if settings.device == "cuda":
            values["device_bytes"] = torch.cuda.max_memory_allocated()
        print(json.dumps(values), file=answers, flush=True)

    answer()
    for line in sys.stdin:
        synchronise()
        began = time.perf_counter()
        if line.strip() == "loss":
            answer(loss=subject.measure_loss())
        else:
            subject.step()
            synchronise()
            answer(seconds=time.perf_counter() - began)


def served(request: str) -> tuple[Sizes, Settings, Path, dict[str, Any]]:
    """Return what a `Contender` passed to its process on the command line."""
    values = json.loads(request)
    settings = Settings(**values["settings"])
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    return Sizes(**values["sizes"]), settings, Path(values["weights"]), values["options"]


@final
class Contender:
    """A process that takes a step whenever it is told to.

    Args:
        command: What it runs; the request is added as JSON.
        sizes: What is measured.
        settings: How.
        weights: A file with the weights to begin with.
        options: For this contender alone.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        sizes: Sizes,
        settings: Settings,
        weights: Path,
        options: Mapping[str, Any],
    ) -> None:
        request = {
            "sizes": asdict(sizes),
            "settings": asdict(settings),
            "weights": str(weights),
            "options": dict(options),
        }
        # see `optuna-xmcnas search`: with other programs on the cores, spinning costs much
        environment = {"GOMP_SPINCOUNT": "1000", **os.environ}
        environment["OMP_NUM_THREADS"] = str(settings.threads)
        self._process = subprocess.Popen(
            [*map(str, command), json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._is_on_device = settings.device != "cpu"
        self._device_bytes = 0
        self._read()
        self.bytes_before = self._peak() if not self._is_on_device else self._device_bytes
        self._reset_peak()

    def loss(self) -> float:
        """Return the loss without dropout; call it before the first step."""
        return float(self._ask("loss")["loss"])

    def step(self) -> float:
        """Return the seconds of a step."""
        return float(self._ask("step")["seconds"])

    def peak_bytes(self) -> int:
        """Return the most memory it had so far, from before the first request on."""
        return self._device_bytes if self._is_on_device else self._peak()

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()

    def _ask(self, what: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(what, file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a contender ended with status {self._process.wait()}.")
        values: dict[str, Any] = json.loads(line)
        self._device_bytes = values.get("device_bytes", 0)
        return values

    def _reset_peak(self) -> None:
        with contextlib.suppress(OSError):  # not Linux, or not permitted
            Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def _peak(self) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024  # given in KiB


def free_bytes() -> int:
    """Return how much memory programs could take at this moment."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    line = next(line for line in lines if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024
