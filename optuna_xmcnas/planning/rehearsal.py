"""The memory of a training step, from the same step on a few short documents.

The real code runs, on real tensors of the real widths; only the batch is tiny. Every tensor of it
has a size of p + q B + r B T, so what is alive after each operation has that form too, and three
batches tell p, q and r of every moment. The step on a batch of any size is then known, whatever
the operations are, those of a user included.

A child of many labels is rehearsed with two chunks of them: no more than one is in memory at a
time. A fourth batch with half the labels tells what grows with their number.

Letters: B documents, T tokens, L labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
import sys
from typing import final
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import recurrence
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.planning.ledger import Ledger
from optuna_xmcnas.training import backpropagate
from optuna_xmcnas.training import load_batches
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import resolve_device
from optuna_xmcnas.training.device import autocast


if TYPE_CHECKING:
    import numpy.typing as npt

    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.child import Head
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.training import TrainingConfig


_SIZES = ((2, 8), (4, 8), (2, 24))  # B, T: never 1, at which copies become unnecessary
_FLOAT = 4  # bytes
_WORDS = 30  # of the tiny documents
_PLACES = 5  # of the ranking in an evaluation


@dataclass(frozen=True)
class Recorded:
    """Bytes alive after each operation, the names of these, and the tensors alive at the end."""

    live: Sequence[int]
    names: Sequence[str]
    n_held: int = 0


@final
class Moments:
    """Bytes alive at the moments of a step, for any size of the batch.

    Args:
        runs: Of the batches of `_SIZES` and, where labels are to be scaled, of one like the first
            with fewer labels.
        n_labels: Labels of the rehearsal, then of the one with fewer.
    """

    def __init__(self, runs: Sequence[Recorded], n_labels: Sequence[int]) -> None:
        first, more_documents, longer, *fewer_labels = _aligned(runs)
        (b, t), (more_b, _), (_, more_t) = _SIZES
        per_document = (more_documents - first) / (more_b - b)  # q + r T
        per_token = (longer - first) / (b * (more_t - t))  # r
        self._per_token = per_token
        self._per_document = per_document - per_token * t
        self._constant = first - per_document * b
        self._n_labels = n_labels[0]
        self._per_label = np.zeros_like(first)
        if fewer_labels:
            # of the smallest batch, so that little of it is what a chunk takes per document
            difference = (first - fewer_labels[0]) / (n_labels[0] - n_labels[1])
            self._per_label = np.clip(difference, 0.0, None)

    def at(self, n_documents: int, n_tokens: int, n_labels: int) -> npt.NDArray[np.float64]:
        """Return the bytes at each moment.

        Args:
            n_documents: B.
            n_tokens: T.
            n_labels: L.
        """
        more_labels = max(0, n_labels - self._n_labels)
        tensors = self._per_document * n_documents + self._per_token * n_documents * n_tokens
        total: npt.NDArray[np.float64] = self._constant + self._per_label * more_labels + tensors
        return total


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a child holds in memory besides its weights and the optimiser.

    Attributes:
        forward: From the words to what the head needs of a batch.
        loop: From there until all labels were scored and sent backwards. Where texts are divided
            for that, the rehearsal was of one part of them.
        backward: From there to the end of the step.
        evaluation: Of a batch that is only scored.
        node_width: Of a node's output.
        head: Tells how texts are divided.
        shared_bytes: Gradients per token of what the encoder hands to the head.
        is_unrolled: Whether something runs token by token, so its tensors are many and tiny.
    """

    forward: Moments
    loop: Moments
    backward: Moments
    evaluation: Moments
    node_width: int
    head: Head
    shared_bytes: float
    is_unrolled: bool

    def kept(self, n_documents: int, n_tokens: int, n_labels: int) -> int:
        """Return the bytes that the encoder keeps for the way back."""
        return int(self.forward.at(n_documents, n_tokens, n_labels)[-1])

    def step_peak(self, n_documents: int, n_tokens: int, n_labels: int) -> int:
        """Return the most bytes alive in a step."""
        size = (n_documents, n_tokens, n_labels)
        part = self.part(n_documents, n_tokens)
        # in the loop all texts are kept, with room for their gradients; only some are scored
        in_loop = self.loop.at(part, n_tokens, n_labels).max()
        others = self.kept(*size) - self.kept(part, n_tokens, n_labels)
        others += int(self.shared_bytes * (n_documents - part) * n_tokens)
        peaks = (self.forward.at(*size).max(), in_loop + others, self.backward.at(*size).max())
        return int(max(peaks))

    def part(self, n_documents: int, n_tokens: int) -> int:
        """Return how many texts are scored together in a step."""
        states = torch.empty(1).expand(n_documents, n_tokens, 1)
        first, last = self.head.blocks((states,)).ranges[0]
        return last - first

    def evaluation_peak(self, n_documents: int, n_tokens: int, n_labels: int) -> int:
        """Return the most bytes alive while a batch is scored."""
        return int(self.evaluation.at(n_documents, n_tokens, n_labels).max())


