from __future__ import annotations

import math
from typing import Any

import pytest

from optuna_xmcnas.training import TrainingConfig


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"epochs": 0}, r"`epochs` must be a whole number from 1 up; got 0"),
        ({"epochs": 2.0}, r"`epochs`.*got 2\.0"),
        ({"epochs": True}, r"`epochs`.*got True"),
        ({"batch_size": -1}, r"`batch_size`.*got -1"),
        ({"patience": 0}, r"`patience`.*got 0"),
        ({"seed": -1}, r"`seed`.*from 0 up; got -1"),
        ({"evaluate_every": 0}, r"`evaluate_every`.*None: once an epoch; got 0"),
        ({"learning_rate": 0.0}, r"`learning_rate`.*above 0; got 0\.0"),
        ({"learning_rate": math.inf}, r"`learning_rate`.*got inf"),
        ({"learning_rate": math.nan}, r"`learning_rate`.*got nan"),
        ({"clip_norm": 0}, r"`clip_norm`.*math\.inf switches clipping off.*got 0"),
        ({"clip_norm": math.nan}, r"`clip_norm`.*got nan"),
        ({"device": "gpu"}, r"`device` must be 'auto', 'cpu'.*got 'gpu'"),
        ({"precision": "float16"}, r"`precision`.*bfloat16.*got 'float16'"),
    ],
)
def test_an_impossible_setting_is_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**setting)


def test_clipping_can_be_switched_off() -> None:
    assert TrainingConfig(clip_norm=math.inf).clip_norm == math.inf
