from __future__ import annotations

from dataclasses import asdict
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
        (
            {"clipping": "none"},
            r"`clipping` must be one of \('constant', 'adaptive'\); got 'none'",
        ),
        ({"clipping": "adaptive", "clip_norm": math.inf}, r"`clip_norm` must be finite.*adaptive"),
        ({"select_by": "P@1"}, r"`select_by` must be one of \('P@5', 'nDCG@5'\); got 'P@1'"),
        ({"average_from_epoch": 0}, r"`average_from_epoch`.*None: no averaging; got 0"),
        ({"average_from_epoch": 1.5}, r"`average_from_epoch`.*got 1\.5"),
        ({"device": "gpu"}, r"`device` must be 'auto', 'cpu'.*got 'gpu'"),
        ({"precision": "float16"}, r"`precision`.*bfloat16.*got 'float16'"),
    ],
)
def test_an_impossible_setting_is_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingConfig(**setting)


def test_clipping_can_be_switched_off() -> None:
    assert TrainingConfig(clip_norm=math.inf).clip_norm == math.inf


def test_a_record_names_a_later_setting_only_if_it_is_not_at_its_default() -> None:
    first = {"epochs", "batch_size", "learning_rate", "patience", "evaluate_every", "clip_norm"}
    first |= {"seed", "device", "precision"}
    assert set(TrainingConfig().to_record()) == first
    changed = TrainingConfig(select_by="nDCG@5", average_from_epoch=1, clipping="adaptive")
    assert changed.to_record() == asdict(changed)


def test_a_record_gives_the_settings_back() -> None:
    for config in (TrainingConfig(epochs=3), TrainingConfig(average_from_epoch=7)):
        record = {**TrainingConfig.absent_from_records(), **config.to_record()}
        assert TrainingConfig(**record) == config
