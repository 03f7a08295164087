"""Parameters counted without memory for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from optuna_xmcnas.child import ChildNetwork


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.genome import Genome


@dataclass(frozen=True, kw_only=True)
class ParameterCount:
    """The numbers that training changes, by what they belong to."""

    embedding: int  # zero if the word vectors are frozen
    encoder: int  # nodes and their combination
    head: int

    @property
    def total(self) -> int:
        """All of them: `ChildNetwork.n_parameters`."""
        return self.embedding + self.encoder + self.head


def count_parameters(
    genome: Genome, config: ChildConfig, *, n_words: int, vector_width: int, n_labels: int
) -> ParameterCount:
    """Return how many parameters a child would have; no memory is taken for them.

    Args:
        genome: The searched part.
        config: The fixed parts.
        n_words: Rows of the word vectors.
        vector_width: Their columns.
        n_labels: Labels.

    Example:
        >>> from optuna_xmcnas.child import ChildConfig
        >>> from optuna_xmcnas.genome import Genome, Node
        >>> genome = Genome((Node("conv1", 0),))
        >>> config = ChildConfig(hidden=2, fully_connected=(3,))
        >>> count = count_parameters(genome, config, n_words=9, vector_width=5, n_labels=7)
        >>> count.encoder, count.head  # 5 * 4 + 4; 7 * 4, 4 * 3 + 3 and 3 + 1
        (24, 47)
    """
    one_word = np.zeros((1, vector_width), np.float32)
    with torch.device("meta"):
        child = ChildNetwork(genome, one_word, n_labels, config)
    encoder = (*child.graph.parameters(), *child.mix.parameters())
    return ParameterCount(
        embedding=n_words * vector_width if config.train_embedding else 0,
        encoder=sum(parameter.numel() for parameter in encoder),
        head=sum(parameter.numel() for parameter in child.head.parameters()),
    )
