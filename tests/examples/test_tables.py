"""The benchmarks read tables of trained networks, and know a genome's code in them."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import optuna
from optuna.trial import FixedTrial
import pytest

from examples.benchmarks.tables import graph_code
from examples.benchmarks.tables import GRAPH_SPACE
from examples.benchmarks.tables import read_table
from examples.benchmarks.tables import suggest
from examples.benchmarks.tables import TABLES
from optuna_xmcnas import Genome
from optuna_xmcnas import Node


CHAIN = Genome((Node("gcn", 0), Node("gat", 1), Node("skip", 2), Node("fc", 3)))


def write(path: Path, rows: list[list[str]]) -> None:
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tasks = ("cifar10", "cifar100", "imagenet16")
    names = [f"{task}_r{run}" for task in tasks for run in range(3)]
    accuracies = ["1", "2", "", "3", "4", "5", "6", "7", ""]
    write(tmp_path / "nas_bench_201_full.csv.gz", [["arch", *names], ["012340", *accuracies]])
    names = [f"{data}_val" for data in ("arxiv", "cora", "citeseer", "pubmed")]
    rows = [["arch", *names], ["01231087", "71", "81", "72", "80"]]
    write(tmp_path / "nas_bench_graph.csv.gz", rows)
    pairs = [["raw", "arch"], ["01231087", "01231087"], ["01231078", "01231087"]]
    write(tmp_path / "nas_bench_graph_canonical.csv.gz", pairs)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "runs"),
    [
        ("201-cifar10", "012340", (1, 2)),
        ("201-cifar100", "012340", (3, 4, 5)),
        ("201-imagenet16", "012340", (6, 7)),
        ("graph-arxiv", "01231087", (71,)),
        ("graph-cora", "01231087", (81,)),
        ("graph-citeseer", "01231087", (72,)),
        ("graph-pubmed", "01231078", (80,)),  # the same graph by another code
        ("graph-pubmed", "01230000", None),
    ],
)
def test_each_table_has_its_columns(
    folder: Path, name: str, code: str, runs: tuple[float, ...] | None
) -> None:
    assert read_table(folder, name).look_up(code) == runs


def test_there_are_seven_tables() -> None:
    assert len(TABLES) == 7


def test_a_code_says_what_nodes_read_and_then_their_ops() -> None:
    assert graph_code(CHAIN) == "01231087"
    assert GRAPH_SPACE.n_genomes == 24 * 9**4


def test_a_suggested_genome_has_the_code_of_its_digits(folder: Path) -> None:
    table = read_table(folder, "graph-arxiv")
    genome = suggest(table, GRAPH_SPACE, FixedTrial(GRAPH_SPACE.to_params(CHAIN)))
    digits = suggest(
        table, None, FixedTrial({f"digit_{i}": digit for i, digit in enumerate("01231087")})
    )
    assert genome.code == digits.code == digits.identity == "01231087"


def test_genomes_and_digits_offer_the_same_codes(folder: Path) -> None:
    table = read_table(folder, "graph-arxiv")
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        code = suggest(table, GRAPH_SPACE, study.ask()).code
        assert all(digit in choices for digit, choices in zip(code, table.digits, strict=True))


def test_what_the_sampler_knows_to_be_equal_has_one_identity(folder: Path) -> None:
    table = read_table(folder, "graph-arxiv")
    star = [
        Genome((Node(a, 0), Node(b, 0), Node("fc", 0), Node("fc", 0)))
        for a, b in (("gat", "gcn"), ("gcn", "gat"))
    ]
    one, two = (
        suggest(table, GRAPH_SPACE, FixedTrial(GRAPH_SPACE.to_params(genome))) for genome in star
    )
    assert one.identity == two.identity
    assert one.code != two.code
