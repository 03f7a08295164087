"""``optuna-xmcnas confirm``: train the best architectures of a search again."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.loading import make_folder
from optuna_xmcnas.cli.next_steps import data_arguments
from optuna_xmcnas.cli.next_steps import import_arguments
from optuna_xmcnas.cli.next_steps import print_next
from optuna_xmcnas.cli.next_steps import running_command
from optuna_xmcnas.cli.next_steps import say_interrupted
from optuna_xmcnas.cli.next_steps import storage_arguments
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.settings import as_in_study
from optuna_xmcnas.cli.settings import import_modules
from optuna_xmcnas.cli.settings import settings_from
from optuna_xmcnas.cli.showcases import check_artifact_dir
from optuna_xmcnas.cli.showcases import showcase_of
from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.cli.studies import open_searched
from optuna_xmcnas.cli.studies import settings_of


def confirm(
    data: options.Data = options.EMBEDDED_DATA,
    study_name: options.StudyOfData = None,
    top: Annotated[
        int,
        typer.Option(
            min=1,
            help="How many architectures to train again: the best seen and the best expected ones "
            "by turns.",
            metavar="N",
        ),
    ] = 5,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trainings of each, with seeds that the search did not use: more makes the "
            "intervals narrower.",
            metavar="N",
        ),
    ] = 3,
    device: options.Device = None,
    precision: options.Precision = None,
    vectors: options.Vectors = None,
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
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
    """Train the best architectures of a search again, and rank them by their means.

    The best score of a search was lucky, more often than not. This trains the best seen and the
    best expected networks with fresh seeds and the search's settings, on the validation split; the
    test split is not read. Several machines may run the same command; after Ctrl-C it goes on.
    """
    console = console_for(as_json=as_json)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # see `search`
    opened = open_searched(storage, patience_s=storage_patience, grace_s=grace_period)
    study = load_study(opened, study_name, data)
    found = settings_of(study)
    make_folder(children_dir)
    check_artifact_dir(artifact_dir, no_dashboard=no_dashboard)
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas import workflows
    from optuna_xmcnas.cli.records import confirmation_record
    from optuna_xmcnas.cli.results import print_confirmation
    from optuna_xmcnas.cli.search_progress import SearchProgress
    from optuna_xmcnas.worker import WorkSettings

    settings = settings_from(
        as_in_study(workflows.PRESETS["quick"], found, study.study_name),
        {},
        training={"device": device, "precision": precision},
    )
    raw = load_data(data, train_rows, test_rows, console)
    name = workflows.confirm_name(study.study_name)
    with SearchProgress(console, study_name=name) as progress:
        session = workflows.open_session(
            raw,
            settings,
            storage=opened,
            study_name=study.study_name,
            children_dir=children_dir,
            vectors=vectors,
            observer=progress,
        )
        work_settings = WorkSettings(
            n_trials=top * seeds,
            retries=retries,
            grace_s=grace_period,
            max_failures=max_failures,
            stall_s=options.STALL_S,
        )
        with workflows.interruption_of(opened, progress) as interruption:
            confirmation = workflows.confirm(
                session,
                opened,
                top=top,
                n_seeds=seeds,
                children_dir=children_dir,
                interruption=interruption,
                observer=progress,
                work_settings=work_settings,
                checkpoint_every_s=checkpoint_every,
                showcase=showcase_of(artifact_dir, no_dashboard=no_dashboard),
            )
    if confirmation.is_interrupted:
        say_interrupted(console, "Interrupted.", running_command(storage))
    print_confirmation(console, confirmation)
    of_data = data_arguments(data, vectors=vectors, train_rows=train_rows, test_rows=test_rows)
    of_data += import_arguments(imports)
    of_study = [*storage_arguments(storage), "--study-name", study.study_name]
    print_next(
        console,
        {
            "train it in full": ["retrain", *of_study, *of_data],
            "its best trials": ["show", *of_study],
        },
    )
    if as_json:
        emit("confirm", {"study": study.study_name, **confirmation_record(confirmation)})
