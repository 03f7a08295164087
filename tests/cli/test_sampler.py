"""``--sampler``: on the first command of a study; on others only to be sure."""

from __future__ import annotations

from pathlib import Path

import pytest

from optuna_xmcnas.study import config_of
from tests.cli.commands import run
from tests.cli.commands import study_of
from tests.cli.commands import write_config
from tests.cli.commands import write_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a study in it that two workers have searched with NSGA-II."""
    folder = tmp_path_factory.mktemp("user")
    write_data(folder / "mine")
    write_config(folder / "search.toml")
    done = run(folder, *_search("--sampler=nsgaii", "--workers=2", "--trials=4"))
    assert done.returncode == 0, done.stderr
    assert "study tags (new), 4 children wanted, sampler nsgaii" in done.stdout
    return folder


def _search(*more: str) -> list[str]:
    options = ["--storage=study.log", "--study-name=tags", "--data=mine", "--config=search.toml"]
    return ["search", *options, *more]


def test_the_study_knows_its_sampler(folder: Path) -> None:
    study = study_of(f"{folder}/study.log", "tags")
    config = config_of(study)
    assert config is not None
    assert config.sampler_name == "nsgaii"
    keys = [key for trial in study.get_trials() for key in trial.system_attrs]
    assert sum(key.startswith("NSGAIISampler:") for key in keys) == 4
    assert not any("EvolutionSampler" in key for key in keys)


def test_the_same_command_goes_on_with_it_also_if_it_does_not_name_it(folder: Path) -> None:
    done = run(folder, *_search("--trials=5"))
    assert done.returncode == 0, done.stderr
    assert "(continued after 4 children), 5 children wanted, sampler nsgaii" in done.stdout
    worker = ["worker", "--storage=study.log", "--study-name=tags", "--data=mine"]
    done = run(folder, *worker, "--config=search.toml", "--trials=5")
    assert done.returncode == 0, done.stderr
    assert "5 children wanted, sampler nsgaii" in done.stdout


def test_another_one_is_refused(folder: Path) -> None:
    worker = ["worker", "--storage=study.log", "--study-name=tags", "--data=mine"]
    done = run(folder, *worker, "--sampler=random")
    assert done.returncode == 2
    assert 'sampler.name: the study has "nsgaii", asked for "random"' in done.stderr


def test_show_lists_its_children(folder: Path) -> None:
    done = run(folder, "show", "--storage=study.log")
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
    assert "conv1(0)" in done.stdout or "maxpool3(0)" in done.stdout
