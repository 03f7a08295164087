"""The live view of a training in full."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
import sys
import time
from types import TracebackType
from typing import final
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from optuna_xmcnas.cli.amounts import duration
from optuna_xmcnas.cli.amounts import percent
from optuna_xmcnas.cli.live_area import bar_with
from optuna_xmcnas.cli.live_area import cut
from optuna_xmcnas.cli.live_area import labelled
from optuna_xmcnas.cli.loading import print_data
from optuna_xmcnas.cli.seldom import Seldom


if TYPE_CHECKING:
    from rich.console import Console
    from rich.console import ConsoleOptions

    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.training import Evaluation
    from optuna_xmcnas.training import TrainingConfig


_PER_SECOND = 4  # drawings of the live area
_EVERY_S = 10.0  # between two lines of one training, away from a terminal


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """Where a training in full is."""

    now: str
    seed: int | None = None  # None: no child is in training
    epoch: int = 0
    began: float = 0.0


@final
class _Area:
    """Draws the lines of the moment."""

    def __init__(self, drawn: Callable[[int], list[Text]]) -> None:
        self._drawn = drawn

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield Text()  # apart from the lines above
        yield from self._drawn(options.max_width - 1)


@final
class RetrainProgress:
    """Shows one line per training, and below them how far the present one is.

    Away from a terminal there is a line with the same now and then.

    Args:
        console: Where.
        training: How the trainings go; it says how many epochs there are at most.
        n_seeds: How many trainings there are.
        clock: Returns seconds.
    """

    def __init__(
        self,
        console: Console,
        training: TrainingConfig,
        n_seeds: int,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._n_seeds = n_seeds
        self._n_epochs = training.epochs
        self._select_by = training.select_by
        self._first_seed = training.seed
        self._best = 0.0
        self._seldom = Seldom(_EVERY_S, clock=clock)
        self._clock = clock
        self._stage = _Stage(now="reading texts")
        self._live = Live(
            _Area(self._lines),
            console=console,
            transient=True,
            refresh_per_second=_PER_SECOND,
            # lines of others go above the area, unless they go to a file
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )

    def __enter__(self) -> RetrainProgress:
        if self._console.is_interactive:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def data_ready(self, data: XmcDataset) -> None:
        """Say what is trained on."""
        print_data(self._console, data)

    def member_began(self, seed: int, child: ChildNetwork) -> None:
        """Say that a training begins."""
        if seed == self._first_seed:
            self._print(f"{child.n_parameters:,} trained weights")
        self._best = 0.0
        self._seldom.begin()
        self._enter(_Stage(seed=seed, began=self._clock(), now="the first steps"))

    def member_evaluated(self, seed: int, evaluation: Evaluation) -> None:
        """Show how far the training is."""
        score = evaluation.report[self._select_by]
        self._best = max(self._best, score)
        now = (
            f"step {evaluation.step}, {self._select_by} {percent(score)}, "
            f"best {percent(self._best)}"
        )
        self._stage = replace(self._stage, seed=seed, epoch=evaluation.epoch, now=now)
        if not self._console.is_interactive and self._seldom.is_due():
            training = f"training {self._number(seed)} of {self._n_seeds}"
            self._print(f"{training}, epoch {evaluation.epoch} of {self._n_epochs}, {now}")

    def member_ended(self, seed: int, validation: Mapping[str, float]) -> None:
        """Print the training's line."""
        self._print(
            f"seed {seed}: validation P@5 {percent(validation['P@5'])}, nDCG@5 "
            f"{percent(validation['nDCG@5'])}"
        )

    def stopping(self) -> None:
        """Say that the wish was heard."""
        self._print("stopping after this step; Ctrl-C again stops at once")

    def judging_began(self) -> None:
        """Say that the training is over."""
        self._enter(_Stage(now="reading the test split"))

    def _enter(self, stage: _Stage) -> None:
        self._stage = stage
        if self._live.is_started:
            self._live.refresh()  # at once: a line printed while the height changes would be lost

    def _lines(self, width: int) -> list[Text]:
        stage = self._stage
        found = [labelled("now", Text(stage.now, style="dim"))]
        if stage.seed is not None:
            words = [
                f"epoch {stage.epoch} of {self._n_epochs}",
                f"training {self._number(stage.seed)} of {self._n_seeds}",
                f"{duration(self._clock() - stage.began)} so far",
            ]
            share = stage.epoch / self._n_epochs
            room = width - len(labelled("", Text()))
            found.insert(0, labelled("training", bar_with(words, share, room)))
        return cut(found, width)

    def _number(self, seed: int) -> int:
        return seed - self._first_seed + 1

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=not self._console.is_terminal)
