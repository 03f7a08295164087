"""Parameters are counted as the child itself counts them."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import op_names
from optuna_xmcnas.child.config import Attention
from optuna_xmcnas.child.config import Combination
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.planning import count_parameters


CONFIG = ChildConfig(hidden=6, fully_connected=(5, 3))
N_WORDS, WIDTH, N_LABELS = 11, 7, 9


def _is_equal(genome: Genome, config: ChildConfig) -> bool:
    vectors = np.zeros((N_WORDS, WIDTH), np.float32)
    child = ChildNetwork(genome, vectors, N_LABELS, config)
    count = count_parameters(
        genome, config, n_words=N_WORDS, vector_width=WIDTH, n_labels=N_LABELS
    )
    return count.total == child.n_parameters


@pytest.mark.parametrize("op", op_names())
def test_of_every_op_at_both_places(op: str) -> None:
    assert _is_equal(Genome((Node(op, 0), Node(op, 1))), CONFIG)


@pytest.mark.parametrize("attention", get_args(Attention))
@pytest.mark.parametrize("combine", get_args(Combination))
@pytest.mark.parametrize("is_trained", [False, True])
def test_of_every_head_and_combination(
    attention: Attention, combine: Combination, is_trained: bool
) -> None:
    genome = Genome((Node("conv3", 0), Node("bilstm", 1), Node("avgpool3", 0)))
    config = replace(CONFIG, attention=attention, combine=combine, train_embedding=is_trained)
    assert _is_equal(genome, config)


def test_no_memory_is_taken_for_them() -> None:
    config = ChildConfig(hidden=256, train_embedding=True)
    count = count_parameters(
        Genome((Node("bilstm", 0),)),
        config,
        n_words=10**9,
        vector_width=300,
        n_labels=10**9,
    )
    assert count.embedding == 300 * 10**9
    assert count.head == 512 * 10**9 + (512 * 256 + 256) + (256 + 1)
