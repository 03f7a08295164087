"""Seconds of a training on this machine as it is now.

A throw-away child takes real steps on random documents of two lengths; a step then takes
a + b tokens. Where the child would not fit into memory nothing is run: its multiplications are
counted and divided by the measured rate of a matrix product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import statistics
import time
from typing import TYPE_CHECKING

import torch

from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.planning.rehearsal import random_split
from optuna_xmcnas.planning.rehearsal import random_vectors
from optuna_xmcnas.planning.rehearsal import take_step
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import resolve_device


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.planning.parameters import ParameterCount
    from optuna_xmcnas.training import TrainingConfig


_WORDS = 1000  # of the random documents
_PLACES = 5  # of the ranking in an evaluation
_EVALUATION_FACTOR = 2  # documents that are scored together, against a training step
_SHORT = 8  # the short documents have one of so many tokens of the usual ones
_REPEATS = 3  # steps of each length; the median counts
_SQUARE = 1024  # size of the product that measures the machine's rate
_BACKWARD = 3  # multiplications of a step against those of its forward pass
_EFFICIENCY = 0.3  # of a training against a large product (training_step.py: 0.2 to 0.5)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a step of so many tokens takes, padding included.

    Attributes:
        base: Seconds of a batch without tokens.
        per_token: Seconds of a token.
        scoring_base: The same where a batch is only scored.
        scoring_per_token: The same.
        is_measured: Whether a child was run; else it follows from its multiplications.
    """

    base: float
    per_token: float
    scoring_base: float
    scoring_per_token: float
    is_measured: bool

    def training(self, n_batches: int, n_tokens: int) -> float:
        """Return the seconds of so many steps."""
        return n_batches * self.base + n_tokens * self.per_token

    def scoring(self, n_batches: int, n_tokens: int) -> float:
        """Return the seconds of scoring so many batches."""
        return n_batches * self.scoring_base + n_tokens * self.scoring_per_token


def measure_pace(
    genome: Genome,
    config: ChildConfig,
    training: TrainingConfig,
    *,
    vector_width: int,
    n_labels: int,
    n_tokens: int,
    budget_s: float,
) -> Pace:
    """Time some steps of a throw-away child.

    Args:
        genome: The searched part.
        config: The fixed parts.
        training: Batch size, device and precision.
        vector_width: Of a word vector.
        n_labels: Labels.
        n_tokens: Tokens of a usual batch per document, padding included.
        budget_s: Seconds this may take, about; documents become shorter to keep to it.
    """
    device = resolve_device(training.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        vectors = random_vectors(_WORDS, vector_width)
        child = ChildNetwork(genome, vectors, n_labels, config).to(device).train()
        weights = [parameter for parameter in child.parameters() if parameter.requires_grad]
        optimizer = torch.optim.Adam(weights, lr=0.0, fused=True)
        n_documents = training.batch_size

        def step(length: int) -> None:
            split = random_split(n_documents, length, _WORDS, n_labels)
            take_step(child, optimizer, split, training)
            _wait(device)

        def score(length: int) -> None:
            n_scored = _EVALUATION_FACTOR * n_documents
            split = random_split(n_scored, length, _WORDS, n_labels)
            predict_top_k(
                child,
                split,
                _PLACES,
                batch_size=n_scored,
                device=str(device),
                precision=training.precision,
            )
            _wait(device)

        base, per_token = _line(step, n_documents, n_tokens, 0.75 * budget_s)
        scored = _EVALUATION_FACTOR * n_documents
        scoring_base, scoring_per_token = _line(score, scored, n_tokens, 0.25 * budget_s)
    return Pace(
        base=base,
        per_token=per_token,
        scoring_base=scoring_base,
        scoring_per_token=scoring_per_token,
        is_measured=True,
    )


def estimate_pace(
    parameters: ParameterCount,
    config: ChildConfig,
    training: TrainingConfig,
    *,
    width: int,
    n_labels: int,
) -> Pace:
    """Return the pace that the multiplications of a child let expect.

    Args:
        parameters: Of the child: each weight of the encoder is used once a token.
        config: The attention and the widths of the shared network.
        training: Batch size and device.
        width: Of a token's state, after the combination of the nodes.
        n_labels: Labels.
    """
    per_token, per_document = float(parameters.encoder), float(parameters.head)
    if config.attention == "label":
        first, *rest = (*config.fully_connected, 1)
        per_token += n_labels * (width + first)  # scores, and the weighted mean
        per_document = n_labels * sum(a * b for a, b in zip((first, *rest), rest, strict=False))
    seconds = 2 / (_EFFICIENCY * _product_rate(resolve_device(training.device)))
    scored = _EVALUATION_FACTOR * training.batch_size
    return Pace(
        base=_BACKWARD * seconds * per_document * training.batch_size,
        per_token=_BACKWARD * seconds * per_token,
        scoring_base=seconds * per_document * scored,
        scoring_per_token=seconds * per_token,
        is_measured=False,
    )


def _line(
    run: Callable[[int], None], n_documents: int, n_tokens: int, budget_s: float
) -> tuple[float, float]:
    """Return a and b of seconds = a + b tokens, from documents of two lengths."""
    began = time.perf_counter()
    short = max(1, n_tokens // _SHORT)
    run(short)  # what the first one makes and keeps is not counted
    at_short = _usual(run, short)
    left = budget_s - (time.perf_counter() - began)
    longest = int(short * left / (_REPEATS * max(at_short, 1e-6)))
    long = max(min(n_tokens, longest), 2 * short)
    at_long = _usual(run, long)
    per_token = max(0.0, (at_long - at_short) / (n_documents * (long - short)))
    return max(0.0, at_short - per_token * n_documents * short), per_token


def _usual(run: Callable[[int], None], length: int) -> float:
    seconds = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        run(length)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def _product_rate(device: torch.device) -> float:
    """Return the multiplications and additions per second of a large product."""
    square = torch.ones(_SQUARE, _SQUARE, device=device)

    def product(_: int) -> None:
        square @ square
        _wait(device)

    product(0)
    return 2 * _SQUARE**3 / _usual(product, 0)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
