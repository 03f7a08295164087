"""The heads against slow, obvious formulas, and every way to cut labels into chunks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
import math

import pytest
import torch
from torch import Tensor
import torch.nn.functional as F

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child.config import Attention
from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.child.heads import Head
from optuna_xmcnas.child.heads import label_ranges
from optuna_xmcnas.child.heads import LabelAttentionHead
from optuna_xmcnas.child.heads import make_head
from optuna_xmcnas.child.heads import prior_logit
from optuna_xmcnas.child.heads import rows
from optuna_xmcnas.child.heads import SummaryHead


_WIDTH = 10
_N_LABELS = 37
_LENGTHS = torch.tensor([6, 2, 9])
_ATTENTIONS: list[Attention] = ["label", "self", "maxpool"]


def _head(attention: Attention, chunk: int = 1024, *widths: int) -> Head:
    torch.manual_seed(0)
    config = ChildConfig(
        attention=attention, label_chunk=chunk, fully_connected=widths or (7, 6), hidden=5
    )
    head = make_head(_WIDTH, _N_LABELS, config)
    if isinstance(head, SummaryHead):
        head.chunk = chunk  # smaller than what makes sense, to have several chunks
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # biases too
    return head


def _batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    padding = padding_mask(_LENGTHS, 9)
    return torch.randn(3, 9, _WIDTH).masked_fill(padding[:, :, None], 0), padding


def _obvious_label_scores(head: Head, hidden: Tensor, padding: Tensor) -> Tensor:
    """Return all scores with the context of every label in memory: AttentionXML as written."""
    assert isinstance(head, LabelAttentionHead)
    scores = (hidden @ head.queries.T).masked_fill(padding[:, :, None], -torch.inf)  # (B, T, L)
    outputs: Tensor = scores.softmax(dim=1).transpose(1, 2) @ hidden  # (B, L, W)
    *layers, last = head.layers
    for layer in layers:
        outputs = layer(outputs).relu()
    outputs = last(outputs)  # (B, L, 1)
    return outputs[:, :, 0]


def _obvious_summary_scores(head: Head, hidden: Tensor, padding: Tensor) -> Tensor:
    assert isinstance(head, SummaryHead)
    outputs = head.attention(hidden, padding)
    for layer in head.layers:
        outputs = layer(outputs).relu()
    scores: Tensor = head.output(outputs)
    return scores


_OBVIOUS: dict[str, Callable[[Head, Tensor, Tensor], Tensor]] = {
    "label": _obvious_label_scores,
    "self": _obvious_summary_scores,
    "maxpool": _obvious_summary_scores,
}


def _scores(head: Head, hidden: Tensor, padding: Tensor) -> Tensor:
    prepared = head.prepare(hidden, padding)
    return torch.cat([head.score(prepared, *chunk) for chunk in head.chunks()], dim=1)


@pytest.mark.parametrize("attention", _ATTENTIONS)
@pytest.mark.parametrize("widths", [(7,), (7, 6), (30,), (9, 8, 7)])
@pytest.mark.parametrize("chunk", [1, 5, 36, 37, 1024])
def test_scores_and_gradients_are_those_of_the_obvious_formula(
    attention: Attention, widths: tuple[int, ...], chunk: int
) -> None:
    head = _head(attention, chunk, *widths)
    hidden, padding = _batch()
    hidden.requires_grad_()
    found = _scores(head, hidden, padding)
    expected = _OBVIOUS[attention](head, hidden, padding)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    wanted = [hidden, *head.parameters()]
    weights = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), wanted),
        torch.autograd.grad((expected * weights).sum(), wanted),
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_a_head_without_fully_connected_layers_works(attention: Attention) -> None:
    config = ChildConfig(attention=attention, fully_connected=(), hidden=5)
    head = make_head(_WIDTH, _N_LABELS, config)
    hidden, padding = _batch()
    expected = _OBVIOUS[attention](head, hidden, padding)
    torch.testing.assert_close(_scores(head, hidden, padding), expected)


@pytest.mark.parametrize("attention", _ATTENTIONS)
@pytest.mark.parametrize("chunk", [4, 1024])
@pytest.mark.parametrize("label_range", [(0, 1), (3, 4), (2, 11), (4, 8), (30, 37), (0, 37)])
def test_any_label_range_can_be_scored(
    attention: Attention, chunk: int, label_range: tuple[int, int]
) -> None:
    head = _head(attention, chunk)
    prepared = head.prepare(*_batch())
    expected = _OBVIOUS[attention](head, *_batch())
    found = head.score(prepared, *label_range)
    torch.testing.assert_close(found, expected[:, slice(*label_range)], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_chunks_sent_backwards_one_by_one_give_the_whole_gradient(
    attention: Attention,
) -> None:
    head = _head(attention, 8)
    hidden, padding = _batch()
    hidden.requires_grad_()
    wanted = [hidden, *head.parameters()]
    whole = F.softplus(_OBVIOUS[attention](head, hidden, padding)).sum()
    expected = torch.autograd.grad(whole, wanted)
    prepared = head.prepare(hidden, padding)
    leaves = tuple(t.detach().requires_grad_(t.requires_grad) for t in prepared)
    for start, stop in head.chunks():
        F.softplus(head.score(leaves, start, stop)).sum().backward()  # type: ignore[no-untyped-call]
    pairs = [(t, leaf.grad) for t, leaf in zip(prepared, leaves, strict=True) if t.requires_grad]
    torch.autograd.backward([t for t, _ in pairs], [gradient for _, gradient in pairs])
    torch.testing.assert_close([w.grad for w in wanted], list(expected), atol=1e-4, rtol=1e-4)


@contextmanager
def _kept_sizes() -> Iterator[list[int]]:
    sizes: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        yield sizes


def test_no_tensor_holds_a_context_of_full_width_per_label() -> None:
    torch.manual_seed(0)
    n_labels, width = 500, 64
    head = LabelAttentionHead(width, n_labels, ChildConfig(fully_connected=(4,)))
    hidden = torch.randn(2, 3, width, requires_grad=True)
    padding = torch.zeros(2, 3, dtype=torch.bool)
    with _kept_sizes() as sizes:
        head.score(head.prepare(hidden, padding), 0, n_labels)
    assert max(sizes) == n_labels * width  # the queries: no text has its own
    assert sorted(sizes)[-2] <= 2 * n_labels * 4


@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_chunks_cover_all_labels_in_order(attention: Attention) -> None:
    ranges = list(_head(attention, 8).chunks())
    assert (ranges[0][0], ranges[-1][1]) == (0, _N_LABELS)
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert all(0 < stop - start <= 8 for start, stop in ranges)


def test_ranges_of_an_exact_multiple_have_no_empty_one() -> None:
    assert label_ranges(6, 3) == [(0, 3), (3, 6)]
    assert label_ranges(1, 3) == [(0, 1)]


def test_rows_of_a_split_tensor_are_those_of_the_whole() -> None:
    whole = torch.arange(20).view(10, 2)
    for size in (1, 3, 5, 10, 99):
        chunks = whole.split(size)  # type: ignore[no-untyped-call]
        for start in range(10):
            for stop in range(start + 1, 11):
                assert rows(chunks, start, stop).equal(whole[start:stop])


@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_labels_begin_rare(attention: Attention) -> None:
    torch.manual_seed(0)
    n_labels = 4000
    head = make_head(_WIDTH, n_labels, ChildConfig(attention=attention))
    with torch.no_grad():
        expected_labels = _scores(head, *_batch()).sigmoid().sum(dim=1)  # per text
    assert ((expected_labels > 1) & (expected_labels < 25)).all()


@pytest.mark.parametrize(
    ("n_labels", "expected_labels"), [(1, 0.2), (10, 2), (25, 5), (4000, 5), (3_000_000, 5)]
)
def test_the_first_logit_says_five_labels_per_text_or_a_fifth_of_all(
    n_labels: int, expected_labels: float
) -> None:
    probability = 1 / (1 + math.exp(-prior_logit(n_labels)))
    assert probability * n_labels == pytest.approx(expected_labels)


@pytest.mark.parametrize(("n_texts", "n_tokens"), [(40, 500), (40, 128), (3, 5000), (1, 1)])
def test_blocks_of_texts_follow_each_other_and_fit_a_cache(n_texts: int, n_tokens: int) -> None:
    head = _head("label")
    prepared = head.prepare(
        torch.zeros(n_texts, n_tokens, _WIDTH), torch.zeros(n_texts, n_tokens, dtype=torch.bool)
    )
    blocks = head.blocks(prepared)
    assert [i for first, last in blocks.ranges for i in range(first, last)] == list(range(n_texts))
    sizes = {last - first for first, last in blocks.ranges}
    assert max(sizes) == 1 or max(sizes) * n_tokens <= 2048
    assert {len(tensor) for tensor in prepared[: blocks.n_tensors]} == {n_texts}
