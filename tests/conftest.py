"""What all tests share."""

from __future__ import annotations

import os

import optuna
import pytest


# Read when PyTorch is imported. The tests' tensors are small, and other tests run beside them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
pytest.register_assert_rewrite("optuna.testing.pytest_samplers")
optuna.logging.set_verbosity(optuna.logging.WARNING)
