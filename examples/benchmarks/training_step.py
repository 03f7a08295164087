"""What a training step costs, op by op, and how near it is to its matrix products.

Random documents of the size of the embedded data set and one child per op. The children take
turns of some steps each: compare rows of one table, not of two runs on a machine that does other
things meanwhile.

    python examples/benchmarks/training_step.py
    python examples/benchmarks/training_step.py --batch-size 256 --threads 2 --attention label

Columns: documents per second; milliseconds per step; the share of the step in the embedding and
the encoder (forward), in the head and the loss (forward), in the backward pass, and in clipping
and Adam; GFLOP of the matrix products of a step, and the share of the step that these alone would
take at the rate of a large product on this machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
import itertools
import time
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.flop_counter import FlopCounterMode

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.training import Batch
from optuna_xmcnas.training import binary_cross_entropy
from optuna_xmcnas.training import load_batches
from optuna_xmcnas.training import training_order


Clock: TypeAlias = Callable[[], float]

CPU = torch.device("cpu")
PHASES = ("encoder", "head + loss", "backward", "optimiser")
WARM_UP = 3  # steps at the beginning of a turn that do not count
SQUARE = 1024  # size of the product that measures the machine's rate


@dataclass(frozen=True)
class Subject:
    """A child and its optimiser."""

    name: str
    child: ChildNetwork
    weights: list[torch.nn.Parameter]
    optimizer: torch.optim.Optimizer

    def step(self, batch: Batch, clock: Clock = time.perf_counter) -> list[float]:
        """Take one step as training does and return the seconds of each phase.

        Unlike there, all labels are scored before any is sent backwards, to tell phases apart.
        """
        child = self.child
        n_scores = len(batch.documents) * child.n_labels
        marks = [clock()]
        hidden = child.encode(batch.tokens, batch.lengths)
        marks.append(clock())
        prepared = child.head.prepare(hidden, child.padding(batch.lengths))
        losses = [
            binary_cross_entropy(
                child.head.score(prepared, start, stop), *batch.targets.within(start, stop)
            )
            for start, stop in child.head.chunks()
        ]
        loss = torch.stack(losses).sum() / n_scores
        marks.append(clock())
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        marks.append(clock())
        torch.nn.utils.clip_grad_norm_(self.weights, 5.0)
        self.optimizer.step()
        marks.append(clock())
        return [later - sooner for sooner, later in itertools.pairwise(marks)]


def random_documents(args: argparse.Namespace) -> TokenSplit:
    """Return documents of random words; a few labels are frequent, most are rare."""
    rng = np.random.default_rng(0)
    # a long-tailed length, 40 words on average before the cut at --tokens
    lengths = np.clip(rng.gamma(2.0, 20.0, args.documents).astype(np.int64), 1, args.tokens)
    shares = 1 / np.arange(1, args.labels + 1)
    draws = rng.choice(args.labels, size=(args.documents, 4), p=shares / shares.sum())
    return TokenSplit(
        tokens=rng.integers(2, args.words, lengths.sum()).astype(np.int32),
        offsets=np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]),
        labels=label_matrix(draws.tolist(), args.labels),
    )


def make_subject(op: str, vectors: npt.NDArray[np.float32], args: argparse.Namespace) -> Subject:
    """Return a child of one node."""
    torch.manual_seed(0)
    config = ChildConfig(hidden=args.hidden, attention=args.attention)
    child = ChildNetwork(Genome((Node(op, 0),)), vectors, args.labels, config)
    weights = [parameter for parameter in child.parameters() if parameter.requires_grad]
    return Subject(op, child, weights, torch.optim.Adam(weights, fused=True))


def gflop(subject: Subject, batch: Batch) -> float:
    """Return the matrix products of a step, forward and backward, counted by PyTorch."""
    # a recurrence then consists of plain products, which the counter knows
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    with FlopCounterMode(display=False) as counter:
        subject.step(batch)
    torch.backends.mkldnn.enabled = True  # type: ignore[assignment]
    return float(counter.get_total_flops()) / 1e9


def product_rate(clock: Clock, repeats: int = 9) -> float:
    """Return the GFLOP/s of a large product; what disturbs the machine only makes it slower."""
    square = torch.randn(SQUARE, SQUARE)
    times = []
    for _ in range(repeats):
        start = clock()
        square @ square
        times.append(clock() - start)
    return 2 * SQUARE**3 / 1e9 / min(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--documents", type=int, default=16_000)
    parser.add_argument("--tokens", type=int, default=64, help="the longest document")
    parser.add_argument("--words", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=100, help="of a word vector")
    parser.add_argument("--labels", type=int, default=4_700)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--attention", choices=("self", "label"), default="self")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10, help="measured steps of a turn")
    parser.add_argument("--turns", type=int, default=5, help="turns of each child")
    parser.add_argument("--ops", nargs="+", default=list(DEFAULT_OPS))
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    # one thread: its own time, in which other programs do not count
    clock = time.process_time if args.threads == 1 else time.perf_counter
    documents = random_documents(args)
    order = training_order(documents.lengths, args.batch_size, seed=0, epoch=1)
    batches = list(load_batches(documents, order[: WARM_UP + args.steps], CPU))
    vectors = np.random.default_rng(0).normal(size=(args.words, args.width)).astype(np.float32)
    vectors[0] = 0
    subjects = [make_subject(op, vectors, args) for op in args.ops]
    products = [
        float(np.mean([gflop(subject, batch) for batch in batches[WARM_UP:]]))
        for subject in subjects
    ]

    rates = []
    times: list[list[list[float]]] = [[] for _ in subjects]
    for _ in range(args.turns):
        rates.append(product_rate(clock))
        for subject, measured in zip(subjects, times, strict=True):
            measured += [subject.step(batch, clock) for batch in batches][WARM_UP:]
    rate = max(rates)
    typical = np.quantile(times, 0.25, axis=1)  # (subjects, phases)

    print(
        f"{args.threads} thread(s), batch {args.batch_size}, {args.attention} attention, "
        f"{args.labels} labels, {args.hidden} units, mean length "
        f"{documents.lengths.mean():.1f}; {rate:.0f} GFLOP/s"
    )
    print(f"{'op':>10} {'docs/s':>8} {'ms':>7}", *(f"{p:>12}" for p in PHASES), end="")
    print(f" {'GFLOP':>7} {'products':>9}")
    for subject, phases, product in zip(subjects, typical, products, strict=True):
        total = phases.sum()
        print(f"{subject.name:>10} {args.batch_size / total:8.0f} {1e3 * total:7.1f}", end=" ")
        print(*(f"{share:12.0%}" for share in phases / total), end="")
        print(f" {product:7.2f} {product / rate / total:9.0%}")


if __name__ == "__main__":
    main()
