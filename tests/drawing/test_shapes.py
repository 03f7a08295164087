"""Texts are at most as wide as they are taken to be."""

from __future__ import annotations

from PIL import ImageFont
import pytest

from optuna_xmcnas.drawing.shapes import shortened
from optuna_xmcnas.drawing.shapes import text_width
from optuna_xmcnas.drawing.shapes import wrapped


TEXTS = (
    "trial 17 · P@5 41.20",
    "child of trial 3 by change_source",
    "embedding",
    "maxpool3",
    "my_layer.v2",
    "MIXED-Case_%",
    "0.55",
    "12 ",
)


@pytest.mark.parametrize("text", TEXTS)
def test_no_letter_is_wider_than_expected(text: str) -> None:
    font = ImageFont.load_default(100)
    assert font.getlength(text) <= text_width(text, 100) <= 2 * font.getlength(text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [20, 60, 100])
def test_a_cut_text_fits_and_keeps_both_ends(text: str, width: float) -> None:
    short = shortened(text, width, 12)
    assert text_width(short, 12) <= width
    begin, _, end = short.partition("…")
    assert text.startswith(begin)
    assert text.endswith(end)


def test_a_text_that_fits_is_not_cut() -> None:
    assert shortened("conv3", 100, 12) == "conv3"


def test_lines_fit_and_hold_all_words() -> None:
    text = "a caption with words of any_length_that_somebody_chose in it " * 3
    lines = wrapped(text, 120, 12)
    assert all(text_width(line, 12) <= 120 for line in lines)
    assert len(" ".join(lines).split()) == len(text.split())
    assert wrapped("", 120, 12) == []
