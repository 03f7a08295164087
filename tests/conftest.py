"""What all tests share."""

from __future__ import annotations

import optuna
import pytest


pytest.register_assert_rewrite("optuna.testing.pytest_samplers")
optuna.logging.set_verbosity(optuna.logging.WARNING)
