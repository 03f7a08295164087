"""The whole child: AttentionXML as a special case, padding, sizes, precision."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.child.config import Attention
from optuna_xmcnas.child.heads import LabelAttentionHead
from optuna_xmcnas.child.recurrence import Recurrence
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node


_ATTENTIONS: list[Attention] = ["label", "self", "maxpool"]
_COMBINATIONS: list[Literal["sum", "concat"]] = ["sum", "concat"]
_N_WORDS = 30
_N_LABELS = 11


def _genome(*nodes: tuple[str, int]) -> Genome:
    return Genome(tuple(Node(op, source) for op, source in nodes))


def _vectors(n_words: int = _N_WORDS, width: int = 5) -> npt.NDArray[np.float32]:
    vectors = np.random.default_rng(0).standard_normal((n_words, width)).astype(np.float32)
    vectors[0] = 0
    return vectors


def _child(genome: Genome, config: ChildConfig | None = None) -> ChildNetwork:
    torch.manual_seed(0)
    config = config or ChildConfig(hidden=4, fully_connected=(6,), label_chunk=4)
    child = ChildNetwork(genome, _vectors(), _N_LABELS, config)
    for parameter in child.parameters():
        nn.init.normal_(parameter, std=0.5)  # no zero that could hide a mistake
    return child.eval()


def _batch(*lengths: int) -> tuple[Tensor, Tensor]:
    """Return texts whose tokens depend on their length alone; garbage follows the short ones."""
    tokens = torch.full((len(lengths), max(lengths)), _N_WORDS - 1)
    for row, length in enumerate(lengths):
        generator = torch.Generator().manual_seed(length)
        tokens[row, :length] = torch.randint(1, _N_WORDS, (length,), generator=generator)
    return tokens, torch.tensor(lengths)


def _attention_xml_1(child: ChildNetwork, text: Tensor) -> Tensor:
    """Return the scores that AttentionXML-1 gives to one text, label by label."""
    (op,) = child.graph.ops
    head = child.head
    assert isinstance(op, Recurrence)
    assert isinstance(head, LabelAttentionHead)
    first, last = head.layers
    embedded = child.embedding.vectors[text]  # (T, E)
    hidden, _ = op.layer(embedded, (op.initial[0][:, 0], op.initial[1][:, 0]))  # (T, D)
    scores = []
    for query in head.queries:
        weights = torch.stack([query @ h for h in hidden]).softmax(dim=0)
        context = sum(a * h for a, h in zip(weights, hidden, strict=True))
        scores.append(last(first(context).relu())[0])
    return torch.stack(scores)


def test_one_bilstm_is_attention_xml_1() -> None:
    child = _child(_genome(("bilstm", 0)))
    tokens, lengths = _batch(3, 9, 1)
    with torch.no_grad():
        found = child(tokens, lengths)
        for row, length in enumerate(lengths.tolist()):
            expected = _attention_xml_1(child, tokens[row, :length])
            torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("n_labels", [1, 3993])
def test_one_bilstm_has_the_parameters_of_attention_xml_1(n_labels: int) -> None:
    child = ChildNetwork(_genome(("bilstm", 0)), _vectors(3, 300), n_labels, ChildConfig())
    per_direction = 4 * 256 * (300 + 256) + 2 * 4 * 256  # weights, then PyTorch's two biases
    initial_states = 4 * 256  # h and c of two directions
    head = 131_585
    assert child.n_parameters == 2 * per_direction + initial_states + n_labels * 512 + head


def test_further_nodes_add_their_op_and_one_weight() -> None:
    config = ChildConfig(hidden=4)
    one, two, three = (
        ChildNetwork(_genome(*[("conv3", 0)] * n), _vectors(), 9, config).n_parameters
        for n in (1, 2, 3)
    )
    conv3 = 3 * 5 * 8 + 8
    assert two - one == conv3 + 2  # a single node has no weight in the sum
    assert three - two == conv3 + 1


def test_a_concatenation_widens_queries_and_first_layer() -> None:
    sizes = {
        combine: ChildNetwork(
            _genome(("conv1", 0), ("conv1", 0)),
            _vectors(),
            9,
            ChildConfig(hidden=4, fully_connected=(6,), combine=combine),
        ).n_parameters
        for combine in _COMBINATIONS
    }
    assert sizes["concat"] - sizes["sum"] == 9 * 8 + 8 * 6 - 2


def test_word_vectors_count_only_when_they_are_trained() -> None:
    genome = _genome(("conv1", 0))
    frozen = ChildNetwork(genome, _vectors(), 9, ChildConfig(hidden=4))
    trained = ChildNetwork(genome, _vectors(), 9, ChildConfig(hidden=4, train_embedding=True))
    assert trained.n_parameters - frozen.n_parameters == _vectors().size
    assert set(trained.state_dict()) - set(frozen.state_dict()) == {"embedding.vectors"}


@pytest.mark.parametrize("op", DEFAULT_OPS)
@pytest.mark.parametrize("attention", _ATTENTIONS)
@pytest.mark.parametrize("combine", _COMBINATIONS)
def test_a_text_scores_the_same_whatever_stands_beside_it(
    op: str, attention: Attention, combine: Literal["sum", "concat"]
) -> None:
    config = ChildConfig(
        hidden=4, fully_connected=(6,), label_chunk=4, attention=attention, combine=combine
    )
    child = _child(_genome((op, 0), (op, 1), ("conv3", 2)), config)
    lengths = (5, 12, 1, 7)
    with torch.no_grad():
        alone = torch.cat([child(*_batch(length)) for length in lengths])
        together = child(*_batch(*lengths))
        tokens, _ = _batch(*lengths, 40)  # much longer padding
        padded = child(tokens[:4], torch.tensor(lengths))
        beside_a_long_text = child(*_batch(*lengths, 40))[:4]
    for other in (together, padded, beside_a_long_text):
        torch.testing.assert_close(other, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("op", DEFAULT_OPS)
@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_the_gradient_of_a_batch_is_the_sum_over_its_texts(op: str, attention: Attention) -> None:
    config = ChildConfig(
        hidden=4,
        fully_connected=(6,),
        label_chunk=4,
        attention=attention,
        embedding_dropout=0,
        dropout=0,
        train_embedding=True,
    )
    child = _child(_genome((op, 0), (op, 1)), config).train()
    with torch.no_grad():
        child.embedding.vectors[0] = 0
    lengths = (5, 12, 1, 7)
    parameters = list(child.parameters())
    together = torch.autograd.grad(child(*_batch(*lengths)).square().mean(1).sum(), parameters)
    alone = [
        torch.autograd.grad(child(*_batch(length)).square().mean(1).sum(), parameters)
        for length in lengths
    ]
    summed = tuple(torch.stack(gradients).sum(dim=0) for gradients in zip(*alone, strict=True))
    torch.testing.assert_close(together, summed, atol=1e-4, rtol=1e-4)


def test_scores_for_a_gradient_keep_nothing_as_large_as_the_attention_of_a_chunk() -> None:
    config = ChildConfig(hidden=4, fully_connected=(6,), label_chunk=200)
    child = ChildNetwork(_genome(("conv1", 0)), _vectors(), 1000, config)
    sizes = []

    def keep(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        child(*_batch(50, 49))
    assert max(sizes) < 200 * 2 * 50  # c B T
    assert sum(sizes) < 1000 * 2 * 50


@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_chunks_change_neither_scores_nor_gradients(attention: Attention) -> None:
    results = []
    for chunk in (1, 4, 1024):
        config = ChildConfig(
            hidden=4, fully_connected=(6,), label_chunk=chunk, attention=attention
        )
        child = _child(_genome(("bigru", 0), ("conv3", 1)), config)
        scores = child(*_batch(4, 9))
        results.append((scores, *torch.autograd.grad(scores.sum(), list(child.parameters()))))
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], atol=1e-5, rtol=1e-5)


def test_dropout_acts_in_training_only() -> None:
    child = _child(_genome(("conv1", 0)))
    batch = _batch(4, 9)
    assert child(*batch).equal(child(*batch))
    child.train()
    assert not child(*batch).equal(child(*batch))


@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_a_seed_fixes_weights_and_scores(attention: Attention) -> None:
    scores = []
    for _ in range(2):
        torch.manual_seed(3)
        genome = _genome(*[(op, i) for i, op in enumerate(DEFAULT_OPS)])
        config = ChildConfig(hidden=4, attention=attention)
        child = ChildNetwork(genome, _vectors(), _N_LABELS, config)
        scores.append(child(*_batch(4, 9)))  # in training: dropout is seeded as well
    assert scores[0].equal(scores[1])


@pytest.mark.parametrize("op", DEFAULT_OPS)
@pytest.mark.parametrize("attention", _ATTENTIONS)
def test_bfloat16_changes_scores_by_rounding_only(op: str, attention: Attention) -> None:
    config = ChildConfig(hidden=4, fully_connected=(6,), label_chunk=4, attention=attention)
    child = _child(_genome((op, 0), (op, 1)), config)
    batch = _batch(4, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reduced = child(*batch)
        loss = reduced.float().square().mean()
    loss.backward()
    scale = child(*batch).abs().max().item()
    torch.testing.assert_close(reduced.float(), child(*batch), atol=0.05 * scale, rtol=0)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in child.parameters())


def test_lengths_and_padding_agree_with_the_hidden_states() -> None:
    child = _child(_genome(("conv3", 0)))
    tokens, _ = _batch(12)
    lengths = torch.tensor([7])
    hidden, padding = child.encode(tokens, lengths), child.padding(lengths)
    assert hidden.shape == (1, 7, 8)
    assert padding.shape == (1, 7)


def test_an_op_of_the_user_runs_in_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    class Projection(nn.Module):
        def __init__(self, in_width: int, out_width: int) -> None:
            super().__init__()
            self.layer = nn.Linear(in_width, out_width)

        def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
            outputs: Tensor = self.layer(inputs)
            return outputs

    monkeypatch.setattr(ops, "_FACTORIES", dict(ops._FACTORIES))
    register_op("projection", Projection)
    child = _child(_genome(("projection", 0), ("projection", 1)))
    assert child(*_batch(4, 9)).shape == (2, _N_LABELS)


def test_node_weights_belong_to_the_sum() -> None:
    genome = _genome(("conv1", 0), ("conv3", 0), ("maxpool3", 1))
    vectors = _vectors()
    summed = ChildNetwork(genome, vectors, 9, ChildConfig(hidden=4))
    assert summed.node_weights() == pytest.approx((1 / 3,) * 3)
    beside = ChildNetwork(genome, vectors, 9, ChildConfig(hidden=4, combine="concat"))
    assert beside.node_weights() is None


def test_what_cannot_be_a_child_is_refused() -> None:
    with pytest.raises(InvalidGenomeError, match="no op 'nothing'; known: conv1"):
        ChildNetwork(_genome(("nothing", 0)), _vectors(), 9, ChildConfig())
    with pytest.raises(ValueError, match=r"`n_labels` must be at least 1; got 0"):
        ChildNetwork(_genome(("conv1", 0)), _vectors(), 0, ChildConfig())


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 0], r"within 1\.\.4.*got 0\.\.3"),
        ([3, 5], r"within 1\.\.4.*got 3\.\.5"),
        ([3], r"got \(2, 4\) and \(1,\)"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths: list[int], message: str) -> None:
    child = _child(_genome(("conv1", 0)))
    with pytest.raises(ValueError, match=message):
        child(torch.ones(2, 4, dtype=torch.int64), torch.tensor(lengths))


def test_a_batch_without_texts_is_refused() -> None:
    child = _child(_genome(("conv1", 0)))
    with pytest.raises(ValueError, match=r"at least one text; got \(0, 4\)"):
        child(torch.ones(0, 4, dtype=torch.int64), torch.ones(0, dtype=torch.int64))
