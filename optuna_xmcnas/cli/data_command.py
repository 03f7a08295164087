"""``optuna-xmcnas data``: what a folder holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import data_record


if TYPE_CHECKING:
    from optuna_xmcnas.data import DatasetStatistics
    from optuna_xmcnas.data import SplitStatistics


def data(
    folder: Annotated[
        str,
        typer.Argument(
            help="A folder with a data set, or 'docstrings' for the embedded one.",
            metavar="DIR|docstrings",
        ),
    ] = options.EMBEDDED_DATA,
    vectors: options.Vectors = None,
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
    as_json: options.AsJson = False,
) -> None:
    """Print what a folder holds: its format, documents, labels, words."""
    from optuna_xmcnas.data import describe

    console = console_for(as_json=as_json)
    raw = load_data(folder, train_rows, test_rows, console)
    with console.status("counting"):
        statistics = describe(raw, vectors=vectors)
    console.print(f"[bold]{escape(statistics.name)}[/]: {statistics.format}", highlight=False)
    console.print(_splits_table(statistics.splits))
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    for name, value in _facts(statistics):
        facts.add_row(name, value)
    console.print(facts)
    if statistics.text is None:
        console.print(
            "\nThere are no texts, so nothing can be searched on: add the raw texts of the same "
            "documents to the folder, one per line."
        )
    if as_json:
        emit("data", data_record(statistics))


def _splits_table(splits: tuple[SplitStatistics, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("split")
    for name in ("documents", "labels per document", "documents without labels"):
        table.add_column(name, justify="right")
    for split in splits:
        table.add_row(
            split.name,
            f"{split.n_documents:,}",
            f"{split.labels_per_document:.2f}",
            f"{split.n_without_labels:,}",
        )
    return table


def _facts(statistics: DatasetStatistics) -> Iterator[tuple[str, str]]:
    yield "labels", f"{statistics.n_labels:,}"
    yield "labels in no train document", f"{statistics.n_labels_not_in_train:,}"
    yield "train documents per label", f"{statistics.documents_per_label:.1f} (mean)"
    yield "labels of the tail", f"{_percent(statistics.tail_share)} have under 5 train documents"
    if statistics.n_features is not None:
        yield "numeric features", f"{statistics.n_features:,}"
    text = statistics.text
    if text is None:
        return
    yield "different words in train", f"{text.n_words:,}"
    yield (
        "words per train document",
        f"{text.mean_tokens:.0f} mean, {text.median_tokens:.0f} median, "
        f"95 % have at most {text.tokens_95:.0f}",
    )
    if text.unknown_test_tokens is not None:
        yield "test words unknown to train", _percent(text.unknown_test_tokens)
    if statistics.coverage is not None:
        running = _percent(statistics.coverage.out_of_vocabulary_tokens)
        different = _percent(statistics.coverage.out_of_vocabulary_words)
        yield "without a given vector", f"{running} of the running words, {different} of the words"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
