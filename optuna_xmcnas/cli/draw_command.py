"""``optuna-xmcnas draw``: an architecture as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
import logging
from pathlib import Path
import sys
from typing import Annotated
from typing import TYPE_CHECKING

from optuna.trial import TrialState
import typer

from optuna_xmcnas.analysis import best_records
from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import genome_record
from optuna_xmcnas.cli.records import Record
from optuna_xmcnas.cli.studies import load_study
from optuna_xmcnas.cli.studies import open_searched
from optuna_xmcnas.drawing import difference
from optuna_xmcnas.drawing import draw_mermaid
from optuna_xmcnas.drawing import draw_png
from optuna_xmcnas.drawing import draw_svg
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.drawing import fitting_weights
from optuna_xmcnas.drawing import trial_caption
from optuna_xmcnas.drawing import trial_title
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.genome import read_genome
from optuna_xmcnas.genome import XML_CNN_OPS
from optuna_xmcnas.study import find_trial


if TYPE_CHECKING:
    from optuna import Study

    from optuna_xmcnas.genome import Genome


_LOGGER = logging.getLogger(__name__)


class Format(StrEnum):
    """What a picture is written as."""

    text = "text"
    svg = "svg"
    png = "png"
    mermaid = "mermaid"


_SUFFIXES = {
    ".txt": Format.text,
    ".svg": Format.svg,
    ".png": Format.png,
    ".mmd": Format.mermaid,
    ".mermaid": Format.mermaid,
}


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What is drawn."""

    genome: Genome
    node_weights: Sequence[float] | None = None
    parent: Genome | None = None
    title: str = ""
    caption: str = ""
    trial: int | None = None


def draw(
    genome: Annotated[
        str | None,
        typer.Argument(
            help="What to draw: attentionxml, xmcnas, xml-cnn, a file with a genome, or one "
            "written as '1:bilstm(0) 2:conv3(1)'. Without it, a trial of a study is drawn.",
            metavar="GENOME",
            show_default=False,
        ),
    ] = None,
    trial: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Draw this trial of a study, with its score, the shares of its nodes and what "
            "its parent does not have. (default: the best)",
            metavar="N",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="What to write. (default: what --out is called; in the terminal, text)",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where to write it: a file .svg, .png, .txt or .mmd. (default: standard output)",
            metavar="FILE",
        ),
    ] = None,
    storage: options.Storage = options.DEFAULT_STORAGE,
    study_name: options.StudyName = None,
    as_json: options.AsJson = False,
) -> None:
    """Draw an architecture, as text, SVG, PNG or Mermaid.

    Each node stands below what it reads. Of a trial, the share of each node in what the attention
    sees is shown, and what sets it apart from the trial it was mutated from. With --json the
    architecture is printed as a document, and the picture goes into --out if that is given.
    """
    form = _format_of(form, out)
    if form == Format.png and out is None and not as_json and is_terminal():
        raise typer.BadParameter("a terminal shows no PNG; name a file.", param_hint="--out")
    if genome is not None and (trial is not None or study_name is not None):
        raise typer.BadParameter("give a genome, or --trial and --study-name, not both.")
    if genome is not None:
        subject = _Subject(genome=read_genome(genome))
    else:
        subject = _of_trial(load_study(open_searched(storage), study_name), trial)
    _warn_of_unknown_ops(subject.genome)
    if out is not None:
        _write(out, _drawn(subject, form))
        typer.echo(f"{out} is written", err=as_json)
    elif not as_json:
        typer.echo(_drawn(subject, form), nl=False)
    if as_json:
        emit("draw", {**_record(subject), "out": out})


def _write(out: Path, drawn: str | bytes) -> None:
    try:
        out.write_bytes(drawn if isinstance(drawn, bytes) else drawn.encode())
    except OSError as error:
        raise typer.BadParameter(
            f"cannot write {out}: {error.strerror}", param_hint="--out"
        ) from error


def is_terminal() -> bool:
    """Return whether somebody reads the standard output."""
    return sys.stdout.isatty()


def _format_of(form: Format | None, out: Path | None) -> Format:
    if out is None:
        return form or Format.text
    named = _SUFFIXES.get(out.suffix.lower())
    if form is not None and named not in (None, form):
        raise typer.BadParameter(
            f"{out} would be called {named} and hold {form}.", param_hint="--format"
        )
    if form is not None:
        return form
    if named is None:
        raise typer.BadParameter(
            f"the end of {out} names no format; use one of {', '.join(_SUFFIXES)}, or --format.",
            param_hint="--out",
        )
    return named


def _warn_of_unknown_ops(genome: Genome) -> None:
    """Say which operations are not of this package: they may be somebody's own, or mistyped."""
    known = (*DEFAULT_OPS, *XML_CNN_OPS)
    unknown = dict.fromkeys(node.op for node in genome.nodes if node.op not in known)
    if unknown:
        _LOGGER.warning("not operations of this package: %s", ", ".join(unknown))


def _of_trial(study: Study, number: int | None) -> _Subject:
    """Return a trial of a study; without a number, the best one."""
    if number is None:
        best = best_records(study, 1)
        if not best:
            raise InvalidGenomeError(
                f"study {study.study_name!r} has no finished child; search first."
            )
        number = best[0][1].number
    trial, record = find_trial(study, number)
    is_complete = trial.state == TrialState.COMPLETE
    return _Subject(
        genome=record.genome,
        node_weights=fitting_weights(record.genome, record.node_weights),
        parent=_genome_of(study, record.parent),
        title=trial_title(
            number, record.metrics.get("P@5") if is_complete else None, trial.state.name.lower()
        ),
        caption=trial_caption(record.parent, record.mutation),
        trial=number,
    )


def _genome_of(study: Study, number: int | None) -> Genome | None:
    if number is None:
        return None
    try:
        return find_trial(study, number)[1].genome
    except InvalidGenomeError:  # the parent was copied from another study, or nobody wrote it down
        return None


def _record(subject: _Subject) -> Record:
    return {
        "trial": subject.trial,
        "genome": genome_record(subject.genome),
        "node_weights": subject.node_weights,
        "parent": None if subject.parent is None else genome_record(subject.parent),
        "changes": _changes(subject),
    }


def _changes(subject: _Subject) -> tuple[str, ...]:
    """Return what sets a genome apart from its parent, in words."""
    if subject.parent is None:
        return ()
    return difference(subject.genome, subject.parent).sentences(subject.genome)


def _drawn(subject: _Subject, form: Format) -> str | bytes:
    if form == Format.text:
        return _text(subject)
    if form == Format.mermaid:
        return draw_mermaid(subject.genome, subject.node_weights) + "\n"
    return (draw_svg if form == Format.svg else draw_png)(
        subject.genome,
        subject.node_weights,
        parent=subject.parent,
        title=subject.title,
        caption=subject.caption,
    )


def _text(subject: _Subject) -> str:
    lines = [line for line in (subject.title, subject.caption) if line]
    lines += [draw_text(subject.genome, subject.node_weights)]
    if subject.parent is not None:
        changes = "; ".join(_changes(subject)) or "nothing is changed"
        lines.append(f"since the parent: {changes}")
    return "\n".join(lines) + "\n"
