"""The live view, on a terminal and away from one."""

from __future__ import annotations

import io

import optuna
import pytest
from rich.console import Console

from optuna_xmcnas import Genome
from optuna_xmcnas.cli.progress import SearchProgress
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.genome import Node
from optuna_xmcnas.metrics import EvaluationReport
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import fail_record
from optuna_xmcnas.training import Evaluation


GENOME = Genome((Node("conv3", 0), Node("maxpool3", 1)))


@pytest.mark.parametrize("is_terminal", [True, False])
def test_everything_that_can_happen_is_shown(is_terminal: bool) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=120)
    study = optuna.create_study(direction="maximize")
    for value in (0.25, None):
        trial = study.ask()
        begin_record(trial, GENOME, seed=0)
        if value is None:
            fail_record(trial, "no room [at all]")
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, value)
    good, failed = study.get_trials()
    report = EvaluationReport((("P@5", 0.125),), n_documents=1, n_without_labels=0)

    with SearchProgress(console, study_name="odd [name]", sampler="tpe") as progress:
        progress.data_ready(
            prepare(synthetic_dataset(), DataConfig(validation_documents=20, vector_size=8))
        )
        progress.search_began(1, 4, 0.25)
        progress.child_began(7, GENOME)
        progress.child_evaluated(7, Evaluation(1, 10, 2.0, 0.5, report))
        progress._bar.refresh()
        progress.child_ended(good, 2, 0.25)
        progress.child_ended(failed, 2, 0.25)
        progress.child_lost(3, "its worker [x] is gone")
        progress.others_at_work([4, 5])
        progress._bar.refresh()
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
    assert ("trial 7, epoch 1: 12.50" in shown) == is_terminal
    assert ("in training: trials 4, 5" in shown) == is_terminal