def rehearse(
    genome: Genome,
    config: ChildConfig,
    training: TrainingConfig,
    *,
    vector_width: int,
    n_labels: int,
    is_large: bool = False,
) -> Rehearsal:
    """Run tiny steps of a throw-away child and return what memory the real ones take.

    Args:
        genome: The searched part.
        config: The fixed parts.
        training: Its device and precision.
        vector_width: Of a word vector.
        n_labels: L.
        is_large: Whether recurrences shall run as they do on large batches; see `is_large`.
    """
    device = resolve_device(training.device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        make = partial(_child, genome, vector_width=vector_width)
        halved = replace(config, label_chunk=max(1, config.label_chunk // 2))
        few = min(n_labels, 2 * _chunk(genome, config))
        counts = [few]
        child = make(config, n_labels=few)
        runs = [(child, b, t) for b, t in _SIZES]
        fewer = 2 * _chunk(genome, halved)
        if fewer < few < n_labels:  # as many chunks, of half the size
            counts.append(fewer)
            runs.append((make(halved, n_labels=fewer), *_SIZES[0]))
        with _recurrences_as(is_large=is_large):
            _run(child, *_SIZES[0], training)  # what the first step makes and keeps is not counted
            series = [_run(child, b, t, training) for child, b, t in runs]
    forward, loop, backward, evaluation = zip(*series, strict=True)
    is_by_label = config.attention == "label"
    first_width = (*config.fully_connected, 1)[0]
    return Rehearsal(
        forward=Moments(forward, counts),
        loop=Moments(loop, counts),
        backward=Moments(backward, counts),
        evaluation=Moments(evaluation, counts),
        node_width=config.width,
        head=child.head,
        shared_bytes=_FLOAT * (child.mix.width + first_width) if is_by_label else 0.0,
        is_unrolled=len({run.n_held for run in forward}) > 1,
    )


def is_large(config: ChildConfig, n_documents: int, n_tokens: int) -> bool:
    """Tell whether recurrences run a batch in the way that saves memory."""
    return n_documents * n_tokens * config.hidden >= recurrence._LARGE


@contextmanager
def _recurrences_as(*, is_large: bool) -> Iterator[None]:
    """Let recurrences take tiny batches for large ones, or for small ones."""
    threshold = recurrence._LARGE
    recurrence._LARGE = 0 if is_large else sys.maxsize
    try:
        yield
    finally:
        recurrence._LARGE = threshold


def random_split(n_documents: int, n_tokens: int, n_words: int, n_labels: int) -> TokenSplit:
    """Return documents of random words, each with a few random labels."""
    rng = np.random.default_rng(0)
    rows = [sorted({*rng.integers(n_labels, size=3).tolist()}) for _ in range(n_documents)]
    return TokenSplit(
        tokens=rng.integers(1, n_words, n_documents * n_tokens).astype(np.int32),
        offsets=np.arange(n_documents + 1) * n_tokens,
        labels=label_matrix(rows, n_labels),
    )


def random_vectors(n_words: int, width: int) -> npt.NDArray[np.float32]:
    """Return word vectors; that of the padding is zero."""
    vectors = np.random.default_rng(0).standard_normal((n_words, width), dtype=np.float32)
    vectors[0] = 0.0
    return vectors


def take_step(
    child: ChildNetwork,
    optimizer: torch.optim.Optimizer,
    split: TokenSplit,
    training: TrainingConfig,
    on_prepared: Callable[[Tensor], None] = lambda hidden: None,
) -> None:
    """Take a step on all documents of a split, as a training does.

    Args:
        child: In training mode.
        optimizer: Of its weights.
        split: The documents.
        training: Device, precision and clipping.
        on_prepared: Called between the encoder's forward pass and the head, with what the encoder
            gave.
    """
    device = resolve_device(training.device)
    weights = [parameter for parameter in child.parameters() if parameter.requires_grad]
    precision = autocast(device, training.precision)
    for batch in load_batches(split, [np.arange(len(split))], device):
        with precision:
            hidden = child.encode(batch.tokens, batch.lengths)
            prepared = child.head.prepare(hidden, child.padding(batch.lengths))
        on_prepared(prepared[0])
        loss = backpropagate(child.head, prepared, batch.targets, precision)
        torch.nn.utils.clip_grad_norm_(weights, training.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()


def _child(
    genome: Genome, config: ChildConfig, *, vector_width: int, n_labels: int
) -> ChildNetwork:
    return ChildNetwork(genome, random_vectors(_WORDS, vector_width), n_labels, config)


def _chunk(genome: Genome, config: ChildConfig) -> int:
    """Return how many labels are in memory at a time."""
    with torch.device("meta"):
        return _child(genome, config, vector_width=1, n_labels=1).head.chunk


def _run(
    child: ChildNetwork, n_documents: int, n_tokens: int, training: TrainingConfig
) -> tuple[Recorded, Recorded, Recorded, Recorded]:
    """Return what the encoder, the labels, the way back and an evaluation hold."""
    device = resolve_device(training.device)
    split = random_split(n_documents, n_tokens, _WORDS, child.n_labels)
    child.to(device).train()
    weights = [parameter for parameter in child.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(weights, lr=0.0)  # the moments of Adam are counted apart
    n_forward = n_loop = n_held = 0
    with Ledger() as ledger:

        def mark_backward(_: Tensor) -> None:
            nonlocal n_loop
            n_loop = len(ledger.live)

        def mark(shared: Tensor) -> None:
            nonlocal n_forward, n_held
            n_forward, n_held = len(ledger.live), ledger.n_held
            shared.register_hook(mark_backward)  # type: ignore[no-untyped-call]

        take_step(child, optimizer, split, training, mark)
    with Ledger() as scoring:
        predict_top_k(
            child,
            split,
            _PLACES,
            batch_size=n_documents,
            device=str(device),
            precision=training.precision,
        )
    return (
        Recorded(ledger.live[:n_forward], ledger.names[:n_forward], n_held),
        Recorded(ledger.live[n_forward:n_loop], ledger.names[n_forward:n_loop]),
        Recorded(ledger.live[n_loop:], ledger.names[n_loop:]),
        Recorded(scoring.live, scoring.names),
    )


def _aligned(runs: Sequence[Recorded]) -> list[npt.NDArray[np.float64]]:
    """Return the bytes at moments that mean the same in all runs.

    They are the operations, unless there are more of them where texts are longer: a recurrence
    that runs token by token. Then an operation that all runs have equally often marks the
    beginning of a section, and a section counts with its largest value.
    """
    arrays = [np.asarray(run.live, np.float64) for run in runs]
    if len({len(array) for array in arrays}) == 1:
        return arrays
    counts = [Counter(run.names) for run in runs]
    marks = {name for name in counts[0] if len({count[name] for count in counts}) == 1}
    moments = []
    for run, array in zip(runs, arrays, strict=True):
        starts = [i for i, name in enumerate(run.names) if i == 0 or name in marks]
        moments.append(np.append(np.maximum.reduceat(array, starts), array[-1]))
    return moments
