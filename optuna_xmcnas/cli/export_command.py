"""``optuna-xmcnas export``: a model for programs without this package."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import exported_record
from optuna_xmcnas.cli.settings import import_modules


if TYPE_CHECKING:
    from optuna_xmcnas.tagger import ExportCheck
    from optuna_xmcnas.tagger import Exported
    from optuna_xmcnas.tagger import ExportFormat


_PACKAGES = {"onnx": "numpy onnxruntime tokenizers", "torch": "numpy tokenizers torch"}


class Format(StrEnum):
    """What to write."""

    onnx = "onnx"
    torch = "torch"
    both = "both"


def export(
    model: Annotated[
        Path, typer.Argument(help="Folder of a model.", metavar="MODEL", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Argument(
            help="Folder to write. (default: MODEL-exported)", metavar="[OUT]", show_default=False
        ),
    ] = None,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="onnx: model.onnx, for ONNX Runtime and others. torch: model.pt2, for "
            "torch.export.load.",
        ),
    ] = Format.onnx,
    k: Annotated[
        int, typer.Option("-k", min=1, help="Labels for each text, the best ones.", metavar="N")
    ] = 10,
    opset: Annotated[
        int | None,
        typer.Option(
            min=18,
            help="Version of the ONNX operators; older runtimes want an older one. (default: "
            "PyTorch's choice)",
            metavar="N",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export, instead of refusing.")
    ] = False,
    imports: options.Imports = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a model so that programs without this package can use it.

    The folder gets the network as one graph, from word numbers to the best labels, the words, the
    label names, and a README with a short program that uses them. What was written is compared
    with the model.
    """
    from optuna_xmcnas.tagger import export_model
    from optuna_xmcnas.tagger import load_model

    console = console_for(as_json=as_json)
    import_modules(imports)
    with console.status("loading the model"):
        loaded = load_model(model)
    formats: tuple[ExportFormat, ...] = ("onnx", "torch")
    if format_ is not Format.both:
        formats = tuple(name for name in formats if name == format_)
    folder = out or model.with_name(f"{model.name}-exported")
    with console.status("tracing the network (up to a minute for large ones)"):
        exported = export_model(
            loaded, folder, formats=formats, k=k, opset=opset, overwrite=overwrite
        )
    _print(console, exported, folder, min(k, loaded.n_labels))
    if as_json:
        emit("export", {"model": model, **exported_record(exported)})


def _print(console: Console, exported: Exported, folder: Path, k: int) -> None:
    console.print(f"[bold]{escape(str(folder))}[/]", highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    table.add_column()
    table.add_column(justify="right")
    for name, n_bytes in exported.n_bytes.items():
        table.add_row(name, f"{n_bytes / 1e6:,.2f} MB")
    console.print(table)
    for name, check in exported.checks.items():
        console.print(f"{name}: {_agreement(check, k)}", highlight=False, soft_wrap=True)
    packages = " ".join(dict.fromkeys(" ".join(_PACKAGES[n] for n in exported.checks).split()))
    console.print(
        "\nTo use it, without this package: the program in "
        f"[bold]{escape(str(folder / 'README.md'))}[/], after\n"
        f"  python -m pip install {packages}",
        highlight=False,
        soft_wrap=True,
    )


def _agreement(check: ExportCheck | None, k: int) -> str:
    if check is None:
        return (
            "not compared with the model, for onnxruntime is not installed "
            "(python -m pip install onnxruntime)"
        )
    return (
        f"compared with the model on {check.n_texts} texts by {check.runtime}: largest difference "
        f"of logits {check.largest_difference:.1e}, {100 * check.equal_lists:.0f} % equal "
        f"top-{k} lists"
    )
