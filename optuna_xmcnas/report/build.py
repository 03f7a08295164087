"""From a study to a report."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from optuna_xmcnas.report.analyses import bilstm_section
from optuna_xmcnas.report.analyses import convergence_section
from optuna_xmcnas.report.analyses import depth_section
from optuna_xmcnas.report.analyses import layers_section
from optuna_xmcnas.report.analyses import pairs_section
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Report
from optuna_xmcnas.report.costs import costs_section
from optuna_xmcnas.report.costs import linear_section
from optuna_xmcnas.report.costs import noise_section
from optuna_xmcnas.report.course import family_section
from optuna_xmcnas.report.course import operations_section
from optuna_xmcnas.report.course import progress_section
from optuna_xmcnas.report.findings import find
from optuna_xmcnas.report.repeat import repeat_section
from optuna_xmcnas.report.summary import summary_of
from optuna_xmcnas.report.winner import best_section
from optuna_xmcnas.report.winner import winner_section
from optuna_xmcnas.version import __version__


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.study import CurvePoint


MAKER = f"optuna_xmcnas {__version__}"
"""What makes reports; it stands in each of them."""


def build_report(
    history: History,
    *,
    confirmation: History | None = None,
    curves: Mapping[str, Sequence[CurvePoint]] = MappingProxyType({}),
    storage: str | None = None,
) -> Report:
    """Return what there is to tell of a study.

    Args:
        history: The study.
        confirmation: The study in which its best networks were trained again; None without one.
        curves: Learning curves of other trainings, by name, to set beside those of the study.
        storage: Where the study is kept, for the commands; a password in it is not shown.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> study = optuna.create_study(study_name="mine", direction="maximize")
        >>> report = build_report(read_history(study))
        >>> report.title, report.sections[0].title, report.sections[-1].title
        ('Study mine', 'The winner', 'How to repeat it')
    """
    findings = find(history, confirmation, curves)
    return Report(
        title=f"Study {name(history.name)}",
        summary=summary_of(findings),
        sections=(
            winner_section(findings),
            best_section(findings),
            progress_section(findings),
            operations_section(findings),
            family_section(findings),
            pairs_section(findings),
            depth_section(findings),
            layers_section(findings),
            bilstm_section(findings),
            convergence_section(findings),
            noise_section(findings),
            linear_section(findings),
            costs_section(findings),
            repeat_section(findings, storage),
        ),
        maker=MAKER,
    )
