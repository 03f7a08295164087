"""The live views, on a terminal and away from one."""

from __future__ import annotations

from collections.abc import Sequence
import io
import re

import optuna
import pytest
from rich.console import Console

from optuna_xmcnas import Genome
from optuna_xmcnas.cli.retrain_progress import RetrainProgress
from optuna_xmcnas.cli.search_progress import SearchProgress
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.genome import Node
from optuna_xmcnas.metrics import EvaluationReport
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.workflows.standing import standing_of


GENOME = Genome((Node("conv3", 0), Node("maxpool3", 1)))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def _trials(*values: float | None) -> Sequence[optuna.trial.FrozenTrial]:
    """Return trials with these values, failed ones where there is none."""
    study = optuna.create_study(direction="maximize")
    for value in values:
        trial = study.ask()
        begin_record(trial, GENOME, seed=0)
        if value is None:
            fail_record(trial, "no room [at all]")
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, value)
    return study.get_trials()


def _evaluation(epoch: int, score: float = 0.125) -> Evaluation:
    scores = (("P@5", score), ("nDCG@5", score))
    report = EvaluationReport(scores, n_documents=1, n_without_labels=0)
    return Evaluation(epoch, 10 * epoch, 2.0, 0.5, report)


def _progress(*, is_terminal: bool) -> tuple[SearchProgress, io.StringIO, Clock]:
    screen, clock = io.StringIO(), Clock()
    console = Console(file=screen, force_terminal=is_terminal, width=120)
    return SearchProgress(console, study_name="tags", sampler="tpe", clock=clock), screen, clock


@pytest.mark.parametrize("is_terminal", [True, False])
def test_everything_that_can_happen_is_shown(is_terminal: bool) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=120)
    good, failed = _trials(0.25, None)
    standing = standing_of([good], population_size=2)

    with SearchProgress(console, study_name="odd [name]", sampler="tpe") as progress:
        progress.data_ready(
            prepare(synthetic_dataset(), DataConfig(validation_documents=20, vector_size=8))
        )
        progress.search_began(standing, 4)
        progress.child_began(7, GENOME)
        progress.child_evaluated(7, _evaluation(1))
        progress._live.refresh()
        progress.child_ended(good, standing)
        progress.child_ended(failed, standing)
        progress.child_lost(3, "its worker [x] is gone")
        progress.others_at_work([4, 5])
        progress._live.refresh()
        progress.others_at_work([])
        progress.worker_restarted(2, "was killed by SIGKILL")
        progress.stopping()
        progress.judging_began()

    shown = screen.getvalue()
    for words in (
        "odd [name]",
        "4 children wanted, sampler tpe",
        "continued after 1 children",
        "25.00",
        "no room [at all]",
        "its worker [x] is gone",
        "worker 2 was killed by SIGKILL",
        "Ctrl-C again stops at once",
    ):
        assert words in shown
    for words in (
        "trial 7, epoch 1: 12.50",
        "in training: trials 4, 5",
        "└── 1 conv3",
        "▄ 25.00 to 25.00, oldest first",
    ):
        assert (words in shown) == is_terminal
    assert ("\x1b" in shown) == is_terminal


def test_away_from_a_terminal_a_long_training_says_where_it_is_now_and_then() -> None:
    progress, screen, clock = _progress(is_terminal=False)
    with progress:
        progress.child_began(7, GENOME)
        for epoch in range(1, 13):
            clock.seconds += 15.0
            progress.child_evaluated(7, _evaluation(epoch))
    said = re.findall(r"^in training: trial 7, epoch (\d+): 12.50$", screen.getvalue(), re.M)
    assert said == ["4", "8", "12"]


def test_a_confirmation_has_one_heading_for_all_its_rounds() -> None:
    progress, screen, _ = _progress(is_terminal=False)
    (trial,) = _trials(0.25)
    with progress:
        progress.search_began(standing_of([], None), 4)
        progress.confirming_began("tags-confirm", 6)
        for n_trials in (2, 4, 6):
            progress.search_began(standing_of([trial], None), n_trials)
    shown = screen.getvalue()
    assert "study tags (new), 4 children wanted, sampler tpe" in shown
    assert "study tags-confirm (continued after 1 trainings), 6 trainings wanted" in shown
    assert shown.count("study ") == 2
    assert shown.count("architecture: node:op(source)") == 2


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_training_in_full_says_how_far_it_is(is_terminal: bool) -> None:
    screen, clock = io.StringIO(), Clock()
    console = Console(file=screen, force_terminal=is_terminal, width=60)
    training = TrainingConfig(epochs=9)
    progress = RetrainProgress(console, training, n_seeds=2, clock=clock)
    with progress:
        for epoch in range(1, 9):
            clock.seconds += 6.0
            progress.member_evaluated(training.seed + 1, _evaluation(epoch, 0.1 * epoch))
            progress._live.refresh()
        progress.member_ended(training.seed + 1, {"P@5": 0.8, "nDCG@5": 0.9})
    shown = screen.getvalue()
    assert "seed 1: validation P@5 80.00, nDCG@5 90.00" in shown
    epochs = re.findall(r"^training 2 of 2, epoch (\d) of 9, step \d+, P@5 .*, best ", shown, re.M)
    assert ("epoch 8 of 9, training 2 of 2" in shown) == is_terminal
    assert epochs == ([] if is_terminal else ["2", "4", "6", "8"])
    assert ("\x1b" in shown) == is_terminal
