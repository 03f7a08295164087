"""The live view of a search, and of the trainings that confirm one."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace
import sys
import time
from types import TracebackType
from typing import final
from typing import TYPE_CHECKING

from optuna.trial import TrialState
from rich.live import Live
from rich.markup import escape

from optuna_xmcnas.cli.amounts import percent
from optuna_xmcnas.cli.live_area import LiveArea
from optuna_xmcnas.cli.live_area import Scene
from optuna_xmcnas.cli.loading import print_data
from optuna_xmcnas.cli.seldom import Seldom
from optuna_xmcnas.study import read_record


if TYPE_CHECKING:
    from optuna.trial import FrozenTrial
    from rich.console import Console

    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.training import Evaluation
    from optuna_xmcnas.workflows import Standing


_MOST_SHOWN = 8  # trials in training that are named
_PER_SECOND = 4  # drawings of the live area
_EVERY_S = 60.0  # between two lines of one child, away from a terminal


@final
class SearchProgress:
    """Shows one line per finished child, and below them what is going on.

    Away from a terminal only the lines appear, and now and then one of a child that takes long.
    Use it as a context manager around the search.

    Args:
        console: Where.
        study_name: Of the search.
        sampler: Who proposes the children; None for a confirmation, where nobody does.
        clock: Returns seconds.
    """

    def __init__(
        self,
        console: Console,
        *,
        study_name: str,
        sampler: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._study_name = study_name
        self._sampler = sampler
        self._clock = clock
        self._seldom = Seldom(_EVERY_S, clock=clock)
        self._scene = Scene(now="preparing the data")
        self._began = clock()
        self._n_trainings: int | None = None  # of a confirmation
        self._is_next_round = False  # of one, which has its heading
        self._live = Live(
            LiveArea(self._present),
            console=console,
            transient=True,
            refresh_per_second=_PER_SECOND,
            # lines of others go above the area, unless they go to a file
            redirect_stdout=sys.stdout.isatty(),
            redirect_stderr=sys.stderr.isatty(),
        )

    def __enter__(self) -> SearchProgress:
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
        """Say what is searched on."""
        print_data(self._console, data)

    def search_began(self, standing: Standing, n_trials: int) -> None:
        """Print the heading, and begin to count."""
        if not self._is_next_round:
            self._head(standing.n_complete, self._n_trainings or n_trials)
        self._is_next_round = self._n_trainings is not None
        self._stand(standing, now="proposing")

    def confirming_began(self, study_name: str, n_trainings: int) -> None:
        """Note that what begins now, round after round, confirms a search."""
        self._study_name = study_name
        self._n_trainings = n_trainings

    def child_began(self, number: int, genome: Genome) -> None:
        """Name the child in training."""
        self._seldom.begin()
        self._now(f"trial {number}, {genome.n_layers} layers")

    def child_evaluated(self, number: int, evaluation: Evaluation) -> None:
        """Show how far the child in training is."""
        now = f"trial {number}, epoch {evaluation.epoch}: {percent(evaluation.report['P@5'])}"
        self._now(now)
        if not self._console.is_interactive and self._seldom.is_due():
            self._print(f"in training: {now}")

    def child_ended(self, trial: FrozenTrial, standing: Standing) -> None:
        """Print the child's line."""
        self._stand(standing, now="proposing")
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
        is_best = standing.best is not None and trial.values[0] >= standing.best.values[0]
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
        self._now(f"in training: {trials} {shown}{more}" if running else "proposing")

    def worker_restarted(self, worker: int, reason: str) -> None:
        """Say that a worker is started again."""
        self._print(f"[yellow]worker {worker} {escape(reason)}; it is started again[/]")

    def stopping(self) -> None:
        """Say that the wish was heard."""
        self._print("stopping after this step; Ctrl-C again stops at once")
        self._now("stopping")

    def judging_began(self) -> None:
        """Say that the search itself is over."""
        self._now("judging the best child")

    def _head(self, n_before: int, n_trials: int) -> None:
        """Print what begins, and count from now on: earlier runs say nothing about the speed."""
        what, by = "children", f", sampler {self._sampler}"
        if self._n_trainings is not None:
            what, by = "trainings", ""
        begun = f"continued after {n_before} {what}" if n_before else "new"
        self._print(
            f"study [bold]{escape(self._study_name)}[/] ({begun}), {n_trials} {what} wanted{by}\n"
        )
        self._print("[dim]trial    P@5  seconds  architecture: node:op(source)[/]")
        self._began = self._clock()
        self._scene = replace(self._scene, counted=what, n_before=n_before, n_trials=n_trials)

    def _stand(self, standing: Standing, *, now: str) -> None:
        # of a confirmation the means count, and they are known in the end
        best = standing.best if self._n_trainings is None else None
        self._scene = replace(
            self._scene,
            now=now,
            n_complete=standing.n_complete,
            best=None if best is None else read_record(best),
            best_score=None if best is None else best.values[0],
            population=standing.population,
        )
        if self._live.is_started:
            self._live.refresh()  # at once: a line printed while the height changes would be lost

    def _now(self, now: str) -> None:
        self._scene = replace(self._scene, now=now)

    def _present(self) -> Scene:
        return replace(self._scene, elapsed_s=self._clock() - self._began)

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=not self._console.is_terminal)
