"""``optuna-xmcnas evaluate``: what a model is worth on a split."""

from __future__ import annotations

from enum import StrEnum
import os
from pathlib import Path
from typing import Annotated

import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.next_steps import import_arguments
from optuna_xmcnas.cli.next_steps import print_next
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import evaluation_record
from optuna_xmcnas.cli.settings import import_modules


class Split(StrEnum):
    """Which documents."""

    validation = "validation"
    test = "test"


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="Folder of a model.", metavar="MODEL", show_default=False)
    ],
    data: options.Data = options.EMBEDDED_DATA,
    split: Annotated[
        Split,
        typer.Option(help="Which documents; validation, only where the data has that split."),
    ] = Split.test,
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
    linear: options.WithLinear = True,
    propensity: Annotated[
        tuple[float, float],
        typer.Option(
            help="A and B of the propensities: 0.5 0.4 for Wikipedia's articles, 0.6 2.6 for "
            "Amazon's products, as usual in their tables.",
            metavar="A B",
        ),
    ] = (0.55, 1.5),
    device: options.Device = None,
    imports: options.Imports = None,
    as_json: options.AsJson = False,
) -> None:
    """Judge a model on a split: P, nDCG, PSP, PSnDCG and recall at 1, 3, 5, with intervals.

    The intervals are those of a bootstrap over documents. On the test split of the data that the
    model was trained on, a linear model is set beside it, and the difference has an interval of
    its own. The second table says what is reached on frequent and on rare labels.
    """
    console = console_for(as_json=as_json)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # see `search`
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas.cli.results import print_evaluation
        from optuna_xmcnas.tagger import Tagger
        from optuna_xmcnas.workflows import evaluate_model
    tagger = Tagger.load(model, device=device or "auto")
    raw = load_data(data, train_rows, test_rows, console)
    with console.status(f"predicting the {split.value} documents"):
        evaluation = evaluate_model(
            tagger,
            raw,
            split=split.value,
            a=propensity[0],
            b=propensity[1],
            with_linear=linear,
        )
    console.print(
        f"{model} on {raw.name}, {split.value} split: {evaluation.n_documents:,} documents; "
        "95 % intervals over documents",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )
    print_evaluation(console, evaluation)
    print_next(
        console,
        {
            "tag texts": ["predict", str(model), "texts.txt", *import_arguments(imports)],
            "for programs": ["export", str(model), f"{model}-export", *import_arguments(imports)],
        },
    )
    if as_json:
        emit("evaluate", {"model": model, "data": raw.name, **evaluation_record(evaluation)})
