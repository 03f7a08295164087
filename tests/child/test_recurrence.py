"""The ways to run a recurrence against each other and against PyTorch on single texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.child.recurrence import Recurrence


_LENGTHS = torch.tensor([5, 1, 8, 3, 8])
_Run = Callable[[Recurrence, Tensor, Tensor], Tensor]
_RUNS: list[_Run] = [Recurrence.packed, Recurrence.unpacked, Recurrence.forward]
_CASES = [
    ("lstm", Recurrence.together),
    *((kind, run) for kind in ("lstm", "gru") for run in _RUNS),
]


def _op(kind: str) -> Recurrence:
    torch.manual_seed(0)
    op = Recurrence("lstm" if kind == "lstm" else "gru", 4, 6)
    torch.nn.init.normal_(op.initial)  # as if it were trained
    return op


def _batch() -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    mask = ~padding_mask(_LENGTHS, int(_LENGTHS.max()))
    return torch.randn(*mask.shape, 4) * mask[:, :, None], mask


def _one_by_one(op: Recurrence, inputs: Tensor) -> Tensor:
    """Return the outputs of PyTorch's own layer, text by text, real tokens one after another."""
    outputs = []
    for text, length in zip(inputs, _LENGTHS.tolist(), strict=True):
        state = tuple(op.initial) if op.kind == "lstm" else op.initial[0]
        output, _ = op.layer(text[None, :length], state)
        outputs.append(output[0])
    return torch.cat(outputs)


@pytest.mark.parametrize(("kind", "run"), _CASES)
def test_outputs_are_those_of_single_texts(kind: str, run: _Run) -> None:
    op = _op(kind)
    inputs, mask = _batch()
    torch.testing.assert_close(run(op, inputs, mask)[mask], _one_by_one(op, inputs))


@pytest.mark.parametrize(("kind", "run"), _CASES)
@pytest.mark.parametrize("is_training", [True, False])
def test_gradients_are_those_of_single_texts(kind: str, run: _Run, is_training: bool) -> None:
    op = _op(kind).train(is_training)
    inputs, mask = _batch()
    inputs.requires_grad_()
    weights = torch.randn(int(mask.sum()), 6)
    wanted = [inputs, *op.parameters()]
    expected = torch.autograd.grad((_one_by_one(op, inputs) * weights).sum(), wanted)
    found = torch.autograd.grad((run(op, inputs, mask)[mask] * weights).sum(), wanted)
    torch.testing.assert_close(found, expected)


def test_a_large_batch_trains_in_both_directions_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Taken(Exception):
        pass

    def together(*_: object) -> Tensor:
        raise Taken

    monkeypatch.setattr(Recurrence, "together", together)
    op = Recurrence("lstm", 2, 2 * 64)
    inputs, mask = torch.randn(64, 256, 2), torch.ones(64, 256, dtype=torch.bool)
    with pytest.raises(Taken):
        op(inputs, mask)
    assert op(inputs[:, :255], mask[:, :255]).shape == (64, 255, 128)
    with torch.no_grad():
        assert op(inputs, mask).shape == (64, 256, 128)


def test_word_vectors_that_are_frozen_change_no_other_gradient() -> None:
    op = _op("lstm")
    inputs, mask = _batch()
    parameters = list(op.parameters())
    frozen = torch.autograd.grad(op.together(inputs, mask).square().sum(), parameters)
    inputs.requires_grad_()
    trained = torch.autograd.grad(op.together(inputs, mask).square().sum(), parameters)
    torch.testing.assert_close(frozen, trained)


def test_a_second_gradient_of_the_same_graph_is_refused() -> None:
    op = _op("lstm")
    outputs = op.together(*_batch()).sum()
    torch.autograd.grad(outputs, [op.initial], retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(outputs, [op.initial])


@pytest.mark.parametrize(("kind", "n_states"), [("lstm", 2), ("gru", 1)])
def test_the_initial_state_is_learned_per_direction_and_begins_at_zero(
    kind: str, n_states: int
) -> None:
    initial = Recurrence("lstm" if kind == "lstm" else "gru", 4, 6).initial
    assert initial.requires_grad
    assert initial.shape == (n_states, 2, 1, 3)
    assert not initial.any()


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`out_width` must be even.*got 5"):
        Recurrence("lstm", 4, 5)
