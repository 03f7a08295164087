"""Which children of a space stand for all of them: the usual one and the largest one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from optuna_xmcnas.child.ops import make_op
from optuna_xmcnas.planning.ledger import Ledger


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import GenomeSpace


_N_GENOMES = 300  # drawn from the space
_TOKENS = 8  # of the documents on which an op is tried
_FEW, _MORE = 2, 4  # documents


def representatives(
    space: GenomeSpace, config: ChildConfig, *, vector_width: int, seed: int
) -> tuple[Genome, Genome]:
    """Return a usual and the largest genome of some hundred random ones.

    The usual one is in the middle by the multiplications of its encoder, the largest one keeps
    the most memory for the way back and, among equals, multiplies the most.

    Args:
        space: From which genomes are drawn.
        config: The fixed parts of the children.
        vector_width: Of a word vector.
        seed: Of the random genomes.
    """
    rng = np.random.default_rng(seed)
    genomes = [space.random(rng) for _ in range(_N_GENOMES)]

    @cache
    def cost(op: str, is_first: bool) -> tuple[float, int]:
        return _node_cost(op, vector_width if is_first else config.width, config.width)

    def memory(genome: Genome) -> float:
        return sum(cost(node.op, node.source == 0)[0] for node in genome.nodes)

    def work(genome: Genome) -> int:
        return sum(cost(node.op, node.source == 0)[1] for node in genome.nodes)

    usual = sorted(genomes, key=work)[len(genomes) // 2]
    return usual, max(genomes, key=lambda genome: (round(memory(genome)), work(genome)))


def _node_cost(op: str, in_width: int, width: int) -> tuple[float, int]:
    """Return the bytes that a node keeps per token, and its weights: each is used once a token."""
    with torch.random.fork_rng(devices=[]):
        layer = make_op(op, in_width, width)
    kept = []
    for n_documents in (_FEW, _MORE):
        inputs = torch.zeros(n_documents, _TOKENS, in_width, requires_grad=True)
        mask = torch.ones(n_documents, _TOKENS, dtype=torch.bool)
        with Ledger() as ledger:
            outputs = layer(inputs, mask)  # while it lives, so does what the way back needs
        kept.append(ledger.live[-1])
        del outputs
    per_token = (kept[1] - kept[0]) / ((_MORE - _FEW) * _TOKENS)
    return per_token, sum(weight.numel() for weight in layer.parameters())
