"""``optuna-xmcnas compare``: searches side by side."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from typing import Any
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.report_files import check_report_file
from optuna_xmcnas.cli.report_files import write_report
from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.cli.studies import open_searched


if TYPE_CHECKING:
    from rich.console import Console

    from optuna_xmcnas.analysis import Estimate
    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.report import Comparison


def compare(
    studies: Annotated[
        list[str],
        typer.Argument(
            help="Names of studies, two or more; one in another storage is written URL#NAME.",
            metavar="STUDY",
        ),
    ],
    storage: options.Storage = options.DEFAULT_STORAGE,
    out: Annotated[
        Path,
        typer.Option(
            help="File to write: .html is one page with a figure, .md is Markdown with the same "
            "tables.",
            metavar="FILE.html|FILE.md",
        ),
    ] = Path("comparison.html"),
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway",
            help="Compare studies of different texts or settings, too; the page says what "
            "differs.",
        ),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace the file also if it is not a report; a report is replaced anyway.",
        ),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Set searches of different samplers on the same data side by side.

    Several studies of one sampler that differ by their seed count as one group: its mean has an
    interval, and from three seeds of each on, so has the difference of two samplers.
    """
    console = console_for(as_json=as_json)
    check_report_file(out, overwrite=overwrite)
    if len(studies) < 2 or len(set(studies)) < len(studies):
        raise typer.BadParameter("name two studies or more, each once.", param_hint="STUDY")
    with console.status("reading the studies"):
        from optuna_xmcnas.report import compare_studies
        from optuna_xmcnas.report import comparison_report
        from optuna_xmcnas.report.comparison_report import verdict_of

        found = compare_studies(_histories(studies, storage), anyway=anyway)
        n_bytes = write_report(out, comparison_report(found))
    _print(console, found)
    console.print(verdict_of(found), highlight=False, markup=False)
    for note in (*found.mismatches, *found.notes):
        console.print(note, highlight=False, markup=False)
    console.print(f"{out} ({n_bytes / 1e6:.2f} MB)", highlight=False, markup=False, soft_wrap=True)
    if as_json:
        emit("compare", {"file": out, "n_bytes": n_bytes, **_record(found)})


def _histories(studies: list[str], storage: str) -> list[History]:
    from optuna_xmcnas.analysis import read_history

    opened: dict[str, Any] = {}
    found = []
    for study in studies:
        url, name = _place(study, storage)
        if url not in opened:
            opened[url] = open_searched(url)
        found.append(read_history(load_study(opened[url], name)))
    return found


def _place(study: str, storage: str) -> tuple[str, str]:
    """Return the storage and the name of a study; a name may have the sign as well.

    Example:
        >>> _place("sqlite:///other.db#mine", "sqlite:///this.db")
        ('sqlite:///other.db', 'mine')
        >>> _place("run #3", "sqlite:///this.db")
        ('sqlite:///this.db', 'run #3')
    """
    url, sign, name = study.partition("#")
    if "://" in url and not name:
        raise typer.BadParameter(  # without repeating it: there may be a password in it
            "a study of another storage is written URL#NAME; the name is missing after a URL.",
            param_hint="STUDY",
        )
    is_elsewhere = bool(sign and name) and ("://" in url or Path(url).is_file())
    return (url, name) if is_elsewhere else (storage, study)


def _print(console: Console, found: Comparison) -> None:
    measure = found.measure
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("sampler")
    shown = [*range(len(found.budgets))][-3:]  # what a terminal has room for
    names = ["studies", *(f"best after {found.budgets[position]:,}" for position in shown)]
    for name in (*names, "child-hours"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in found.groups:
        table.add_row(
            group.label,
            str(len(group.studies)),
            *(measure.interval(group.at[position]) for position in shown),
            f"{group.child_hours.mean:.2f}",
        )
    console.print(table)


def _record(found: Comparison) -> dict[str, Any]:
    return {
        "measure": found.measure.name,
        "budgets": found.budgets,
        "level": found.level,
        "samplers": [
            {
                "sampler": group.label,
                "studies": [
                    {
                        "study": study.name,
                        "seed": study.seed,
                        "n_complete": len(study.best_so_far),
                        "best": study.best_so_far[-1],
                        "test": study.test,
                        "child_hours": study.child_hours,
                        "children_to_level": study.children_to_level,
                    }
                    for study in group.studies
                ],
                "best_at": [asdict(one) for one in group.at],
                "test": _estimate(group.test),
                "child_hours": _estimate(group.child_hours),
                "children_to_level": _estimate(group.children_to_level),
            }
            for group in found.groups
        ],
        "differences": [
            {
                "sampler": one.one,
                "less": one.other,
                **asdict(one.gap),
                "is_clear": one.gap.is_clear,
                "is_matched": one.is_matched,
            }
            for one in found.differences
        ],
        "mismatches": found.mismatches,
        "notes": found.notes,
    }


def _estimate(found: Estimate | None) -> dict[str, Any] | None:
    return None if found is None else asdict(found)
