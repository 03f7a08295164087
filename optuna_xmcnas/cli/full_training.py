"""What ``retrain`` and ``transfer`` share: from their options to a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any
from typing import TYPE_CHECKING

from rich.console import Console
import typer

from optuna_xmcnas.cli.next_steps import running_command
from optuna_xmcnas.cli.next_steps import say_interrupted
from optuna_xmcnas.cli.settings import as_in_study
from optuna_xmcnas.cli.settings import option_sections
from optuna_xmcnas.cli.settings import settings_from
from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.cli.studies import open_searched
from optuna_xmcnas.cli.studies import settings_of
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import ModelError


if TYPE_CHECKING:
    from optuna import Study

    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.workflows import Architecture
    from optuna_xmcnas.workflows import Retrained
    from optuna_xmcnas.workflows import SearchSettings


_MODELS = Path("optuna-xmcnas-models")


@dataclass(frozen=True, kw_only=True)
class Found:
    """An architecture, and the settings that it was found with.

    Attributes:
        architecture: What to train.
        settings: Those of the study, or the quick ones if there is none.
        study: Where it was found; None if it was given by name or file alone.
    """

    architecture: Architecture
    settings: SearchSettings
    study: Study | None


def find_architecture(
    storage: str,
    study_name: str | None,
    trial: int | None,
    genome: str | None,
    data: str | None = None,
) -> Found:
    """Return what the options of a command ask for; ``data`` as in `load_study`."""
    from optuna_xmcnas import workflows

    if genome is not None and trial is not None:
        raise typer.BadParameter("give --genome or --trial, not both.")
    quick = workflows.PRESETS["quick"]
    if genome is not None and study_name is None:
        architecture = workflows.named_architecture(genome)
        return Found(architecture=architecture, settings=quick, study=None)
    opened = open_searched(storage)
    study = load_study(opened, study_name, data)
    settings = as_in_study(quick, settings_of(study), study.study_name)
    if genome is not None:
        architecture = workflows.named_architecture(genome)
    elif trial is not None:
        architecture = workflows.architecture_of_trial(study, trial)
    else:
        architecture = workflows.best_architecture(study, opened, settings.space)
    return Found(architecture=architecture, settings=settings, study=study)


def full_settings(
    context: typer.Context,
    found: Found,
    preset: str | None,
    in_file: Mapping[str, Any],
    *,
    seed: int | None,
    device: str | None,
    precision: str | None,
) -> SearchSettings:
    """Return the settings of a training in full.

    Those of the study or of a preset, changed by what the architecture wants, then by the
    configuration file, then by options.
    """
    from optuna_xmcnas.workflows import FULL
    from optuna_xmcnas.workflows import FULL_PRESETS

    sections = option_sections(context)
    sections["search"] = {}
    sections["training"] |= {"seed": seed, "device": device, "precision": precision}
    base = found.settings.changed(FULL if preset is None else FULL_PRESETS[preset])
    base = base.changed({"child": found.architecture.child})
    return settings_from(base, in_file, **sections)


def model_folder(out: Path | None, name: str, *, overwrite: bool) -> Path:
    """Return the folder of a model, or say that there is something already."""
    from optuna_xmcnas.tagger import check_target

    folder = out or _MODELS / re.sub(r"[^\w.-]+", "-", name)
    try:
        check_target(folder, overwrite=overwrite)
    except ModelError as error:
        raise ModelError(f"{error} See --out and --overwrite.") from error
    return folder


def train_in_full(
    console: Console,
    raw: TextDataset,
    architecture: Architecture,
    settings: SearchSettings,
    *,
    n_seeds: int,
    out: Path,
    vectors: Path | None,
    overwrite: bool,
    with_linear: bool,
    checkpoint_every_s: float,
    storage: str,
) -> Retrained:
    """Train, with a bar; leave the program if it is told to stop, or in all processes but one."""
    from optuna_xmcnas import workflows
    from optuna_xmcnas.cli.retrain_progress import RetrainProgress
    from optuna_xmcnas.training import launched_group
    from optuna_xmcnas.worker import Interruption

    recipe = workflows.Recipe(
        data=settings.data,
        child=settings.child,
        training=settings.training,
        n_seeds=n_seeds,
    )
    with launched_group(settings.training.device) as group:
        console.quiet = group.rank > 0
        score = f", validation P@5 {architecture.score}" if architecture.score else ""
        what = f"architecture: {architecture.name}{score}: {architecture.genome}"
        child, n_tokens = recipe.child, recipe.data.max_tokens
        how = (
            f"reads {n_tokens} words of a text; {child.hidden} units per direction, "
            f"{child.attention} attention"
        )
        for line in (what, how):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        progress = RetrainProgress(console, recipe.training, n_seeds)
        try:
            with (
                progress,
                Interruption(on_wish=progress.stopping) as interruption,
                interruption.allowed(),
            ):
                retrained = workflows.retrain(
                    raw,
                    architecture,
                    recipe,
                    out=out,
                    observer=progress,
                    vectors=vectors,
                    overwrite=overwrite,
                    with_linear=with_linear,
                    checkpoint_every_s=checkpoint_every_s,
                    should_stop=lambda: interruption.is_wanted,
                    group=group,
                    drawing=draw_text(architecture.genome),
                )
        except (ChildInterruptedError, KeyboardInterrupt):
            say_interrupted(console, "Interrupted.", running_command(storage))
    if retrained is None:
        raise typer.Exit
    return retrained
