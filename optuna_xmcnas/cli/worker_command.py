"""``optuna-xmcnas worker``: train children of a study that others work on as well."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType
from typing import Annotated
from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.loading import make_folder
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.settings import as_in_study
from optuna_xmcnas.cli.settings import brings_settings
from optuna_xmcnas.cli.settings import import_modules
from optuna_xmcnas.cli.settings import option_sections
from optuna_xmcnas.cli.settings import preset_of
from optuna_xmcnas.cli.settings import read_config
from optuna_xmcnas.cli.settings import settings_from
from optuna_xmcnas.cli.settings import with_sampler_of
from optuna_xmcnas.cli.showcases import check_artifact_dir
from optuna_xmcnas.cli.showcases import showcase_of
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import hide_password
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import want_trials
from optuna_xmcnas.study import wanted_trials


if TYPE_CHECKING:
    from rich.console import Console

    from optuna_xmcnas.study import PatientStorage
    from optuna_xmcnas.study import StudyConfig


_LOOK_EVERY_S = 1.0


def worker(
    context: typer.Context,
    study_name: Annotated[
        str,
        typer.Option(
            help="Name of the study, made with --create or `optuna create-study`.",
            metavar="NAME",
        ),
    ],
    create: Annotated[
        bool,
        typer.Option("--create", help="Make the study if there is none, instead of an error."),
    ] = False,
    data: options.Data = options.EMBEDDED_DATA,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    trials: options.Trials = None,
    timeout: options.Timeout = None,
    seed: options.Seed = None,
    device: options.Device = None,
    precision: options.Precision = None,
    vectors: options.Vectors = None,
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
    max_tokens: options.MaxTokens = None,
    train_documents: options.TrainDocuments = None,
    validation_documents: options.ValidationDocuments = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    hidden: options.Hidden = None,
    attention: options.AttentionKind = None,
    ops: options.Ops = None,
    min_layers: options.MinLayers = None,
    max_layers: options.MaxLayers = None,
    sampler: options.SamplerChoice = None,
    population_size: options.PopulationSize = None,
    sample_size: options.SampleSize = None,
    imports: options.Imports = None,
    storage: options.Storage = options.DEFAULT_STORAGE,
    children_dir: options.ChildrenDir = options.DEFAULT_CHILDREN_DIR,
    retries: options.Retries = 1,
    grace_period: options.GracePeriod = 300.0,
    max_failures: options.MaxFailures = 5,
    storage_patience: options.StoragePatience = 600.0,
    checkpoint_every: options.CheckpointEvery = 300.0,
    artifact_dir: options.ArtifactDir = options.DEFAULT_ARTIFACT_DIR,
    no_dashboard: options.NoDashboard = False,
    as_json: options.AsJson = False,
) -> None:
    """Train children of a study, together with any number of other workers.

    The first worker gives the study its settings, from a preset, a configuration file or options;
    others need to know only where the study and the data are, and wait until it has settings. A
    worker ends when the study has all its children. On SIGTERM it saves the child in training,
    puts it back for others and exits with 0.
    """
    console = console_for(as_json=as_json)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _leave)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # see `search`
    opened = _open(storage, storage_patience, grace_period, create=create)
    study = _load_study(opened, study_name, storage, create=create)
    make_folder(children_dir)
    check_artifact_dir(artifact_dir, no_dashboard=no_dashboard)
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas import workflows
    from optuna_xmcnas.cli.search_progress import SearchProgress
    from optuna_xmcnas.worker import Ending
    from optuna_xmcnas.worker import Interruption
    from optuna_xmcnas.worker import WorkSettings

    in_file = read_config(config)
    asked_preset = preset_of(preset, in_file)
    sections = option_sections(context)
    brings = brings_settings(preset, in_file, sections)
    found = config_of(study) if brings else _wait_for_settings(study, storage_patience, console)
    base = workflows.PRESETS[(asked_preset or options.Preset.quick).value]
    if found is not None and asked_preset is None:
        base = as_in_study(base, found, study_name)
    sections["search"] |= {"n_trials": trials, "timeout_s": timeout}
    sections["training"] |= {"device": device, "precision": precision}
    settings = settings_from(base, in_file, **sections)
    settings = with_sampler_of(settings, found, in_file, sampler)
    brings_budget = trials is not None or "n_trials" in in_file.get("search", {})
    raw = load_data(data, train_rows, test_rows, console)
    parent = os.environ.get(workflows.PARENT_VARIABLE)
    progress = SearchProgress(console, study_name=study_name, sampler=settings.sampler)
    with progress:
        session = workflows.open_session(
            raw,
            settings,
            storage=opened,
            study_name=study_name,
            children_dir=children_dir,
            vectors=vectors,
            observer=progress,
        )
        # Read as late as can be: whoever gave the study its settings may just have written it.
        if brings_budget or (n_trials := wanted_trials(session.study)) is None:
            n_trials = settings.n_trials
            want_trials(session.study, n_trials)

        def stop() -> None:
            progress.stopping()
            opened.hurry()

        with Interruption(int(parent) if parent else None, on_wish=stop) as interruption:
            ending = workflows.run_worker(
                session,
                WorkSettings(
                    n_trials=n_trials,
                    retries=retries,
                    grace_s=grace_period,
                    max_failures=max_failures,
                    stall_s=options.STALL_S,
                ),
                interruption=interruption,
                observer=progress,
                deadline=None if settings.timeout_s is None else began + settings.timeout_s,
                checkpoint_every_s=checkpoint_every,
                is_sqlite=storage.startswith("sqlite"),
                showcase=showcase_of(artifact_dir, no_dashboard=no_dashboard),
            )
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # all is told: there is nothing left to stop
    said = f"Done: {ending.value}."
    if ending is Ending.INTERRUPTED:
        said = "Stopped; what was in training is put back for other workers."
    console.print(said, highlight=False)
    if ending is Ending.INTERRUPTED and not interruption.was_terminated:
        raise typer.Exit(130)
    if as_json:
        complete = session.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        record = {"study": study_name, "n_complete": len(complete), "n_trials": n_trials}
        emit("worker", {**record, "ending": ending.name.lower()})


def _open(url: str, patience_s: float, grace_s: float, *, create: bool) -> PatientStorage:
    try:
        return open_storage(
            url, must_exist=not create, patience_s=patience_s, grace_s=grace_s, waits=True
        )
    except StorageError as error:
        if not str(error).endswith("ook at --storage."):  # what there is to say of an unused one
            raise
        raise StorageError(f"{error} A new study is made with --create.") from None


def _load_study(
    opened: optuna.storages.BaseStorage, name: str, storage: str, *, create: bool
) -> optuna.Study:
    if create:
        return optuna.create_study(
            study_name=name, storage=opened, direction="maximize", load_if_exists=True
        )
    try:
        return optuna.load_study(study_name=name, storage=opened)
    except KeyError:
        raise StorageError(
            f"there is no study {name!r} in {hide_password(storage)}; --create makes it."
        ) from None


def _wait_for_settings(study: optuna.Study, patience_s: float, console: Console) -> StudyConfig:
    """Return the settings of a study, once a worker has brought them."""
    until = time.monotonic() + patience_s
    if config_of(study) is None:
        console.print(
            f"study {study.study_name} has no settings yet; waiting up to {patience_s:.0f} s for "
            "a worker that brings them (--preset, --config or options)",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    with console.status("waiting"):
        while (found := config_of(study)) is None or wanted_trials(study) is None:
            if time.monotonic() > until:
                raise StorageError(
                    f"study {study.study_name!r} has no settings, and no worker has brought any "
                    f"for {patience_s:.0f} seconds. Start one with --preset quick, --preset "
                    "paper, or --config FILE.toml."
                )
            time.sleep(_LOOK_EVERY_S)
    return found


def _leave(signum: int, frame: FrameType | None) -> None:
    """End at once, before any child is in training."""
    sys.exit(0)
