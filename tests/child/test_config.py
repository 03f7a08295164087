from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from optuna_xmcnas.child import ChildConfig


def test_defaults_are_those_of_the_papers() -> None:
    config = ChildConfig()
    assert (config.hidden, config.fully_connected, config.width) == (256, (256,), 512)
    assert (config.embedding_dropout, config.dropout) == (0.2, 0.5)
    assert (config.attention, config.combine, config.train_embedding) == ("label", "sum", False)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden": 0}, r"`hidden` must be a whole number of at least 1; got 0"),
        ({"hidden": 2.0}, r"`hidden`.*got 2\.0"),
        ({"n_queries": True}, r"`n_queries`.*got True"),
        ({"label_chunk": -1}, r"`label_chunk`.*got -1"),
        ({"fully_connected": (8, 0)}, r"`fully_connected\[1\]`.*got 0"),
        ({"dropout": 1.0}, r"`dropout` must be at least 0 and below 1; got 1\.0"),
        ({"embedding_dropout": -0.1}, r"`embedding_dropout`.*got -0\.1"),
        ({"dropout": float("nan")}, r"`dropout`.*got nan"),
        (
            {"attention": "none"},
            r"`attention` must be one of \('label', 'self', 'maxpool'\); got 'none'",
        ),
        ({"combine": "mean"}, r"`combine` must be one of \('sum', 'concat'\); got 'mean'"),
    ],
)
def test_a_value_out_of_range_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ChildConfig(**fields)


def test_a_list_of_widths_becomes_a_tuple() -> None:
    widths: Any = [8, 4]
    assert ChildConfig(fully_connected=widths) == ChildConfig(fully_connected=(8, 4))


def test_no_fully_connected_layer_is_allowed() -> None:
    assert ChildConfig(fully_connected=()).fully_connected == ()


def test_a_configuration_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError, match="hidden"):
        ChildConfig().hidden = 1  # type: ignore[misc]
