"""What a report says of how to repeat a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import shlex

import pytest

from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.cli.settings import read_config
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.genome import Node
from optuna_xmcnas.report import build_report
from optuna_xmcnas.report import report_markdown
from optuna_xmcnas.report.blocks import Listing
from optuna_xmcnas.report.repeat import settings_toml
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.workflows import PRESETS
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.report.pages import judged_history


def listing(text_of: str, language: str) -> str:
    report = build_report(replace(judged_history(), name=text_of), storage="sqlite:///my.db")
    found = [b for b in report.sections[-1].blocks if isinstance(b, Listing)]
    return next(block.text for block in found if block.language == language)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("sampler", ["guided", "tpe"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"search": {"seed": 7}, "data": {"train_documents": 0}, "training": {"seed": 3}},
        {"training": {"clip_norm": float("inf"), "evaluate_every": 10, "select_by": "nDCG@5"}},
        {"space": {"ops": ["conv3"], "frozen": [Node("bilstm", 0)]}, "data": {"max_tokens": 9}},
    ],
)
def test_settings_are_read_back_as_they_were(
    tmp_path: Path, preset: str, sampler: str, changes: dict[str, dict[str, object]]
) -> None:
    settings = PRESETS[preset].changed({"search": {"sampler": sampler}}).changed(changes)
    raw = synthetic_dataset(n_train=60, n_test=10)
    data = prepare(raw, replace(settings.data, max_tokens=5, vector_size=4))
    config = StudyConfig(settings.study_config(data).to_record())
    config = StudyConfig({k: v for k, v in config.sections.items() if k != "format"})
    path = tmp_path / "settings.toml"
    path.write_text(settings_toml(config, 33), "utf-8")
    again = PRESETS["quick"].changed(read_config(path))
    assert again.study_config(data).fingerprint == config.fingerprint
    assert again.n_trials == 33


def test_commands_name_the_study_and_where_it_is_kept() -> None:
    lines = listing("mine", "sh").splitlines()
    assert lines[1] == (
        "optuna-xmcnas search --data path/to/EURLex-4K --config settings.toml "
        "--enqueue '1:bilstm(0)' --study-name mine-again"
    )
    assert lines[3] == (
        "optuna-xmcnas search --data path/to/EURLex-4K --study-name mine --storage sqlite:///my.db"
    )


def test_wishes_are_repeated_too() -> None:
    wished = [Phase.GIVEN, Phase.RANDOM, Phase.GIVEN, Phase.GIVEN]
    genomes = ["bilstm(0)", "conv3(0)", "conv5(0) conv3(1)", "bilstm(0)"]
    rows = [make_row(i, 0.5, genomes[i], phase=phase) for i, phase in enumerate(wished)]
    report = build_report(replace(judged_history(), rows=tuple(rows), finished_order=(0, 1, 2, 3)))
    text = next(
        b.text for b in report.sections[-1].blocks if isinstance(b, Listing) and "#" in b.text
    )
    assert "--enqueue '1:bilstm(0),1:conv5(0) 2:conv3(1)'" in text.splitlines()[1]


def test_a_name_cannot_become_a_command() -> None:
    text = listing("a; rm -rf ~ $(x)\n# y", "sh")
    commands = shlex.split(text.replace("\noptuna-xmcnas", " ; optuna-xmcnas"), comments=False)
    assert commands.count("a; rm -rf ~ $(x)\n# y") == 3
    assert commands.count("optuna-xmcnas") == 4


@pytest.mark.parametrize("study", ["two  spaces", "a `tick` & <b>", "it's", "x" * 400])
def test_commands_have_names_as_they_are(study: str) -> None:
    line = listing(study, "sh").splitlines()[3]
    words = shlex.split(line)
    assert words[words.index("--study-name") + 1] == study


def test_programs_that_are_left_out_are_counted() -> None:
    rows = [make_row(i, 0.5, software=f"program {i}") for i in range(12)]
    report = build_report(make_history(rows))
    (table,) = [b for b in report.sections[-1].blocks if getattr(b, "note", "")]
    assert getattr(table, "note", "") == "The 10 most frequent of 12."


def test_settings_of_another_version_are_said_to_be() -> None:
    history = make_history([make_row(0, 0.5)], is_of_another_version=True)
    page = report_markdown(build_report(history))
    assert page.count("settings of another version of this package") == 2
