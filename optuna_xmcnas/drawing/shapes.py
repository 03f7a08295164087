"""What a picture is made of: plain shapes that any writer can put on paper.

Lengths are in pixels of the picture at its natural size; y grows downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
import unicodedata


Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rounded rectangle, its outline half inside and half outside."""

    x: float  # of the left edge
    y: float  # of the upper edge
    width: float
    height: float
    radius: float
    fill: str | None  # None: what is behind it shows
    outline: str
    outline_width: float = 1.0
    hint: str = ""  # shown when the mouse is over it, where that is possible


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    colour: str
    width: float
    is_dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A filled area."""

    points: tuple[Point, ...]
    fill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A line of text."""

    x: float  # of its left end, or of its middle if it is centred
    y: float  # of the baseline
    text: str
    size: float
    colour: str
    is_bold: bool = False
    is_centred: bool = False


Shape: TypeAlias = Box | Line | Polygon | Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Shapes on a page, later ones on top.

    Attributes:
        width: Of the page.
        height: Of the page.
        shapes: What is on it.
        title: What it shows, for people who do not see it.
        description: The same at length.
    """

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    description: str


def text_width(text: str, size: float, *, is_bold: bool = False) -> float:
    """Return how wide a text is at most in a usual sans serif font.

    The font is chosen by whoever shows the picture, so this is as wide as in DejaVu Sans, which is
    among the widest.

    Example:
        >>> text_width("mm", 10) > text_width("ii", 10)
        True
    """
    return sum(map(_advance, text)) * size * (1.14 if is_bold else 1.0)


def shortened(text: str, width: float, size: float, *, is_bold: bool = False) -> str:
    """Return a text that is cut in the middle if it is wider than ``width``.

    Example:
        >>> shortened("a_very_long_name_of_an_op", 90, 10)
        'a_very_l…an_op'
    """
    if text_width(text, size, is_bold=is_bold) <= width:
        return text
    for n_kept in range(len(text) - 1, 1, -1):
        n_end = n_kept * 2 // 5
        short = f"{text[: n_kept - n_end]}…{text[len(text) - n_end :]}"
        if text_width(short, size, is_bold=is_bold) <= width:
            return short
    return "…"


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Return a text as lines of at most ``width``; a word that is wider is shortened.

    Example:
        >>> wrapped("child of trial 3 by swap_op", 90, 10)
        ['child of trial 3', 'by swap_op']
    """
    lines: list[str] = []
    for word in text.split():
        word = shortened(word, width, size)
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _advance(character: str) -> float:
    """Return the width of a character as a share of the font's size."""
    if character in "ijlI.,:;'|":
        return 0.36
    if character in "frt()[]-/! ":
        return 0.42
    if character in "mMwWQO@%+…":
        return 1.0
    if "A" <= character <= "Z" or character in "#&<=>^~":
        return 0.85
    if character < "\u2000":
        return 0.64
    return 1.0 if unicodedata.east_asian_width(character) in "WF" else 0.85
