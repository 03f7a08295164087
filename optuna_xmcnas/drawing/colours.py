"""The colour of each operation.

One hue per family, so that a picture can be read from afar: convolutions are blue, darker with the
kernel; pools yellow; recurrent layers dark red and violet; anything else grey. The families stay
apart for people who are red-, green- or blue-blind, and texts on a fill reach the contrast that
WCAG 2 asks for. Both are tested.
"""

from __future__ import annotations

from dataclasses import dataclass
import hashlib
import re


INK = "#14181D"
PAPER = "#FFFFFF"
OUTLINE = "#5A6470"
FAINT = "#9AA5B1"  # what is not on the winning path
CHANGED = "#00705A"  # what the parent does not have


@dataclass(frozen=True, slots=True)
class Colour:
    """How a node is filled, and what is written on it.

    Attributes:
        fill: As ``#RRGGBB``.
        text: As ``#RRGGBB``.
    """

    fill: str
    text: str


_CONVOLUTIONS = {  # by kernel
    1: Colour("#CBE1F6", INK),
    2: Colour("#AED1F0", INK),
    3: Colour("#8CBDE8", INK),
    4: Colour("#63A3DB", INK),
    5: Colour("#438BCC", INK),
    7: Colour("#1A5897", PAPER),
    8: Colour("#0B3468", PAPER),
}
_FAMILIES = {
    "avgpool": Colour("#FBE36B", INK),
    "bigru": Colour("#8A40D8", PAPER),
    "bilstm": Colour("#8E1018", PAPER),
    "maxpool": Colour("#E5A700", INK),
}
_OWN = tuple(Colour(fill, INK) for fill in ("#E6E3DC", "#D2CEC5", "#BCB7AD", "#A5A096"))
_NAME = re.compile(r"([a-z]+)([0-9]{0,3})")


def op_colour(op: str) -> Colour:
    """Return the colour of an operation; the same name has the same colour everywhere.

    Example:
        >>> op_colour("bilstm")
        Colour(fill='#8E1018', text='#FFFFFF')
        >>> op_colour("conv3") == op_colour("conv4")
        False
    """
    if match := _NAME.fullmatch(op):
        family, kernel = match[1], int(match[2] or 0)
        if family == "conv" and kernel:
            return _CONVOLUTIONS[max(known for known in _CONVOLUTIONS if known <= kernel)]
        if family in _FAMILIES and bool(kernel) == family.endswith("pool"):
            return _FAMILIES[family]
    digest = hashlib.sha256(op.encode()).digest()  # unlike `hash`, the same in every process
    return _OWN[digest[0] % len(_OWN)]
