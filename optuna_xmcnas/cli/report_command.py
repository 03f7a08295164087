"""``optuna-xmcnas report``: a study as one page."""

from __future__ import annotations

from pathlib import Path
import re
from typing import Annotated
from typing import Any
from typing import TYPE_CHECKING

import optuna
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.next_steps import storage_arguments
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import genome_record
from optuna_xmcnas.cli.report_files import check_report_file
from optuna_xmcnas.cli.report_files import write_report
from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.cli.studies import open_searched
from optuna_xmcnas.exceptions import StorageError
from optuna_xmcnas.study.confirmation import confirm_name


if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.study import CurvePoint


_LONGEST_NAME = 180  # bytes of a file's name that are the study's


def report(
    storage: options.Storage = options.DEFAULT_STORAGE,
    study_name: options.StudyName = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write: .html is one page with figures, .md is Markdown with the same "
            "tables. (default: report-STUDY.html)",
            metavar="FILE.html|FILE.md",
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a model that `retrain` wrote: its learning curves are drawn beside "
            "those of the study. May be repeated. (default: none)",
            metavar="DIR",
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Replace the file also if it is not a report; a report is replaced anyway.",
        ),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write a study down as one page: what was searched, the winner, the analyses, the costs.

    The page holds all it needs and loads nothing, so it can be sent and kept. It is written from
    the study alone: nothing is trained, and no data is read.
    """
    console = console_for(as_json=as_json)
    if out is not None:
        check_report_file(out, overwrite=overwrite)
    opened = open_searched(storage)
    study = load_study(opened, study_name)
    path = out or Path(f"report-{_file_name(study.study_name)}.html")
    check_report_file(path, overwrite=overwrite)
    with console.status("reading the study"):
        from optuna_xmcnas.analysis import read_history
        from optuna_xmcnas.report import build_report
        from optuna_xmcnas.report import model_curves

        curves: dict[str, tuple[CurvePoint, ...]] = {}
        for folder in model or ():
            for name, curve in model_curves(folder).items():
                curves[name if name not in curves else f"{name} of {folder}"] = curve
        history = read_history(study)
        _refuse_confirmation(history)
        written = build_report(
            history,
            confirmation=_confirmation(opened, history.name),
            curves=curves,
            storage=storage if storage_arguments(storage) else None,
        )
        n_bytes = write_report(path, written)
    best = history.best
    found = "no child has finished" if best is None else f"trial {best.number} is the best"
    console.print(
        f"{path}: study {history.name}, {len(history.complete):,} finished of "
        f"{len(history.rows):,} trials, {found} ({n_bytes / 1e6:.2f} MB)",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    if as_json:
        emit("report", _record(history, path, n_bytes))


def _refuse_confirmation(history: History) -> None:
    config = history.config
    if config is not None and config.sampler_name == "repeat":
        search = history.name.removesuffix(confirm_name(""))
        raise StorageError(
            f"study {history.name!r} holds the confirmation of a search; name the search, "
            f"{search!r}: its report has both."
        )


def _confirmation(opened: BaseStorage, name: str) -> History | None:
    from optuna_xmcnas.analysis import read_history

    try:
        study = optuna.load_study(study_name=confirm_name(name), storage=opened)
    except KeyError:
        return None
    found = read_history(study)
    # anybody may have given a search such a name
    return found if found.config is not None and found.config.sampler_name == "repeat" else None


def _file_name(name: str) -> str:
    plain = re.sub(r"[^\w.-]+", "-", name)
    short = plain.encode()[:_LONGEST_NAME].decode(errors="ignore")  # file systems count bytes
    return short.strip(".-") or "study"


def _record(history: History, path: Path, n_bytes: int) -> dict[str, Any]:
    best = history.best
    return {
        "study": history.name,
        "file": path,
        "n_bytes": n_bytes,
        "n_trials": len(history.rows),
        "n_complete": len(history.complete),
        "best": best
        and {
            "trial": best.number,
            "value": best.value,
            "genome": None if best.genome is None else genome_record(best.genome),
            "test": history.test.get(best.number),
        },
    }
