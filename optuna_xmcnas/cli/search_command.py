"""``optuna-xmcnas search``: from texts to the best architecture."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
import os
from pathlib import Path
import shlex
import sys
import time
from typing import Annotated
from typing import TYPE_CHECKING

import optuna
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.loading import make_folder
from optuna_xmcnas.cli.next_steps import data_arguments
from optuna_xmcnas.cli.next_steps import folder_arguments
from optuna_xmcnas.cli.next_steps import import_arguments
from optuna_xmcnas.cli.next_steps import is_in_environment
from optuna_xmcnas.cli.next_steps import print_next
from optuna_xmcnas.cli.next_steps import running_command
from optuna_xmcnas.cli.next_steps import say_interrupted
from optuna_xmcnas.cli.next_steps import storage_arguments
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
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import hide_password
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.study import wanted_trials


if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from rich.console import Console

    from optuna_xmcnas.workflows import Crew
    from optuna_xmcnas.workflows import SearchSettings


def search(
    context: typer.Context,
    data: options.Data = options.EMBEDDED_DATA,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    trials: options.Trials = None,
    timeout: options.Timeout = None,
    seed: options.Seed = None,
    study_name: Annotated[
        str | None,
        typer.Option(
            help="Name of the study; one that exists is continued. (default: data and preset)",
            metavar="NAME",
        ),
    ] = None,
    enqueue: Annotated[
        str | None,
        typer.Option(
            help="Try these architectures first, separated by commas: attentionxml (wants "
            "--min-layers 1), xmcnas, files with a genome, or genomes written as '1:bilstm(0) "
            "2:conv3(1)'. (default: none)",
            metavar="NAME|FILE|GENOME,...",
        ),
    ] = None,
    confirm: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="In the end, train the N best again with 3 fresh seeds each, and judge the "
            "winner; 0 judges the best seen. See `confirm`.",
        ),
    ] = 0,
    device: options.Device = None,
    precision: options.Precision = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Train so many children at a time, each in its own process. (default: one, in "
            "this process)",
            metavar="N",
            rich_help_panel=options.WORKERS,
        ),
    ] = None,
    devices: Annotated[
        str | None,
        typer.Option(
            help="Devices to share the workers out to, separated by commas: cuda:0,cuda:1. "
            "(default: none, all on --device)",
            metavar="NAME,...",
            rich_help_panel=options.WORKERS,
        ),
    ] = None,
    workers_per_device: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With --devices: workers on each of them. (default: 1)",
            metavar="N",
            rich_help_panel=options.WORKERS,
        ),
    ] = None,
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
    linear: options.WithLinear = True,
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
    """Search the best architecture for a data set, and judge it on the test split.

    The study lives in the storage: interrupt with Ctrl-C whenever you like, and the same command
    continues. Without options, it searches on documentation found on this machine, in minutes.
    Others may join with `optuna-xmcnas worker`, from any machine that reaches the storage.
    """
    console = console_for(as_json=as_json)
    began = time.monotonic()
    # How long a waiting thread spins; read once, when PyTorch is imported. With another program on
    # the cores, the usual spinning doubles a step's time; without any, this costs a tenth.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas import workflows
    from optuna_xmcnas.cli.records import search_record
    from optuna_xmcnas.cli.results import print_confirmation
    from optuna_xmcnas.cli.results import print_verdict
    from optuna_xmcnas.cli.search_progress import SearchProgress
    from optuna_xmcnas.worker import WorkSettings

    in_file = read_config(config)
    name_of_preset = preset_of(preset, in_file) or options.Preset.quick
    sections = option_sections(context)
    opened = open_storage(storage, patience_s=storage_patience, grace_s=grace_period)
    make_folder(children_dir)
    check_artifact_dir(artifact_dir, no_dashboard=no_dashboard)
    base = workflows.PRESETS[name_of_preset.value]
    if study_name is not None and not brings_settings(preset, in_file, sections):
        base = _as_in_known_study(base, opened, study_name)
    sections["search"] |= {"n_trials": trials, "timeout_s": timeout}
    sections["training"] |= {"device": device, "precision": precision}
    settings = settings_from(base, in_file, **sections)
    places = _places(workers, devices, workers_per_device, settings.training.device)
    work_settings = WorkSettings(
        n_trials=settings.n_trials,
        retries=retries,
        grace_s=grace_period,
        max_failures=max_failures,
        stall_s=options.STALL_S,
    )
    again = running_command(storage)
    try:
        raw = load_data(data, train_rows, test_rows, console)
        name = study_name or f"{raw.name}-{name_of_preset.value}"
        study = _study_if_any(opened, name)
        found = None if study is None else config_of(study)
        settings = with_sampler_of(settings, found, in_file, sampler)
        progress = SearchProgress(console, study_name=name, sampler=settings.sampler)
        crew = None
        if places is not None:
            given = {
                "study-name": name,
                "data": data,
                "vectors": vectors,
                "train-rows": train_rows,
                "test-rows": test_rows,
                "precision": settings.training.precision,
                "children-dir": children_dir,
                "retries": retries,
                "grace-period": grace_period,
                "max-failures": max_failures,
                "storage-patience": storage_patience,
                "checkpoint-every": checkpoint_every,
                "artifact-dir": None if no_dashboard else artifact_dir,
            }
            flags = ["--no-dashboard"] if no_dashboard else []
            until = None if settings.timeout_s is None else began + settings.timeout_s
            crew = _crew(places, given, flags, imports, storage, children_dir / "logs", until)
        with progress:
            outcome = workflows.search(
                raw,
                settings,
                storage=opened,
                study_name=name,
                children_dir=children_dir,
                vectors=vectors,
                observer=progress,
                work_settings=work_settings,
                checkpoint_every_s=checkpoint_every,
                is_sqlite=storage.startswith("sqlite"),
                showcase=showcase_of(artifact_dir, no_dashboard=no_dashboard),
                crew=crew,
                enqueue=[
                    workflows.named_architecture(name.strip()).genome
                    for name in (enqueue or "").split(",")
                    if name.strip()
                ],
                confirm_top=confirm,
                with_linear=linear,
            )
    except KeyboardInterrupt:
        say_interrupted(console, "Interrupted.", again)
    if outcome.verdict is None:
        finished = f"{outcome.n_complete} of {settings.n_trials} children finished"
        say_interrupted(console, f"Interrupted with {finished}.", again)
    assert outcome.verdict is not None  # or the program has ended above
    if outcome.confirmation is not None:
        print_confirmation(console, outcome.confirmation)
    print_verdict(console, outcome.verdict, outcome.n_complete)
    of_data = data_arguments(data, vectors=vectors, train_rows=train_rows, test_rows=test_rows)
    of_data += import_arguments(imports)
    first = {"confirm the best": ["confirm", *of_data, *folder_arguments(children_dir)]}
    if outcome.confirmation is not None:
        first = {"train it in full": ["retrain", *of_data]}
    shown = None if no_dashboard else artifact_dir
    _print_next(console, first, storage, name, shown, outcome.n_complete, again)
    if as_json:
        emit("search", search_record(outcome))


def _as_in_known_study(
    base: SearchSettings, opened: BaseStorage, study_name: str
) -> SearchSettings:
    """Return the settings of a study, or the ones given if there is none of that name yet."""
    study = _study_if_any(opened, study_name)
    found = None if study is None else config_of(study)
    if study is None or found is None:
        return base
    base = replace(base, n_trials=wanted_trials(study) or base.n_trials)
    return as_in_study(base, found, study_name)


def _study_if_any(opened: BaseStorage, study_name: str) -> optuna.Study | None:
    try:
        return optuna.load_study(study_name=study_name, storage=opened)
    except KeyError:
        return None


def _places(
    workers: int | None, devices: str | None, workers_per_device: int | None, device: str
) -> list[str] | None:
    """Return the device of each worker; None to train in this process."""
    from optuna_xmcnas.training import resolve_device

    if devices is not None and device != "auto":
        raise typer.BadParameter("give --device or --devices, not both.")
    if devices is None:
        if workers_per_device is not None:
            raise typer.BadParameter("--workers-per-device wants --devices cuda:0,cuda:1,...")
        return None if workers is None else [device] * workers
    names = [name.strip() for name in devices.split(",")]
    if workers is not None and workers_per_device is not None:
        raise typer.BadParameter("give --workers or --workers-per-device, not both.")
    for name in names:
        try:
            resolve_device(name)
        except (RuntimeError, ValueError) as error:
            raise typer.BadParameter(f"--devices {devices}: {error}") from error
    n_workers = workers or len(names) * (workers_per_device or 1)
    return [names[i % len(names)] for i in range(n_workers)]


def _crew(
    places: Sequence[str],
    given: Mapping[str, object],
    flags: Sequence[str],
    imports: list[str] | None,
    storage: str,
    log_dir: Path,
    until: float | None,
) -> Crew:
    """Return the workers that this search starts; they read the settings from the study."""
    from optuna_xmcnas.workflows import Crew

    told = [
        text
        for name, value in given.items()
        if value is not None
        for text in (f"--{name}", str(value))
    ]
    told += [*flags, *(text for module in imports or () for text in ("--import", module))]

    def command(device: str) -> list[str]:
        left = [] if until is None else ["--timeout", str(max(0.0, until - time.monotonic()))]
        start = [sys.executable, "-m", "optuna_xmcnas", "worker"]
        return [*start, *told, "--device", device, *left]

    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    n_threads = max(1, (n_cores or 1) // len(places))
    environment = {
        options.STORAGE_VARIABLE: storage,
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(n_threads)),
    }
    commands = [lambda device=device: command(device) for device in places]
    return Crew(commands=commands, environment=environment, log_dir=log_dir)


def _without_trials(command: list[str]) -> list[str]:
    kept: list[str] = []
    for argument in command:
        if kept and kept[-1] == "--trials":
            kept.pop()
        elif not argument.startswith("--trials="):
            kept.append(argument)
    return kept


def _print_next(
    console: Console,
    first: Mapping[str, Sequence[str]],
    storage: str,
    study_name: str,
    artifact_dir: Path | None,
    n_complete: int,
    again: list[str],
) -> None:
    of_study = [*storage_arguments(storage), "--study-name", study_name]
    address = (
        f'"${options.STORAGE_VARIABLE}"'
        if is_in_environment(storage)
        else shlex.quote(hide_password(storage))
    )
    pictures = "" if artifact_dir is None else f" --artifact-dir {shlex.quote(str(artifact_dir))}"
    commands: dict[str, str | list[str]] = {
        **{what: [name, *of_study, *rest] for what, (name, *rest) in first.items()},
        "its best trials": ["show", *of_study],
        "all of it": ["report", *of_study, "--out", "report.html"],
        "in the browser": f"optuna-dashboard {address}{pictures}",
        "search on": [*_without_trials(again)[1:], "--trials", str(2 * n_complete)],
    }
    if storage.startswith("grpc:"):
        del commands["in the browser"]  # it wants the database behind the server
    print_next(console, commands)
