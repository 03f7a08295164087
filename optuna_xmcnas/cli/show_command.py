"""``optuna-xmcnas show``: the best trials of a study."""

from __future__ import annotations

from typing import Annotated
from typing import TYPE_CHECKING

from optuna.trial import TrialState
from rich import box
from rich.markup import escape
from rich.table import Table
import typer

from optuna_xmcnas.analysis import best_records
from optuna_xmcnas.analysis import expected_values
from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import trial_record
from optuna_xmcnas.cli.results import print_genome
from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import open_storage


if TYPE_CHECKING:
    from collections.abc import Mapping

    from optuna import Study
    from rich.console import Console

    from optuna_xmcnas.study import TrialRecord


_WIDE = 100  # columns: on a narrower terminal the architecture matters more than all metrics


def show(
    storage: options.Storage = options.DEFAULT_STORAGE,
    study_name: options.StudyName = None,
    top: Annotated[
        int, typer.Option(min=1, help="How many trials to list, best first.", metavar="N")
    ] = 10,
    draw: Annotated[int, typer.Option(min=0, help="How many of them to draw.", metavar="N")] = 1,
    as_json: options.AsJson = False,
) -> None:
    """Print the best trials of a study and their architectures."""
    console = console_for(as_json=as_json)
    study = load_study(open_storage(storage, must_exist=True), study_name)
    rows = best_records(study, max(top, draw))
    counts = _counts(study)
    expected = expected_values(study)
    said = ", ".join(f"{n} {kind}" for kind, n in counts.items()) or "no trials"
    console.print(f"study [bold]{escape(study.study_name)}[/]: {said}", highlight=False)
    if rows:
        _print_best(console, rows, expected, top=top, draw=draw)
    else:
        console.print("No child is finished yet.")
    if as_json:
        trials = [trial_record(v, record, expected.get(record.number)) for v, record in rows[:top]]
        emit("show", {"study": study.study_name, "counts": counts, "trials": trials})


def _print_best(
    console: Console,
    rows: list[tuple[float, TrialRecord]],
    expected: Mapping[int, float],
    *,
    top: int,
    draw: int,
) -> None:
    console.print(_table(rows[:top], expected, is_wide=console.width >= _WIDE))
    if expected:
        _print_incumbents(console, rows[0], expected)
    for value, record in rows[:draw]:
        title = f"trial {record.number}: {100 * value:.2f}"
        print_genome(console, record.genome, record.node_weights, title)


def _counts(study: Study) -> dict[str, int]:
    """Return how many trials there are of each kind; failed ones by the reason, if known."""
    kinds = [
        (ended_of(trial) or trial.state.name).lower() for trial in study.get_trials(deepcopy=False)
    ]
    order = [*(state.name.lower() for state in TrialState), *Ended]
    return {kind: n for kind in order if (n := kinds.count(kind))}


def _print_incumbents(
    console: Console, best: tuple[float, TrialRecord], expected: Mapping[int, float]
) -> None:
    """Print which trial was best, and which is expected to be best if all were trained again."""
    value, record = best
    number, average = next(iter(expected.items()))
    of_best = expected.get(record.number)
    if of_best is None:
        console.print(f"best seen: trial {record.number}, P@5 {100 * value:.2f}")
    elif number == record.number or round(of_best, 4) == round(average, 4):
        console.print(
            f"best: trial {record.number}, P@5 {100 * value:.2f} seen, {100 * of_best:.2f} "
            "expected of another training"
        )
        return
    else:
        console.print(
            f"best seen: trial {record.number}, P@5 {100 * value:.2f}; another training is "
            f"expected to reach {100 * of_best:.2f}"
        )
    console.print(f"best expected: trial {number}, P@5 {100 * average:.2f}")


def _table(
    rows: list[tuple[float, TrialRecord]], expected: Mapping[int, float], *, is_wide: bool
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption="node:op(source)")
    metrics = ["P@1", "P@3", "P@5", "nDCG@5"] if is_wide else ["P@5"]
    names = ["trial", *metrics, *(["expected"] if expected else [])]
    names += ["weights", "seconds", "parent"]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("architecture", min_width=14)
    for _, record in rows:
        shares = [record.metrics.get(name) for name in metrics]
        shares += [expected.get(record.number)] if expected else []
        table.add_row(
            str(record.number),
            *("" if share is None else f"{100 * share:.2f}" for share in shares),
            "" if record.n_parameters is None else f"{record.n_parameters / 1e6:.2f} M",
            "" if record.seconds is None else f"{record.seconds:.0f}",
            "" if record.parent is None else str(record.parent),
            str(record.genome),
        )
    return table
