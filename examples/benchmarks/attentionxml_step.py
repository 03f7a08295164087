"""A whole training step of AttentionXML-1: ours, the plain formulas, and LibMultiLabel's.

    python examples/benchmarks/attentionxml_step.py
    python examples/benchmarks/attentionxml_step.py --peer-python peer/bin/python --mixed

One bidirectional LSTM on frozen word vectors, attention with a query per label, a layer shared by
all labels, binary cross-entropy, clipping, Adam; dropout 0.2 after the vectors and 0.5 after the
LSTM.

* ``ours`` is what `fit` does: the child of the genome ``bilstm:0``, label chunk by label chunk.
* ``plain`` is the formulas as they are written: a packed LSTM, all scores (B, T, L), all contexts
  (B, L, D), a dense target (B, L).
* ``plain-unpacked`` is the same without packing; it is right only where all documents of the batch
  are equally long.
* ``libmultilabel`` is LibMultiLabel's own network and step; see `libmultilabel_peer.py`.

All begin with the same weights and get the same documents, 5 labels each, and must have the same
loss (LibMultiLabel lacks a padding mask, so with ``--mixed`` its is another). Each has a process
of its own and they take turns, step by step, so a busy machine slows all of them. Columns:
documents per second, from the median of the steps after the first; how many times as fast ours is,
the median over the rounds; the peak of the memory, in all and above what the process held before
its first step, and how many times ours they are; GFLOP of the matrix products of a step by
arithmetic; and the share of the step that these alone would take at the rate of a large product on
this machine.

A contender that would take more memory than there is gets a smaller batch, which the table shows;
its memory is then given for that batch. ``--check`` compares loss and all gradients of ours with
those of the plain formulas, without dropout, and exits.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
import time
from typing import final

import numpy as np
from safetensors.torch import save_file
import torch
from torch import nn
from torch import Tensor
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence
from torch.nn.utils.rnn import pad_packed_sequence
from turns import autocast  # type: ignore[import-not-found]  # a file beside this one
from turns import Contender
from turns import Documents
from turns import free_bytes
from turns import random_documents
from turns import random_vectors
from turns import serve
from turns import served
from turns import Settings
from turns import Sizes
from turns import Subject

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.training import backpropagate
from optuna_xmcnas.training import binary_cross_entropy
from optuna_xmcnas.training import SparseTargets


_NAMES = ("ours", "plain", "plain-unpacked", "libmultilabel")
_LABELS_PER_DOCUMENT = 5
_CLIP_NORM = 5.0
_MATRIX = 2048  # edge of the matrices that show the speed of the machine
_MARGIN = 2**31  # bytes of memory that are left to others
_PEER = Path(__file__).parent / "libmultilabel_peer.py"


def make_child(sizes: Sizes, *, has_dropout: bool = True, label_chunk: int = 0) -> ChildNetwork:
    """Return AttentionXML-1 as a child."""
    torch.manual_seed(0)
    config = ChildConfig(
        hidden=sizes.hidden,
        fully_connected=(sizes.fully_connected,),
        embedding_dropout=0.2 if has_dropout else 0.0,
        dropout=0.5 if has_dropout else 0.0,
        label_chunk=label_chunk or ChildConfig().label_chunk,
    )
    vectors = random_vectors(sizes).numpy()
    return ChildNetwork(Genome((Node("bilstm", 0),)), vectors, sizes.labels, config)


def plain_name(name: str) -> str:
    """Return the name that a parameter of the child has in `Plain`."""
    for ours, theirs in (
        ("graph.ops.0.layer.", "recurrence."),
        ("graph.ops.0.", ""),  # initial
        ("head.queries", "queries.weight"),
        ("head.layers.0.", "first."),
        ("head.layers.1.", "last."),
    ):
        if name.startswith(ours):
            return name.replace(ours, theirs)
    raise ValueError(name)


@final
class Ours:
    """A child and the step of `fit`."""

    def __init__(
        self, child: ChildNetwork, documents: Documents, device: str, context: torch.autocast
    ) -> None:
        self.child = child.to(device).train()
        self._context = context
        self._weights = [p for p in child.parameters() if p.requires_grad]
        self._optimizer = torch.optim.Adam(self._weights, lr=1e-3, fused=True)
        self._tokens = documents.tokens.to(device)
        self._lengths = documents.lengths
        self._targets = SparseTargets(
            documents.rows.to(device), documents.labels.to(device), documents.labels.numpy()
        )

    def measure_loss(self) -> float:
        """See `Subject`."""
        self.child.eval()
        targets = self._targets
        with torch.no_grad(), self._context:
            logits = self.child(self._tokens, self._lengths)
            loss = binary_cross_entropy(logits, targets.rows, targets.labels) / logits.numel()
        self.child.train()
        return float(loss)

    def backward(self) -> Tensor:
        """Compute the gradients and return the loss."""
        child = self.child
        with self._context:
            hidden = child.encode(self._tokens, self._lengths)
            prepared = child.head.prepare(hidden, child.padding(self._lengths))
        return backpropagate(child.head, prepared, self._targets, self._context)

    def step(self) -> None:
        """See `Subject`."""
        self.backward()
        torch.nn.utils.clip_grad_norm_(self._weights, _CLIP_NORM)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)


@final
class Plain(nn.Module):
    """AttentionXML-1 as its formulas are written."""

    def __init__(self, sizes: Sizes, *, is_packed: bool, has_dropout: bool = True) -> None:
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(  # type: ignore[no-untyped-call]
            random_vectors(sizes), padding_idx=0
        )
        self.embedding_dropout = nn.Dropout(0.2 if has_dropout else 0.0)
        self.recurrence = nn.LSTM(sizes.width, sizes.hidden, batch_first=True, bidirectional=True)
        self.initial = nn.Parameter(torch.zeros(2, 2, 1, sizes.hidden))
        self.dropout = nn.Dropout(0.5 if has_dropout else 0.0)
        self.queries = nn.Linear(2 * sizes.hidden, sizes.labels, bias=False)
        self.first = nn.Linear(2 * sizes.hidden, sizes.fully_connected)
        self.last = nn.Linear(sizes.fully_connected, 1)
        self._is_packed = is_packed

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits, shape (B, L)."""
        hidden = self.dropout(self._recur(self.embedding_dropout(self.embedding(tokens)), lengths))
        scores = self.queries(hidden)  # (B, T, L)
        scores = scores.masked_fill((tokens == 0)[:, :, None], -torch.inf)
        contexts = scores.softmax(dim=1).transpose(1, 2) @ hidden  # (B, L, D)
        logits: Tensor = self.last(F.relu(self.first(contexts)))
        return logits[:, :, 0]

    def _recur(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        hidden, cell = (state.expand(-1, len(embedded), -1).contiguous() for state in self.initial)
        outputs: Tensor
        if not self._is_packed:
            outputs, _ = self.recurrence(embedded, (hidden, cell))
            return outputs
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        packed, _ = self.recurrence(packed, (hidden, cell))
        outputs, _ = pad_packed_sequence(packed, batch_first=True)
        return outputs


@final
class PlainStep:
    """The plain formulas and an ordinary step."""

    def __init__(
        self, network: Plain, documents: Documents, device: str, context: torch.autocast
    ) -> None:
        self.network = network.to(device).train()
        self._context = context
        self._weights = [p for p in network.parameters() if p.requires_grad]
        self._optimizer = torch.optim.Adam(self._weights, lr=1e-3, fused=True)
        self._tokens = documents.tokens.to(device)
        self._lengths = documents.lengths
        self._targets = documents.dense_targets(network.queries.out_features).to(device)

    def measure_loss(self) -> float:
        """See `Subject`."""
        self.network.eval()
        with torch.no_grad():
            loss = self._loss()
        self.network.train()
        return float(loss)

    def backward(self) -> Tensor:
        """Compute the gradients and return the loss."""
        loss = self._loss()
        torch.autograd.backward(loss)
        return loss.detach()

    def step(self) -> None:
        """See `Subject`."""
        self.backward()
        torch.nn.utils.clip_grad_norm_(self._weights, _CLIP_NORM)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _loss(self) -> Tensor:
        with self._context:
            logits = self.network(self._tokens, self._lengths)
            return F.binary_cross_entropy_with_logits(logits, self._targets)


def make_subject(name: str, sizes: Sizes, settings: Settings, options: dict[str, int]) -> Subject:
    """Return a contender of this script."""
    documents = random_documents(sizes, _LABELS_PER_DOCUMENT)
    context = autocast(settings)
    child = make_child(sizes, label_chunk=options["label_chunk"])
    if name == "ours":
        return Ours(child, documents, settings.device, context)
    plain = Plain(sizes, is_packed=name == "plain")
    plain.load_state_dict(plain_weights(child), strict=False)
    return PlainStep(plain, documents, settings.device, context)


def plain_weights(child: ChildNetwork) -> dict[str, Tensor]:
    """Return the weights of a child under their names in `Plain`."""
    return {plain_name(name): p.detach() for name, p in child.named_parameters()}


def gflop(name: str, sizes: Sizes) -> float:
    """Return the matrix products of a step in 10^9 operations.

    The gradient of a product costs two more; but the word vectors, being frozen, need none.
    """
    n_tokens = sizes.batch_size * sizes.tokens
    if sizes.is_mixed and name in ("ours", "plain"):
        n_tokens = int(random_documents(sizes, _LABELS_PER_DOCUMENT).lengths.sum())
    d, f, e, h = 2 * sizes.hidden, sizes.fully_connected, sizes.width, sizes.hidden
    recurrence = n_tokens * 16 * h * (2 * e + 3 * h)
    attended = sizes.batch_size * sizes.tokens  # padding is multiplied too
    pairs = sizes.batch_size * sizes.labels
    if name == "ours":
        head = sizes.labels * attended * 2 * (d + f) + 2 * attended * d * f + 2 * pairs * f
    else:
        head = sizes.labels * attended * 4 * d + 2 * pairs * (d * f + f)
    return float(recurrence + 3 * head) / 1e9


def needed_bytes(name: str, sizes: Sizes) -> int:
    """Return about how much memory a contender takes, rather too much than too little."""
    pairs = sizes.batch_size * sizes.labels
    table = 16 * sizes.labels * 2 * sizes.hidden  # weights, gradients, Adam's two
    tokens = 4 * sizes.batch_size * sizes.tokens * 40 * sizes.hidden
    if name == "ours":
        return int(table + tokens + 2**29)
    scores, contexts = sizes.tokens, 4 * sizes.hidden + 2 * sizes.fully_connected
    return int(table + tokens + 4 * pairs * (4 * scores + contexts) + 2**29)


def matrix_rate(settings: Settings) -> float:
    """Return the GFLOP/s of a large product; what disturbs the machine only makes it slower."""
    dtype = torch.bfloat16 if settings.precision == "bfloat16" else torch.float32
    matrix = torch.randn(_MATRIX, _MATRIX, device=settings.device).to(dtype)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        times.append(time.perf_counter() - began)
    return 2 * _MATRIX**3 / min(times) / 1e9


@dataclass(frozen=True)
class Row:
    """What was found of one contender."""

    name: str
    sizes: Sizes
    seconds: tuple[float, ...]  # of each step after the first
    loss: float
    peak_bytes: int
    bytes_before: int

    @property
    def per_document(self) -> tuple[float, ...]:
        """Return the seconds of a document in each round."""
        return tuple(seconds / self.sizes.batch_size for seconds in self.seconds)

    @property
    def added_bytes(self) -> int:
        """Return the peak above what there was before the first step."""
        return self.peak_bytes - self.bytes_before


def fit_batch(name: str, sizes: Sizes, limit: int) -> Sizes:
    """Return the sizes, with a batch that fits into memory."""
    while needed_bytes(name, sizes) > limit and sizes.batch_size > 1:
        sizes = replace(sizes, batch_size=sizes.batch_size // 2)
    return sizes


def compare(
    names: Sequence[str], sizes: Sizes, settings: Settings, args: argparse.Namespace
) -> list[Row]:
    """Return a row for each contender; the first is compared with the others."""
    limit = int(args.memory_gib * 2**30) if args.memory_gib else free_bytes() - _MARGIN
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_file(plain_weights(make_child(sizes)), weights)
        fitting = {name: fit_batch(name, sizes, limit) for name in names}
        contenders: dict[str, Contender] = {}
        try:
            for name in names:
                command = (
                    [args.peer_python, _PEER]
                    if name == "libmultilabel"
                    else [sys.executable, __file__, "--contender", name, "--request"]
                )
                contenders[name] = Contender(
                    command, fitting[name], settings, weights, {"label_chunk": args.label_chunk}
                )
            losses = {name: contender.loss() for name, contender in contenders.items()}
            seconds: dict[str, list[float]] = {name: [] for name in names}
            for _ in range(args.rounds + 1):
                for name, contender in contenders.items():
                    seconds[name].append(contender.step())
            return [
                Row(
                    name,
                    fitting[name],
                    tuple(seconds[name][1:]),
                    losses[name],
                    contender.peak_bytes(),
                    contender.bytes_before,
                )
                for name, contender in contenders.items()
            ]
        finally:
            for contender in contenders.values():
                contender.close()


def check_losses(rows: Sequence[Row], settings: Settings) -> None:
    """Stop where contenders that must agree do not."""
    tolerance = 1e-2 if settings.precision == "bfloat16" else 1e-4
    ours, *others = rows
    for row in others:
        if row.sizes != ours.sizes or (row.name == "libmultilabel" and row.sizes.is_mixed):
            continue  # other documents, or padding that counts
        if not np.isclose(row.loss, ours.loss, rtol=tolerance):
            raise SystemExit(f"{row.name} must have the loss {ours.loss}; got {row.loss}.")


def show(rows: Sequence[Row], rate: float) -> None:
    """Print the lines of one setting."""
    ours = rows[0]
    for row in rows:
        times = row.per_document
        ratio = median(
            theirs / mine for theirs, mine in zip(times, ours.per_document, strict=True)
        )
        product = gflop(row.name, row.sizes)
        share = product / rate / median(row.seconds)
        print(
            f"{row.sizes.tokens:6} {row.sizes.labels:7} {row.name:>14} {row.sizes.batch_size:6} "
            f"{1 / median(times):8.2f} {ratio:7.2f} "
            f"{row.peak_bytes / 2**20:9.0f} {row.peak_bytes / ours.peak_bytes:6.2f} "
            f"{row.added_bytes / 2**20:9.0f} {row.added_bytes / ours.added_bytes:6.2f} "
            f"{product:8.1f} {share:9.0%}",
            flush=True,
        )


def check(sizes: Sizes) -> None:
    """Compare loss and gradients of ours and of the plain formulas."""
    documents = random_documents(sizes, _LABELS_PER_DOCUMENT)
    context = torch.autocast("cpu", enabled=False)
    child = make_child(sizes, has_dropout=False, label_chunk=sizes.labels // 3 + 1)
    torch.nn.init.normal_(child.graph.ops[0].get_parameter("initial"), std=0.1)
    plain = Plain(sizes, is_packed=True, has_dropout=False)
    plain.load_state_dict(plain_weights(child), strict=False)
    ours = Ours(child, documents, "cpu", context)
    theirs = PlainStep(plain, documents, "cpu", context)
    torch.testing.assert_close(ours.backward(), theirs.backward())
    expected = dict(plain.named_parameters())
    largest = 0.0
    for name, parameter in child.named_parameters():
        wanted = expected[plain_name(name)].grad
        assert wanted is not None
        assert parameter.grad is not None
        # against the largest: entries that nearly vanish are sums of what does not
        scale = wanted.abs().max().item()
        largest = max(largest, (parameter.grad - wanted).abs().max().item() / scale)
    if largest > 1e-4:
        raise SystemExit(f"a gradient differs by {largest:.1g} of its largest entry.")
    print(f"same loss and gradients, up to {largest:.1g} of the largest entry")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options, measure, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 500], help="T")
    parser.add_argument("--labels", type=int, nargs="+", default=[3993, 30938], help="L")
    parser.add_argument("--batch-size", type=int, default=40, help="B")
    parser.add_argument("--hidden", type=int, default=256, help="units per direction")
    parser.add_argument("--fully-connected", type=int, default=256, help="F")
    parser.add_argument("--words", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=300, help="of a word vector")
    parser.add_argument("--mixed", action="store_true", help="documents of several lengths")
    parser.add_argument("--rounds", type=int, default=5, help="timed steps of each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--label-chunk", type=int, default=0, help="ours; 0: its default")
    parser.add_argument("--contenders", nargs="+", choices=_NAMES[1:], default=["plain"])
    parser.add_argument("--peer-python", help="of an environment with LibMultiLabel: adds it")
    parser.add_argument(
        "--memory-gib", type=float, help="for one contender; default: what is free"
    )
    parser.add_argument("--check", action="store_true", help="compare gradients and exit")
    parser.add_argument("--contender", choices=_NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--request", help=argparse.SUPPRESS)  # what a contender is asked for
    args = parser.parse_args(arguments)
    if args.contender:
        sizes, settings, _, options = served(args.request)
        serve(make_subject(args.contender, sizes, settings, options), settings)
        return

    settings = Settings(args.device, args.precision, args.threads)
    torch.set_num_threads(args.threads)
    names = ["ours", *args.contenders]
    if args.peer_python and "libmultilabel" not in names:
        names.append("libmultilabel")
    print(
        f"batch {args.batch_size}, {args.hidden} units per direction, fully connected "
        f"{args.fully_connected}, {'mixed' if args.mixed else 'equal'} lengths; {args.precision} "
        f"on {args.device}, {args.threads} threads"
    )
    rates = []
    is_first = True
    for tokens in args.tokens:
        for labels in args.labels:
            sizes = Sizes(
                batch_size=args.batch_size,
                tokens=tokens,
                labels=labels,
                hidden=args.hidden,
                fully_connected=args.fully_connected,
                words=args.words,
                width=args.width,
                is_mixed=args.mixed,
            )
            if args.check:
                check(sizes)
                continue
            rates.append(matrix_rate(settings))
            rows = compare(names, sizes, settings, args)
            check_losses(rows, settings)
            if is_first:
                print(
                    "tokens  labels      contender  batch   docs/s   ratio  peak MiB  ratio "
                    "added MiB  ratio    GFLOP  products"
                )
                is_first = False
            show(rows, max(rates))
    if rates:
        print(f"a product of {_MATRIX} x {_MATRIX} matrices: {max(rates):.0f} GFLOP/s")


if __name__ == "__main__":
    main()
