"""The shell script with several workers runs, one of them killed on the way."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess
import sys

from optuna.trial import TrialState
import pytest

from tests.cli.commands import study_of
from tests.cli.commands import TINY
from tests.cli.commands import write_data


SCRIPT = Path(__file__).parent.parent.parent / "examples" / "many_workers.sh"

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("nproc") is None, reason="needs bash and nproc"
)


def test_the_script_is_correct_bash() -> None:
    done = subprocess.run(["bash", "-n", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_budget_is_spent_exactly_although_a_worker_dies(tmp_path: Path) -> None:
    write_data(tmp_path / "my data")
    (tmp_path / "search.toml").write_text(TINY)
    commands = Path(sys.executable).parent  # where the installed commands are
    if shutil.which("optuna-xmcnas", path=str(commands)) is None:
        pytest.skip("the command optuna-xmcnas is not installed beside Python")
    variables = {name: text for name, text in os.environ.items() if name != "STUDY"}
    done = subprocess.run(
        [SCRIPT, "--data", "my data", "--config", "search.toml", "--trials", "8"],
        cwd=tmp_path,
        env={
            **variables,
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "160",
            "OMP_NUM_THREADS": "1",
            "OPTUNA_XMCNAS_STORAGE": "sqlite:///study.db",
            "WORKERS": "2",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    trials = study_of(f"sqlite:///{tmp_path}/study.db", "many-workers").get_trials()
    assert sum(trial.state == TrialState.COMPLETE for trial in trials) == 8
    assert all(trial.state.is_finished() for trial in trials)
    assert "study many-workers: 8 complete" in done.stdout  # the last line shows the result
