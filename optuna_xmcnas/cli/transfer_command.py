"""``optuna-xmcnas transfer``: an architecture found on one data set, trained on another."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.next_steps import data_arguments
from optuna_xmcnas.cli.next_steps import import_arguments
from optuna_xmcnas.cli.next_steps import print_next
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.settings import import_modules
from optuna_xmcnas.cli.settings import read_config


def transfer(
    context: typer.Context,
    data: Annotated[
        str,
        typer.Option(
            help="The other data set: a folder in any of the known layouts, or 'docstrings'.",
            metavar="DIR|docstrings",
        ),
    ],
    study_name: options.StudyName = None,
    trial: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Train the architecture of this trial. (default: the best, confirmed first)",
            metavar="N",
        ),
    ] = None,
    out: options.ModelOut = None,
    overwrite: options.Overwrite = False,
    preset: options.FullPresetName = None,
    config: options.ConfigFile = None,
    seeds: options.Seeds = 1,
    seed: options.FirstSeed = None,
    device: options.Device = None,
    precision: options.Precision = None,
    linear: options.WithLinear = True,
    vectors: options.Vectors = None,
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
    max_tokens: options.FullMaxTokens = None,
    train_documents: options.FullTrainDocuments = None,
    validation_documents: options.FullValidationDocuments = None,
    epochs: options.FullEpochs = None,
    batch_size: options.FullBatchSize = None,
    learning_rate: options.FullLearningRate = None,
    hidden: options.FullHidden = None,
    attention: options.FullAttention = None,
    imports: options.Imports = None,
    storage: options.Storage = options.DEFAULT_STORAGE,
    checkpoint_every: options.CheckpointEvery = 300.0,
    as_json: options.AsJson = False,
) -> None:
    """Train the architecture that a study found on another data set, and print both.

    The study says which architecture; --preset, the configuration file and the options say how it
    is trained on the new documents (without them: as in the study, in full).
    """
    console = console_for(as_json=as_json)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # see `search`
    in_file = read_config(config)
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas.cli import full_training
        from optuna_xmcnas.cli.records import retrained_record
        from optuna_xmcnas.cli.records import source_record
        from optuna_xmcnas.cli.results import print_transferred
        from optuna_xmcnas.workflows import source_of

    found = full_training.find_architecture(storage, study_name, trial, None)
    assert found.study is not None  # where no genome is given, a study is looked for
    settings = full_training.full_settings(
        context, found, preset, in_file, seed=seed, device=device, precision=precision
    )
    raw = load_data(data, train_rows, test_rows, console)
    folder = full_training.model_folder(
        out, f"{found.study.study_name}-on-{raw.name}", overwrite=overwrite
    )
    source = source_of(found.study, found.architecture.genome, found.settings.space)
    retrained = full_training.train_in_full(
        console,
        raw,
        found.architecture,
        settings,
        n_seeds=seeds,
        out=folder,
        vectors=vectors,
        overwrite=overwrite,
        with_linear=linear,
        checkpoint_every_s=checkpoint_every,
        storage=storage,
    )
    print_transferred(console, source, retrained)
    console.print(f"model: {folder}", soft_wrap=True, highlight=False, markup=False)
    of_data = data_arguments(data, train_rows=train_rows, test_rows=test_rows)
    print_next(
        console,
        {"judge it closely": ["evaluate", str(folder), *of_data, *import_arguments(imports)]},
    )
    if as_json:
        record = retrained_record(found, retrained, folder)
        emit("transfer", {**record, "source": source_record(source)})
