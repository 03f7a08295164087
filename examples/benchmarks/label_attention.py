"""Label attention as the package computes it, against the formulas as they are written.

    python examples/benchmarks/label_attention.py
    python examples/benchmarks/label_attention.py --texts 40 --tokens 500 --labels 4000

One step is the head of a child, from given states of the tokens to the gradients of all
weights and states: attention with a query per label, a fully connected layer, binary
cross-entropy, and back.

* ``plain`` makes all scores (B, T, L), all contexts (B, L, D) and a dense target (B, L).
* ``ours`` is what training runs: the first layer before attention, one chunk of labels at a time
  forwards and backwards, sparse targets.

Both must give the same loss. Each configuration has a process of its own, so that the peak of its
resident memory is its own; the table shows by how much the peak exceeds what was in memory when
weights and states had been made (gradients are part of it). On a CUDA device it is what PyTorch
allocated. ``plain`` needs about 4 B L (2 D + 2 F + T) bytes, 3 GiB at the default sizes and
30,000 labels: make ``--texts`` smaller before other sizes larger. On a machine that does other
things meanwhile, one thread (``OMP_NUM_THREADS=1``) gives the steadier table.

The bound is arithmetic, B texts, T tokens, D width, F first layer, L labels; forwards

    plain  B L (2 T D + 2 T D + 2 D F + 2 F)
    ours   B L (2 T D + 2 T F + 2 F) + 2 B T D F

floating-point operations, and with the gradient three times as many. The column GFLOP/s divides
them by the time; what the machine can do at most is in the last line, a product of two large
matrices.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from dataclasses import dataclass
import json
import subprocess
import sys
import time

import numpy as np
import torch
from torch import Tensor
import torch.nn.functional as F

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child.heads import LabelAttentionHead
from optuna_xmcnas.training import backpropagate
from optuna_xmcnas.training import PeakMemory
from optuna_xmcnas.training import SparseTargets


_LABELS_PER_TEXT = 5
_METHODS = ("plain", "ours")
_MATRIX = 2048  # edge of the matrices that show the speed of the machine


@dataclass(frozen=True)
class Sizes:
    """What is measured."""

    texts: int  # B
    tokens: int  # T
    width: int  # D
    fully_connected: int  # F
    labels: int  # L
    chunk: int

    def gflop(self, method: str) -> float:
        """Return the arithmetic of a step, forwards and backwards, in 10^9 operations."""
        b, t, d, f = self.texts, self.tokens, self.width, self.fully_connected
        if method == "plain":
            forward = b * self.labels * (4 * t * d + 2 * d * f + 2 * f)
        else:
            forward = b * self.labels * (2 * t * d + 2 * t * f + 2 * f) + 2 * b * t * d * f
        return 3 * forward / 1e9


_SMALL = Sizes(texts=2, tokens=3, width=4, fully_connected=3, labels=20, chunk=8)


@dataclass(frozen=True)
class Measurement:
    """What one process found."""

    seconds: float  # of the fastest step after the first
    peak_bytes: int  # above what was there before the first step
    loss: float


class Step:
    """One batch and a head; calling it computes the loss and all gradients."""

    def __init__(self, method: str, sizes: Sizes, device: torch.device) -> None:
        torch.manual_seed(0)
        config = ChildConfig(fully_connected=(sizes.fully_connected,), label_chunk=sizes.chunk)
        self.head = LabelAttentionHead(sizes.width, sizes.labels, config).to(device)
        shape = (sizes.texts, sizes.tokens)
        self.hidden = torch.randn(*shape, sizes.width, device=device, requires_grad=True)
        lengths = torch.linspace(0.8 * sizes.tokens, sizes.tokens, sizes.texts).ceil()
        self.padding = (torch.arange(sizes.tokens) >= lengths[:, None]).to(device)
        labels = np.sort(np.random.default_rng(0).integers(sizes.labels, size=sizes.texts * 9))
        labels = np.unique(labels)[: sizes.texts * _LABELS_PER_TEXT]
        texts = torch.arange(len(labels)) % sizes.texts
        self.targets = SparseTargets(texts.to(device), torch.from_numpy(labels).to(device), labels)
        self.compute = self._plain if method == "plain" else self._ours

    def __call__(self) -> float:
        """Return the loss; the gradients are in place when it does."""
        self.hidden.grad = None
        self.head.zero_grad(set_to_none=True)
        return self.compute().item()

    def _ours(self) -> Tensor:
        prepared = self.head.prepare(self.hidden, self.padding)
        return backpropagate(self.head, prepared, self.targets, nullcontext())

    def _plain(self) -> Tensor:
        scores = self.hidden @ self.head.queries.T  # (B, T, L)
        scores = scores.masked_fill(self.padding[:, :, None], -torch.inf)
        contexts = scores.softmax(dim=1).transpose(1, 2) @ self.hidden  # (B, L, D)
        first, last = self.head.layers
        logits = last(first(contexts).relu())[:, :, 0]  # (B, L)
        dense = torch.zeros_like(logits)
        dense[self.targets.rows, self.targets.labels] = 1
        loss = F.binary_cross_entropy_with_logits(logits, dense)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()


def measure(method: str, sizes: Sizes, repeats: int, device: torch.device) -> Measurement:
    """Return time and memory of a step; meant for a process that does nothing else."""
    Step(method, _SMALL, device)()  # libraries load what they need
    step = Step(method, sizes, device)
    memory = PeakMemory(device)
    before = memory.read()
    loss = step()
    peak = memory.read() - before
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return Measurement(min(times), peak, loss)


def machine_gflop_per_second(device: torch.device) -> float:
    """Return the speed of a product of two large float32 matrices."""
    matrix = torch.randn(_MATRIX, _MATRIX, device=device)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        times.append(time.perf_counter() - began)
    return 2 * _MATRIX**3 / min(times) / 1e9


def measure_in_own_process(
    method: str, sizes: Sizes, repeats: int, device: torch.device
) -> Measurement:
    """Return what `measure` returns in a fresh interpreter."""
    request = {"method": method, "sizes": asdict(sizes), "repeats": repeats, "device": str(device)}
    command = [sys.executable, __file__, "--request", json.dumps(request)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Measurement(**json.loads(answer.stdout))


def compare(sizes: Sizes, methods: Sequence[str], repeats: int, device: torch.device) -> None:
    """Print one line for each method, and stop if their losses differ."""
    losses = []
    for method in methods:
        found = measure_in_own_process(method, sizes, repeats, device)
        losses.append(found.loss)
        gflop = sizes.gflop(method)
        print(
            f"{sizes.labels:7,d}  {method:6s} {sizes.texts / found.seconds:9.2f} "
            f"{found.seconds:9.3f} {found.peak_bytes / 2**20:9,.0f} {gflop:9.1f} "
            f"{gflop / found.seconds:9.1f}",
            flush=True,
        )
    if not np.allclose(losses, losses[0], rtol=1e-4):
        raise SystemExit(f"the methods {methods} must give the same loss; got {losses}.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=16, help="B, texts of a batch")
    parser.add_argument("--tokens", type=int, default=128, help="T, tokens of a text")
    parser.add_argument("--width", type=int, default=512, help="D, width of a token's state")
    parser.add_argument("--fully-connected", type=int, default=256, help="F, width of the layer")
    parser.add_argument("--labels", type=int, nargs="+", default=[4_000, 30_000], help="L")
    parser.add_argument("--chunk", type=int, default=512, help="labels of a chunk (ours)")
    parser.add_argument("--repeats", type=int, default=3, help="timed steps; the fastest counts")
    parser.add_argument("--methods", nargs="+", choices=_METHODS, default=list(_METHODS))
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--request", help=argparse.SUPPRESS)  # what a child process measures
    options = parser.parse_args(arguments)
    if options.request:
        request = json.loads(options.request)
        found = measure(
            request["method"],
            Sizes(**request["sizes"]),
            request["repeats"],
            torch.device(request["device"]),
        )
        print(json.dumps(asdict(found)))
        return
    device = torch.device(options.device)
    print(
        f"{options.texts} texts of {options.tokens} tokens, width {options.width}, fully "
        f"connected {options.fully_connected}, chunks of {options.chunk}; float32 on {device}, "
        f"{torch.get_num_threads()} threads"
    )
    print(" labels  method   texts/s    s/step  peak MiB     GFLOP   GFLOP/s", flush=True)
    for labels in options.labels:
        sizes = Sizes(
            options.texts,
            options.tokens,
            options.width,
            options.fully_connected,
            labels,
            options.chunk,
        )
        compare(sizes, options.methods, options.repeats, device)
    print(f"a product of {_MATRIX} x {_MATRIX} matrices: {machine_gflop_per_second(device):.0f}")


if __name__ == "__main__":
    main()
