"""Studies to report on: of all sizes and kinds, and as hostile as a storage can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from optuna_xmcnas.analysis import History
from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.analysis import read_history
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.report import build_report
from optuna_xmcnas.report import Report
from optuna_xmcnas.study import CurvePoint
from optuna_xmcnas.study import LinearRecord
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.study import StudyTexts
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row
from tests.analysis.histories import make_study


HOSTILE = "<script>alert('x')</script> `b` | c * \x00 \ud800 & [d](http://e.example)"
GENOMES = (
    "bilstm(0) conv3(0)",
    "conv7(0) maxpool3(1) bigru(0)",
    "bilstm(0) conv3(0) conv5(1) avgpool3(0)",
    "conv3(0) conv3(0)",
    "bigru(0) bilstm(1) conv1(2) conv5(3) maxpool3(0) conv7(1)",
)


def value_of(number: int) -> float:
    return 0.5 + 0.1 * ((number * 7919) % 1009) / 1009


@cache
def long_history(n: int) -> History:
    """Return a study of many trials, each bred from one a little older; one in thirty failed."""
    rows = []
    for number in range(n):
        genome = GENOMES[number % len(GENOMES)]
        n_nodes = genome.count("(")
        parent = number - 5 if number >= 20 else None
        if number % 30 == 29:
            rows.append(make_row(number, None, genome, parent=parent, failure=HOSTILE))
            continue
        value = value_of(number)
        rows.append(
            make_row(
                number,
                value,
                genome,
                parent=parent,
                node_weights=tuple(
                    2 * (i + 1) / (n_nodes * (n_nodes + 1)) for i in range(n_nodes)
                ),
                metrics={"P@1": value + 0.1, "P@5": value, "nDCG@5": value + 0.05},
                seconds=60.0,
                curve=(
                    CurvePoint(1.0, 100, value / 2, value / 2),
                    CurvePoint(2.0, 200, value, 0.6),
                ),
                device="cpu, 4.0 GiB",
                software="optuna_xmcnas 0.1.0",
                seed=number,
            )
        )
    return make_history(rows, name="long", population_size=20)


def config_of_search(**sampler: object) -> StudyConfig:
    """Return settings as a search writes them."""
    return StudyConfig(
        {
            "data": {"fingerprint": "ab12", "vectors": "co-occurrence, seed 0", "seed": 0},
            "space": {"ops": list(DEFAULT_OPS), "min_layers": 2, "max_layers": 6},
            "child": {"hidden": 256},
            "training": {"epochs": 30, "seed": 0},
            "sampler": {"name": "evolution", "population_size": 20, "seed": 0, **sampler},
        }
    )


def judged_history() -> History:
    """Return a study with all that a finished search leaves behind."""
    history = read_history(make_study(30))
    assert history.best is not None
    return replace(
        history,
        name="judged",
        config=config_of_search(),
        texts=StudyTexts("EURLex-4K", "cd34"),
        n_wanted=30,
        test={history.best.number: {"P@5": 0.561, "P@1": 0.8}},
        linear=LinearRecord(
            description="three trees", test={"P@5": 0.541}, train_seconds=3.0, predict_seconds=1.0
        ),
    )


@cache
def report_of(case: str) -> Report:
    """Return the report on one of the cases."""
    return build_report(CASES[case]())


CASES: dict[str, Callable[[], History]] = {
    "none": lambda: make_history([]),
    "one": lambda: read_history(make_study(1)),
    "thirty": lambda: read_history(make_study(30)),
    "many": lambda: long_history(2000),
    "failures": lambda: make_history(
        [make_row(i, None, GENOMES[i], failure=HOSTILE) for i in range(5)], name=HOSTILE
    ),
    "tpe": lambda: read_history(make_study(30, sampler="tpe")),
    "foreign": lambda: make_history(
        [make_row(i, 3.0 - 0.2 * i, None, phase=Phase.SAMPLED) for i in range(12)], maximize=False
    ),
    "judged": judged_history,
}
