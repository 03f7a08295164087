"""``optuna-xmcnas retrain``: one architecture, trained in full, as a model that people use."""

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


def retrain(
    context: typer.Context,
    data: options.Data = options.EMBEDDED_DATA,
    study_name: options.StudyOfData = None,
    trial: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Train the architecture of this trial. (default: the best, confirmed first)",
            metavar="N",
        ),
    ] = None,
    genome: options.GenomeName = None,
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
    """Train an architecture in full, judge it on the test split, and write a model folder.

    Without options it takes the architecture that won the study, with the study's widths and
    lengths, and trains it on all documents for as long as that helps: node outputs side by side,
    weights averaged. After Ctrl-C the same command goes on. On several GPUs:
    torchrun --nproc-per-node 4 -m optuna_xmcnas retrain ...
    """
    console = console_for(as_json=as_json)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # see `search`
    in_file = read_config(config)
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas.cli import full_training
        from optuna_xmcnas.cli.records import retrained_record
        from optuna_xmcnas.cli.results import print_retrained
        from optuna_xmcnas.workflows import check_texts

    found = full_training.find_architecture(storage, study_name, trial, genome, data)
    settings = full_training.full_settings(
        context, found, preset, in_file, seed=seed, device=device, precision=precision
    )
    names = [] if found.study is None else [found.study.study_name]
    names += [] if trial is None else [f"trial-{trial}"]
    names += [] if genome is None else [found.architecture.name]
    folder = full_training.model_folder(out, "-".join(names), overwrite=overwrite)
    raw = load_data(data, train_rows, test_rows, console)
    if found.study is not None:
        check_texts(found.study, raw)
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
    print_retrained(console, retrained)
    console.print(f"model: {folder}", soft_wrap=True, highlight=False, markup=False)
    of_data = data_arguments(data, train_rows=train_rows, test_rows=test_rows)
    of_ops = import_arguments(imports)
    commands = {
        "judge it closely": ["evaluate", str(folder), *of_data, *of_ops],
        "tag texts": ["predict", str(folder), "texts.txt", *of_ops],
    }
    if raw.test is None:
        del commands["judge it closely"]
    print_next(console, commands)
    if as_json:
        emit("retrain", retrained_record(found, retrained, folder))
