"""Settings from a preset, a file and options: who wins, and what a mistake looks like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
import os
from pathlib import Path
import signal
import sys
from typing import Any

import optuna
import pytest
import typer

from optuna_xmcnas.cli import main
from optuna_xmcnas.cli.options import Preset
from optuna_xmcnas.cli.options import Sampler
from optuna_xmcnas.cli.settings import op_list
from optuna_xmcnas.cli.settings import preset_of
from optuna_xmcnas.cli.settings import read_config
from optuna_xmcnas.cli.settings import settings_from
from optuna_xmcnas.cli.settings import with_sampler_of
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import SearchSettings


QUICK = PRESETS["quick"]


def _read(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "search.toml"
    path.write_text(text)
    return read_config(path)


def _settings(folder: Path, text: str, **options: dict[str, Any]) -> SearchSettings:
    return settings_from(QUICK, _read(folder, text), **options)


def test_no_file_and_no_option_leave_the_preset() -> None:
    assert settings_from(QUICK, read_config(None), child={"hidden": None}) == QUICK


def test_a_file_changes_the_preset(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "[child]\nhidden = 7\n[search]\ntimeout_s = 60\n")
    assert (settings.child.hidden, settings.timeout_s) == (7, 60)
    assert settings.training == QUICK.training


def test_an_option_beats_the_file(tmp_path: Path) -> None:
    text = "[child]\nhidden = 7\n[training]\nepochs = 2\n"
    settings = _settings(tmp_path, text, child={"hidden": 9}, training={"epochs": None})
    assert (settings.child.hidden, settings.training.epochs) == (9, 2)


def test_a_device_in_the_file_holds_unless_an_option_names_one(tmp_path: Path) -> None:
    text = '[training]\ndevice = "cpu"\n'
    assert _settings(tmp_path, text, training={"device": None}).training.device == "cpu"
    assert _settings(tmp_path, text, training={"device": "auto"}).training.device == "auto"


def test_the_seed_of_the_search_is_that_of_everything(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "[search]\nseed = 5\n")
    assert (settings.seed, settings.data.seed, settings.training.seed) == (5, 5, 5)


def test_a_part_may_have_its_own_seed_in_the_file(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "[search]\nseed = 5\n[data]\nseed = 1\n")
    assert (settings.seed, settings.data.seed, settings.training.seed) == (5, 1, 5)


def test_a_seed_as_an_option_is_that_of_everything(tmp_path: Path) -> None:
    settings = _settings(tmp_path, "[data]\nseed = 1\n", search={"seed": 7})
    assert (settings.seed, settings.data.seed, settings.training.seed) == (7, 7, 7)


def test_a_preset_may_be_named_in_the_file(tmp_path: Path) -> None:
    config = _read(tmp_path, 'preset = "paper"\n')
    assert preset_of(None, config) is Preset.paper
    assert preset_of(Preset.quick, config) is Preset.quick
    assert preset_of(None, {}) is None


OLD = StudyConfig({"sampler": {"seed": 0}})  # of a study made before there was a choice


@pytest.mark.parametrize(
    ("found", "text", "option", "expected"),
    [
        (None, "", None, "guided"),
        (OLD, "", None, "evolution"),
        (OLD, "", Sampler.tpe, "guided"),  # the option has been heeded by then, or refused
        (OLD, '[search]\nsampler = "random"\n', None, "guided"),  # as has the file
        (StudyConfig({"sampler": {"name": "tpe"}}), "[search]\nseed = 1\n", None, "tpe"),
        (StudyConfig({"sampler": {"name": "of tomorrow"}}), "", None, "guided"),
    ],
)
def test_a_command_that_names_no_sampler_takes_that_of_the_study(
    found: StudyConfig | None, text: str, option: Sampler | None, expected: str, tmp_path: Path
) -> None:
    settings = with_sampler_of(QUICK, found, _read(tmp_path, text), option)
    assert settings == replace(QUICK, sampler=expected)  # type: ignore[arg-type]  # a name


def test_a_sampler_may_be_named_in_the_file(tmp_path: Path) -> None:
    text = '[search]\nsampler = "tpe"\n'
    assert _settings(tmp_path, text).sampler == "tpe"
    assert _settings(tmp_path, text, search={"sampler": Sampler.nsgaii}).sampler == "nsgaii"


def test_ops_are_separated_by_commas() -> None:
    assert op_list("conv1, bilstm") == ("conv1", "bilstm")
    assert op_list(None) is None


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match=r"cuda:77.*use 'auto' or 'cpu'"):
        _settings(tmp_path, '[training]\ndevice = "cuda:77"\n')


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a command run in this process, in a folder of its own, and undo what it sets up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    before = signal.getsignal(signal.SIGTERM)
    spinning = os.environ.get("GOMP_SPINCOUNT")
    verbosity = optuna.logging.get_verbosity()
    yield
    signal.signal(signal.SIGTERM, before)
    optuna.logging.set_verbosity(verbosity)
    if spinning is None:
        os.environ.pop("GOMP_SPINCOUNT", None)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sampler]\nseed = 1\n", "there is no section [sampler]; there are search, space, data,"),
        ("hidden = 8\n", "there is no section [hidden]"),
        ("child = 8\n", "[child] must hold settings by name; got 8"),
        ("[child]\nwidth = 8\n", "[child] has no setting 'width'; it has hidden,"),
        ('[child]\nhidden = "wide"\n', "[child]: `hidden` must be a whole number; got 'wide'"),
        ("[search]\nn_trials = 2.5\n", "[search]: `n_trials` must be a whole number; got 2.5"),
        ('[child]\nattention = "some"\n', "must be 'label' or 'self' or 'maxpool'; got 'some'"),
        ('[search]\nsampler = "best"\n', "'tpe' or 'random' or 'nsgaii'; got 'best'"),
        ('[training]\nevaluate_every = "never"\n', "must be a whole number or nothing"),
        ('[space]\nops = ["conv1", 3]\n', "must be a list, each entry a text"),
        ("[training]\nepochs = 0\n", "`epochs` must be a whole number from 1 up; got 0"),
        ('preset = "fast"\n', "there is no preset 'fast'; there are quick, paper."),
        ("preset = 3\n", "there is no preset 3; there are quick, paper."),
        ("[child\nhidden = 8\n", "search.toml is not TOML: "),
        ("[child]\nhidden = 8\nhidden = 9\n", "search.toml is not TOML: "),
    ],
)
def test_mistakes_in_the_file_are_told_without_a_traceback(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("search.toml").write_text(text)
    assert _run(monkeypatch, "search", "--config=search.toml") == 2
    errors = capsys.readouterr().err
    assert said in " ".join(errors.split())
    assert "Traceback" not in errors


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config=absent.toml"], "cannot read absent.toml: "),
        (["--config=."], "cannot read .: "),
        (["--config=latin1.toml"], "cannot read latin1.toml: "),
        (["--workers=0"], "--workers"),
        (["--devices=cuda:0", "--workers=2", "--workers-per-device=2"], "not both"),
        (["--workers-per-device=2"], "--workers-per-device wants --devices cuda:0,cuda:1,..."),
        (["--devices=tpu"], "--devices tpu: "),
        (["--devices=cpu,cuda:77"], "--devices cpu,cuda:77: "),
        (["--device=cuda:77"], "cuda:77"),
        (["--preset=fast"], "fast"),
        (["--sampler=best"], "best"),
        (["--timeout=0"], "`timeout_s` must be above 0 seconds"),
    ],
)
def test_mistakes_in_options_are_told_without_a_traceback(
    arguments: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("latin1.toml").write_bytes("# ä".encode("latin-1"))
    assert _run(monkeypatch, "search", *arguments) == 2
    errors = capsys.readouterr().err
    assert said in " ".join(errors.split())
    assert "Traceback" not in errors


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["optuna-xmcnas", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code
