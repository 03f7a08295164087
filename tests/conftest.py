"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator
import logging
import os

import optuna
import pytest


# Read when PyTorch is imported. The tests' tensors are small, and other tests run beside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
pytest.register_assert_rewrite("optuna.testing.pytest_samplers")
optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.fixture(autouse=True)
def _as_quiet_as_before() -> Iterator[None]:
    """Undo what a test of a command in this process does to the loggers."""
    logger = logging.getLogger("optuna_xmcnas")
    before = logger.level, optuna.logging.get_verbosity()
    yield
    logger.setLevel(before[0])
    optuna.logging.set_verbosity(before[1])
