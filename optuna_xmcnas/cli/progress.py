"""The live views of a search, and of a training in full."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import TracebackType
from typing import final
from typing import TYPE_CHECKING

from optuna.trial import TrialState
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeElapsedColumn
from rich.progress import TimeRemainingColumn

from optuna_xmcnas.study import read_record


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.training import Evaluation
    from optuna_xmcnas.training import TrainingConfig


_MOST_SHOWN = 8  # trials in training that the bar names


@final
class SearchProgress:
    """Shows one line per finished child, and below them a bar with what is going on.

    Away from a terminal only the lines appear. Use it as a context manager around the search.
    """

    def __init__(self, console: Console, *, study_name: str, sampler: str) -> None:
        self._console = console
        self._study_name = study_name
        self._sampler = sampler
        self._bar = Progress(
            TextColumn("children"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("best P@5 {task.fields[best]}"),
            TextColumn("{task.fields[now]}", style="dim"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            speed_estimate_period=3600,  # seconds; a child takes many
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, best="-", now="preparing the data")

    def __enter__(self) -> SearchProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def data_ready(self, data: XmcDataset) -> None:
        """Say what is searched on."""
        print_data(self._bar.console, data)

    def search_began(self, n_complete: int, n_trials: int, best: float | None) -> None:
        """Start the bar."""
        begun = f"continued after {n_complete} children" if n_complete else "new"
        self._print(
            f"study [bold]{escape(self._study_name)}[/] ({begun}), {n_trials} children wanted, "
            f"sampler {self._sampler}\n"
        )
        self._print("[dim]trial    P@5  seconds  architecture: node:op(source)[/]")
        # a reset, not an update: the children of earlier runs say nothing about the speed
        self._bar.reset(
            self._task, total=n_trials, completed=n_complete, best=_percent(best), now="proposing"
        )

    def child_began(self, number: int, genome: Genome) -> None:
        """Name the child in training."""
        self._bar.update(self._task, now=f"trial {number}, {genome.n_layers} layers")

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Show how far the child in training is."""
        score = _percent(evaluation.report["P@5"])
        self._bar.update(self._task, now=f"trial {number}, epoch {evaluation.epoch}: {score}")

    def child_ended(self, trial: FrozenTrial, n_complete: int, best: float | None) -> None:
        """Print the child's line."""
        self._bar.update(self._task, completed=n_complete, best=_percent(best))
        record = read_record(trial)
        if record is None:
            return
        if trial.state != TrialState.COMPLETE:
            reason = record.failure or trial.state.name.lower()
            self._print(
                f"{trial.number:>5} [red]failed[/]           {record.genome}: {escape(reason)}"
            )
            return
        origin = "" if record.parent is None else f" [dim]{record.mutation} of {record.parent}[/]"
        if record.resumed_at_step is not None:
            origin += f" [dim]went on after step {record.resumed_at_step}[/]"
        is_best = best is not None and trial.values[0] >= best
        score = f"{100 * trial.values[0]:6.2f}"
        score = f"[bold green]{score}[/]" if is_best else score
        self._print(
            f"{trial.number:>5} {score} {record.seconds or 0:>8.1f}  {record.genome}{origin}"
        )

    def child_lost(self, number: int, reason: str) -> None:
        """Say that a worker died over a child."""
        self._print(f"{number:>5} [yellow]lost[/]  {escape(reason)}")

    def others_at_work(self, running: Sequence[int]) -> None:
        """Name the children in training in other processes."""
        shown = ", ".join(str(number) for number in running[:_MOST_SHOWN])
        more = f" and {len(running) - _MOST_SHOWN} more" if len(running) > _MOST_SHOWN else ""
        trials = "trial" if len(running) == 1 else "trials"
        now = f"in training: {trials} {shown}{more}" if running else "proposing"
        self._bar.update(self._task, now=now)

    def worker_restarted(self, worker: int, reason: str) -> None:
        """Say that a worker is started again."""
        self._print(f"[yellow]worker {worker} {escape(reason)}; it is started again[/]")

    def stopping(self) -> None:
        """Say that the wish was heard."""
        self._print("stopping after this step; Ctrl-C again stops at once")
        self._bar.update(self._task, now="stopping")

    def judging_began(self) -> None:
        """Say that the search itself is over."""
        self._bar.update(self._task, now="judging the best child")

    def _print(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, soft_wrap=True)


@final
class RetrainProgress:
    """Shows one line per training, and below them a bar with how far the present one is.

    Args:
        console: Where.
        training: How the trainings go; it says how many epochs there are at most.
        n_seeds: How many trainings there are.
    """

    def __init__(self, console: Console, training: TrainingConfig, n_seeds: int) -> None:
        self._console = console
        self._n_seeds = n_seeds
        self._select_by = training.select_by
        self._first_seed = training.seed
        self._best = 0.0
        self._bar = Progress(
            TextColumn("{task.fields[seed]}"),
            BarColumn(bar_width=20),
            TextColumn("epoch {task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[now]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=training.epochs, seed="", now="reading texts")

    def __enter__(self) -> RetrainProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def data_ready(self, data: XmcDataset) -> None:
        """Say what is trained on."""
        print_data(self._bar.console, data)

    def member_began(self, seed: int, child: ChildNetwork) -> None:
        """Start the bar for a training."""
        if seed == self._first_seed:
            self._print(f"{child.n_parameters:,} trained weights")
        self._best = 0.0
        number = seed - self._first_seed + 1
        self._bar.reset(
            self._task, completed=0, seed=f"training {number}/{self._n_seeds}", now="begun"
        )

    def member_evaluated(self, seed: int, evaluation: Evaluation) -> None:
        """Show how far the training is."""
        score = evaluation.report[self._select_by]
        self._best = max(self._best, score)
        now = (
            f"step {evaluation.step}, {self._select_by} {_percent(score)}, "
            f"best {_percent(self._best)}"
        )
        self._bar.update(self._task, completed=evaluation.epoch, now=now)

    def member_ended(self, seed: int, validation: Mapping[str, float]) -> None:
        """Print the training's line."""
        self._print(
            f"seed {seed}: validation P@5 {_percent(validation['P@5'])}, nDCG@5 "
            f"{_percent(validation['nDCG@5'])}"
        )

    def stopping(self) -> None:
        """Say that the wish was heard."""
        self._print("stopping after this step; Ctrl-C again stops at once")

    def judging_began(self) -> None:
        """Say that the training is over."""
        self._bar.update(self._task, now="reading the test split")

    def _print(self, text: str) -> None:
        self._bar.console.print(text, highlight=False, soft_wrap=True)


def print_data(console: Console, data: XmcDataset) -> None:
    """Say what a data set holds."""
    n_test = len(data.test) if data.test is not None else 0
    console.print(
        f"[bold]{escape(data.name)}[/]: {len(data.train):,} train, {len(data.validation):,} "
        f"validation, {n_test:,} test documents; {data.n_labels:,} labels; "
        f"{len(data.vocabulary):,} words of {data.vectors.shape[1]} numbers",
        highlight=False,
        soft_wrap=True,
    )
    if data.coverage is not None:
        missing = 100 * data.coverage.out_of_vocabulary_tokens
        console.print(
            f"{missing:.1f} % of the running words have no vector in the file",
            highlight=False,
            soft_wrap=True,
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f}"
