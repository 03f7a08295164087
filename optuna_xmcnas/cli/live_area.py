"""What a search shows below its lines while it runs: the best child, the population, the pace."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final
from typing import TYPE_CHECKING

from rich.text import Text

from optuna_xmcnas.cli.amounts import duration
from optuna_xmcnas.cli.amounts import percent
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.drawing import fitting_weights


if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.console import ConsoleOptions

    from optuna_xmcnas.study import TrialRecord


_BLOCKS = "▁▂▃▄▅▆▇█"
_LABEL = 12  # columns of what a line is about
_BAR = 20  # columns of the bar of children, at most
_SHORTEST_BAR = 4
_WORDS = 28  # columns that the words beside it have in any case
_OTHER_LINES = 5  # beside the tree
_SMALLEST_TREE = 3  # lines; where there is less room, the genome stands on one line


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is known of a search at one moment.

    Attributes:
        now: What is in training.
        counted: What there are so many of.
        n_complete: Children complete, over all workers.
        n_trials: How many are wanted; None if that is not known yet.
        n_before: How many were complete when we came.
        elapsed_s: Seconds since then.
        best: The record of the best child, if there is one that can be read.
        best_score: Its score; None if no child is complete.
        population: Scores of those that can breed, the oldest first.
    """

    now: str = ""
    counted: str = "children"
    n_complete: int = 0
    n_trials: int | None = None
    n_before: int = 0
    elapsed_s: float = 0.0
    best: TrialRecord | None = None
    best_score: float | None = None
    population: tuple[float, ...] = ()


@final
class LiveArea:
    """Draws the present state for whatever size the terminal has.

    Args:
        scene: Returns it.
    """

    def __init__(self, scene: Callable[[], Scene]) -> None:
        self._scene = scene

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines."""
        yield Text()  # apart from the lines above
        # a column is left free: some terminals begin another line behind the last one
        yield from lines(self._scene(), width=options.max_width - 1, height=console.size.height)


def lines(scene: Scene, *, width: int, height: int) -> list[Text]:
    r"""Return the lines of a scene; none is wider than the terminal.

    Args:
        scene: What to draw.
        width: Columns that a line may have.
        height: Lines of the terminal; the drawing takes half of them, at most.

    Example:
        >>> scene = Scene(
        ...     now="trial 4, 3 layers",
        ...     n_complete=4,
        ...     n_trials=12,
        ...     n_before=1,
        ...     elapsed_s=600.0,
        ...     best_score=0.25,
        ...     population=(0.125, 0.25, 0.2),
        ... )
        >>> print(*lines(scene, width=79, height=24), sep="\n")
        best        P@5 25.00
        population  ▁█▅ 12.50 to 25.00, oldest first
        children    ━━━━━━───────────── 4 of 12, 27 min left, 18 an hour, 10 min so far
        now         trial 4, 3 layers
    """
    found = [*_best_lines(scene, height // 2 - _OTHER_LINES)]
    if scene.population:
        found.append(labelled("population", _population(scene.population, width - _LABEL)))
    if scene.n_trials is not None:
        share = scene.n_complete / scene.n_trials
        words = list(_pace(scene, scene.n_trials))
        found.append(labelled(scene.counted, bar_with(words, share, width - _LABEL)))
    if scene.now:
        found.append(labelled("now", Text(scene.now, style="dim")))
    return cut(found, width)


def cut(found: list[Text], width: int) -> list[Text]:
    """Return lines none of which is wider than so many columns."""
    for line in found:
        line.no_wrap = True
        line.truncate(width, overflow="ellipsis")
    return found


def labelled(label: str, text: Text) -> Text:
    """Return a line of a live area: what it is about, and what there is to say."""
    return Text.assemble((f"{label:<{_LABEL}}", "bold"), text)


def bar_with(words: Sequence[str], share: float, room: int) -> Text:
    """Return a bar and as many of some words behind it as fit, the most important first.

    Args:
        words: What to say, separated by commas; the first is said in any case.
        share: How much of the bar is full.
        room: Columns for all of it.

    Example:
        >>> print(bar_with(["3 of 12", "27 min left"], 0.25, room=50))
        ━━━──────── 3 of 12, 27 min left
    """
    text = Text()
    n_columns = min(_BAR, (room - _WORDS) // 2)  # not what the words leave: it would jump
    if n_columns >= _SHORTEST_BAR:
        full = round(n_columns * min(1.0, share))
        text.append("━" * full, style="green")
        text.append("─" * (n_columns - full), style="dim")
        text.append(" ")
    said = list(words)
    while len(said) > 1 and len(text) + len(", ".join(said)) > room:
        said.pop()
    text.append(", ".join(said))
    return text


def blocks(scores: Sequence[float]) -> str:
    """Return a block for each score, the higher the better.

    Example:
        >>> blocks([0.2, 0.3, 0.25]), blocks([0.2, 0.2])
        ('▁█▅', '▄▄')
    """
    low, high = min(scores), max(scores)
    if low == high:
        return _BLOCKS[len(_BLOCKS) // 2 - 1] * len(scores)
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[int(top * (score - low) / (high - low) + 0.5)] for score in scores)


def _best_lines(scene: Scene, room: int) -> Iterator[Text]:
    """Yield the best child: its score, then its tree in so many lines, if they are enough."""
    if scene.best_score is None:
        return
    heading = Text()
    best = scene.best
    if best is not None:
        heading.append(f"trial {best.number}, ")
    heading.append("P@5 ")
    heading.append(percent(scene.best_score), style="bold green")
    if best is None:
        yield labelled("best", heading)
        return
    if best.n_parameters is not None:
        heading.append(f", {best.n_parameters / 1e6:.2f} M weights")
    if room < _SMALLEST_TREE:
        heading.append(f": {best.genome}")
    yield labelled("best", heading)
    if room < _SMALLEST_TREE:
        return
    tree = draw_text(best.genome, fitting_weights(best.genome, best.node_weights)).splitlines()
    if len(tree) > room:
        tree = [*tree[: room - 1], f"... and {len(tree) - room + 1} more"]
    for line in tree:
        yield Text(f"  {line}")


def _population(scores: Sequence[float], room: int) -> Text:
    numbers = f" {percent(min(scores))} to {percent(max(scores))}"
    drawn = blocks(scores)
    room -= len(numbers)
    if len(drawn) > room:  # the oldest will leave it next
        drawn = "…" + drawn[len(drawn) - max(room - 1, 1) :]
    text = Text()
    for block in drawn:
        text.append(block, style="green" if block == _BLOCKS[-1] else "")
    text.append(numbers)
    order = ", oldest first"
    if len(drawn) + len(order) <= room:
        text.append(order)
    return text


def _pace(scene: Scene, n_trials: int) -> Iterator[str]:
    """Yield what there is to say of the children finished, the most important first."""
    yield f"{scene.n_complete:,} of {n_trials:,}"
    n_here = scene.n_complete - scene.n_before
    if n_here > 0 and scene.elapsed_s > 0:
        if (n_left := n_trials - scene.n_complete) > 0:
            yield f"{duration(n_left * scene.elapsed_s / n_here)} left"
        an_hour = 3600 * n_here / scene.elapsed_s
        yield f"{an_hour:,.0f} an hour" if an_hour >= 10 else f"{an_hour:.1f} an hour"
    yield f"{duration(scene.elapsed_s)} so far"
