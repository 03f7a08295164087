"""What tiny steps say about large ones is what a ledger of the large ones says."""

from __future__ import annotations

import pytest
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child.config import Attention
from optuna_xmcnas.child.config import Combination
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.planning.ledger import Ledger
from optuna_xmcnas.planning.rehearsal import is_large
from optuna_xmcnas.planning.rehearsal import random_split
from optuna_xmcnas.planning.rehearsal import random_vectors
from optuna_xmcnas.planning.rehearsal import rehearse
from optuna_xmcnas.planning.rehearsal import take_step
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import TrainingConfig


TRAINING = TrainingConfig(device="cpu")
CASES: list[tuple[str, Attention, Combination]] = [
    ("conv3:0 conv5:1", "self", "sum"),
    ("maxpool3:0 avgpool3:1 maxpool3:2", "self", "sum"),
    ("bilstm:0 bilstm:0", "label", "concat"),
    ("bilstm:0 conv3:0 maxpool3:1", "label", "sum"),
    ("bilstm:0 bilstm:1", "self", "sum"),
    ("bigru:0 conv1:1", "label", "sum"),
    ("bigru:0 bigru:1", "self", "sum"),
    ("conv2:0 conv4:0", "maxpool", "concat"),
]


@pytest.mark.parametrize(("nodes", "attention", "combine"), CASES)
@pytest.mark.parametrize("large_from", [1, 10**9])
def test_peaks_are_those_of_the_real_batch(
    nodes: str,
    attention: Attention,
    combine: Combination,
    large_from: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if large_from == 1 and "bilstm" not in nodes:
        return  # nothing else has two ways
    monkeypatch.setattr("optuna_xmcnas.child.recurrence._LARGE", large_from)
    # texts are divided into blocks, as large batches are
    monkeypatch.setattr("optuna_xmcnas.child.heads.LabelAttentionHead._BLOCK", 250)
    n_labels, size = 230, (12, 60)
    config = ChildConfig(
        hidden=16,
        fully_connected=(24,),
        attention=attention,
        combine=combine,
        label_chunk=50 if attention == "label" else 4,
    )
    genome = _genome(nodes)
    rehearsal = rehearse(
        genome,
        config,
        TRAINING,
        vector_width=20,
        n_labels=n_labels,
        is_large=is_large(config, *size),
    )
    child = ChildNetwork(genome, random_vectors(30, 20), n_labels, config)
    split = random_split(*size, 30, n_labels)
    optimizer = torch.optim.SGD(child.parameters(), lr=0.0)
    child.train()
    take_step(child, optimizer, split, TRAINING)
    with Ledger() as step:
        take_step(child, optimizer, split, TRAINING)
    with Ledger() as scoring:
        predict_top_k(child, split, 5, batch_size=size[0], device="cpu")
    assert rehearsal.step_peak(*size, n_labels) == pytest.approx(max(step.live), rel=0.08)
    found = rehearsal.evaluation_peak(*size, n_labels)
    assert found == pytest.approx(max(scoring.live), rel=0.08)


def test_the_encoder_keeps_less_than_the_peak_and_grows_with_the_batch() -> None:
    config = ChildConfig(hidden=8, attention="self")
    rehearsal = rehearse(_genome("conv3:0"), config, TRAINING, vector_width=12, n_labels=20)
    assert 0 < rehearsal.kept(8, 40, 20) < rehearsal.step_peak(8, 40, 20)
    # an output of 16 floats per token is kept by the ReLU, another by the head
    assert rehearsal.kept(16, 40, 20) - rehearsal.kept(8, 40, 20) > 8 * 40 * 2 * 16 * 4


def test_the_random_generator_of_the_caller_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    rehearse(_genome("bilstm:0"), ChildConfig(hidden=4), TRAINING, vector_width=6, n_labels=8)
    assert torch.equal(torch.rand(2), expected)


def _genome(nodes: str) -> Genome:
    pairs = (node.split(":") for node in nodes.split())
    return Genome(tuple(Node(op, int(source)) for op, source in pairs))
