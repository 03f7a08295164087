"""Every example runs, with tiny settings."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import pytest


EXAMPLES = Path(__file__).parent.parent.parent / "examples"
_TINY = ["--tokens=9", "--labels=20", "--batch-size=4", "--hidden=8", "--words=50", "--threads=1"]


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("sampler_only.py", ["--trials=30"], "best of 30"),
        ("custom_operation.py", ["--trials=4"], "P@5 0."),
        ("own_guide.py", [], "nearest neighbours   best of 60: 12 of 12"),
        (
            "benchmarks/attentionxml_step.py",
            ["--check", "--mixed", *_TINY],
            "same loss and gradients",
        ),
        ("benchmarks/attentionxml_step.py", ["--rounds=1", *_TINY], "plain      4"),
    ],
)
def test_example_runs(script: str, arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_the_sampler_alone_leaves_torch_out() -> None:
    code = (
        "import runpy, sys; sys.argv = ['', '--trials=5']; "
        f"runpy.run_path({str(EXAMPLES / 'sampler_only.py')!r}, run_name='__main__'); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_script_is_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {
        "custom_operation.py",
        "dask_workers.py",
        "joblib_workers.py",
        "own_guide.py",
        "ray_tune.py",
        "sampler_only.py",
        "search_docstrings.py",  # by tests/docs, as the quick start has it
    }
