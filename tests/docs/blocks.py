"""The fenced blocks of a page, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import re


ROOT = Path(__file__).parent.parent.parent
_OPEN = re.compile(r"( *)(`{3,})\s*([^\s`]*)")
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_TEST_COMMAND = "<!-- test-command -->"


@dataclass(frozen=True, kw_only=True)
class Block:
    """What stands between two fences.

    Attributes:
        line: Number of the first line inside.
        language: What the opening fence says.
        not_run: Why it is not run; None if it is.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None = None


def pages() -> list[Path]:
    """Return the pages that people read."""
    found = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in found if "_build" not in page.parts)]


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page; what builds the site, such as tables of contents, is none."""
    above = ""
    lines = enumerate(page.read_text("utf-8").splitlines(), start=1)
    for number, line in lines:
        opening = _OPEN.match(line)
        if opening is None:
            above = line or above
            continue
        inside = []
        for _, within in lines:
            if within.strip() == opening[2]:
                break
            inside.append(within.removeprefix(opening[1]))
        else:
            raise ValueError(f"{page}:{number} opens a block that nothing closes")
        if not opening[3].startswith("{"):
            yield Block(
                page=page,
                line=number + 1,
                language=opening[3],
                text="\n".join(inside) + "\n",
                not_run=_reason(above),
            )
        above = ""


def _reason(above: str) -> str | None:
    if above == _TEST_COMMAND:
        return "it is the command that runs these tests"
    match = _NOT_RUN.fullmatch(above)
    return match[1] if match else None
