"""What a report is made of: sections of paragraphs, tables, charts, drawings and listings.

All texts are plain. Within a paragraph or a cell, what stands between backticks is code; `name`
and `code` put names that anybody may have chosen into such texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import re
from typing import ClassVar
from typing import final
from typing import TYPE_CHECKING
from typing import TypeAlias

from optuna_xmcnas.analysis import evenly


if TYPE_CHECKING:
    from optuna_xmcnas.genome import Genome


_LONGEST = 300  # characters of a name, or of a reason
_NOT_PRINTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@final
@dataclass(frozen=True)
class Paragraph:
    """Sentences.

    Attributes:
        text: What it says.
        is_warning: Whether it says what to be careful about.
    """

    text: str
    is_warning: bool = False
    kind: ClassVar[str] = "paragraph"


@final
@dataclass(frozen=True)
class Table:
    """Rows of texts.

    Attributes:
        title: What it shows.
        columns: Their names; those of numbers are set to the right.
        rows: As many texts as there are columns.
        note: What to know to read it.
        is_folded: Whether it is long, and a page shows it on demand.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    is_folded: bool = False
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row of {self.title!r} must have {len(self.columns)} texts; got {row}."
                )

    @property
    def is_number(self) -> tuple[bool, ...]:
        """Whether a column holds numbers alone.

        Example:
            >>> table = Table("t", ("a", "b"), (("1.5 ± 0.2 %", "conv3"), ("-", "2")))
            >>> table.is_number
            (True, False)
        """
        return tuple(
            all(_is_number(row[position]) for row in self.rows)
            for position in range(len(self.columns))
        )


@final
@dataclass(frozen=True)
class Chart:
    """A figure; what it shows is in the tables of its section, too.

    Attributes:
        name: A word that no other chart of the report has.
        title: What it shows.
        figure: It, as plotly's JSON.
    """

    name: str
    title: str
    figure: str
    kind: ClassVar[str] = "chart"


@final
@dataclass(frozen=True)
class Drawing:
    """An architecture to be drawn.

    Attributes:
        genome: What to draw.
        node_weights: Share of each node's output; None if nobody knows them.
        parent: What it was made from; None if from nothing, or nobody knows.
        title: Above it.
        caption: Below it.
    """

    genome: Genome
    node_weights: tuple[float, ...] | None
    parent: Genome | None
    title: str
    caption: str
    kind: ClassVar[str] = "drawing"


@final
@dataclass(frozen=True)
class Listing:
    """Lines to be copied.

    Attributes:
        language: What they are written in.
        text: The lines.
        title: What they are for.
    """

    language: str
    text: str
    title: str = ""
    kind: ClassVar[str] = "listing"


Block: TypeAlias = Paragraph | Table | Chart | Drawing | Listing


@final
@dataclass(frozen=True)
class Section:
    """Blocks below a heading.

    Attributes:
        title: The heading.
        blocks: What stands below it, from top to bottom.
    """

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        """What a link within the page calls it.

        Example:
            >>> Section("Fig. 3: pairs of operations", ()).anchor
            'fig-3-pairs-of-operations'
        """
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


@final
@dataclass(frozen=True)
class Report:
    """A page on a study, or on several.

    Attributes:
        title: The page's.
        summary: What is to be known, in short.
        sections: All else.
        maker: What made it, and of which version.
    """

    title: str
    summary: tuple[Block, ...]
    sections: tuple[Section, ...]
    maker: str


def name(text: object) -> str:
    r"""Return a text that somebody chose, on one line and without what would be read as code.

    Example:
        >>> name("a `b`\nc\x00")
        "a 'b' c?"
    """
    line = _NOT_PRINTED.sub("?", " ".join(str(text).split())).replace("`", "'")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def printable(text: str) -> str:
    r"""Return a text as it is, but for characters that no page and no command line can hold.

    Example:
        >>> printable("a  `b`\nc\x00")
        'a  `b`\nc?'
    """
    return _NOT_PRINTED.sub("?", text)


def code(text: object) -> str:
    """Return a text as code; a dash for none.

    Example:
        >>> code("1:conv3(0)"), code("")
        ('`1:conv3(0)`', '-')
    """
    return f"`{name(text)}`" if str(text) else "-"


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return the parts of a text, each with whether it is code.

    Example:
        >>> pieces("see `show`")
        [('see ', False), ('show', True)]
    """
    return [(part, i % 2 == 1) for i, part in enumerate(text.split("`")) if part]


def thinned(items: Sequence[tuple[str, ...]], most: int) -> tuple[tuple[str, ...], ...]:
    """Return at most so many rows, evenly spread, the first and the last among them.

    Example:
        >>> thinned([("1",), ("2",), ("3",), ("4",), ("5",)], 3)
        (('1',), ('3',), ('5',))
    """
    return tuple(items[place] for place in evenly(len(items), most))


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?(\d[\d,.]*( ± [\d.]+)?( ?[a-zA-Z%]{1,6})?)?", text))
