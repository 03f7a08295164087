from __future__ import annotations

import pytest
import torch
from torch import Tensor

from optuna_xmcnas.child.attention import DynamicMaxPooling
from optuna_xmcnas.child.attention import label_attention
from optuna_xmcnas.child.attention import padding_bias
from optuna_xmcnas.child.attention import SelfAttention
from optuna_xmcnas.child.embedding import padding_mask


_LENGTHS = torch.tensor([4, 1, 7])


def _states(width: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(3, 7, width), padding_mask(_LENGTHS, 7)


def test_label_attention_is_the_equations_of_the_paper_label_by_label() -> None:
    keys, padding = _states(5)
    values, queries = torch.randn(3, 7, 4), torch.randn(6, 5)
    summaries = label_attention(keys, values, queries, padding_bias(padding))
    assert summaries.shape == (3, 6, 4)
    for text, length in enumerate(_LENGTHS.tolist()):
        for label, query in enumerate(queries):
            powers = torch.stack([(query @ h).exp() for h in keys[text, :length]])
            shares = powers / powers.sum()
            expected = sum(a * v for a, v in zip(shares, values[text, :length], strict=True))
            torch.testing.assert_close(summaries[text, label], expected)


def test_label_attention_stays_finite_at_scores_that_overflow_an_exponential() -> None:
    keys = torch.tensor([[[200.0], [-200.0], [0.0]]])
    bias = torch.zeros(1, 3)
    summaries = label_attention(keys, keys, torch.tensor([[1.0], [-1.0]]), bias)
    torch.testing.assert_close(summaries, torch.tensor([[[200.0], [-200.0]]]))


def test_label_attention_gives_padding_no_gradient() -> None:
    keys, padding = _states(5)
    keys.requires_grad_()
    summaries = label_attention(keys, keys, torch.randn(6, 5), padding_bias(padding))
    (gradient,) = torch.autograd.grad(summaries.sum(), [keys])
    assert gradient.isfinite().all()
    assert not gradient[padding].any()


def test_self_attention_is_the_formula_of_lin_et_al_text_by_text() -> None:
    states, padding = _states(6)
    attention = SelfAttention(6, 5, 2)
    summaries = attention(states, padding)
    assert summaries.shape == (3, 12)
    for text, length in enumerate(_LENGTHS.tolist()):
        h = states[text, :length]  # (T, D)
        hidden = (attention.hidden.weight @ h.T).tanh()  # (A, T)
        weights = (attention.queries.weight @ hidden).softmax(dim=1)  # (R, T)
        torch.testing.assert_close(summaries[text], (weights @ h).flatten())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_self_attention_gives_padding_no_gradient(dtype: torch.dtype) -> None:
    states, padding = _states(6)
    states = states.to(dtype).requires_grad_()
    SelfAttention(6, 5, 2).to(dtype)(states, padding).sum().backward()
    assert states.grad is not None
    assert states.grad.isfinite().all()
    assert not states.grad[padding].any()


@pytest.mark.parametrize("n_parts", [1, 2, 3, 8])
def test_dynamic_pooling_takes_the_maximum_of_each_part_of_each_text(n_parts: int) -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([5, 1, 7])
    padding = padding_mask(lengths, 7)
    states = torch.randn(3, 7, 4)
    found = DynamicMaxPooling(n_parts)(states, padding).view(3, n_parts, 4)
    for text, length in enumerate(lengths.tolist()):
        for part in range(n_parts):
            own = [t for t in range(length) if t * n_parts // length == part]
            expected = states[text, own].amax(dim=0) if own else torch.zeros(4)
            torch.testing.assert_close(found[text, part], expected)


def test_dynamic_pooling_gives_padding_no_gradient() -> None:
    padding = torch.tensor([[False, True, True]])
    states = torch.randn(1, 3, 2, requires_grad=True)
    DynamicMaxPooling(2)(states, padding).sum().backward()
    assert states.grad is not None
    torch.testing.assert_close(states.grad[0], torch.tensor([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]))
