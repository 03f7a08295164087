"""A Mermaid flowchart has the nodes, the edges and the colours."""

from __future__ import annotations

import re

import pytest

from optuna_xmcnas.drawing import draw_mermaid
from optuna_xmcnas.drawing import op_colour
from optuna_xmcnas.genome import Genome
from tests.drawing.genomes import families


def test_a_small_genome() -> None:
    genome = Genome.from_text("1:bilstm(0) 2:conv3(1) 3:bilstm(0)")
    assert draw_mermaid(genome, [0.5, 0.2, 0.3]).splitlines() == [
        "flowchart TD",
        '    n0(["embedding"])',
        '    n1["1 bilstm"]',
        '    n2["2 conv3"]',
        '    n3["3 bilstm"]',
        '    head(["attention + head"])',
        "    n0 --> n1",
        "    n1 --> n2",
        "    n0 --> n3",
        '    n1 -- "0.50" --> head',
        '    n2 -- "0.20" --> head',
        '    n3 -- "0.30" --> head',
        "    classDef op1 fill:#8E1018,color:#FFFFFF,stroke:#5A6470",
        "    class n1,n3 op1",
        "    classDef op2 fill:#8CBDE8,color:#14181D,stroke:#5A6470",
        "    class n2 op2",
    ]


def test_every_node_reads_its_source_and_has_its_colour() -> None:
    for genome, _ in families(30):
        text = draw_mermaid(genome)
        classes = dict(re.findall(r"classDef (op\d+) fill:(#\w+)", text))
        fills = {
            node: classes[name]
            for ids, name in re.findall(r"class ([n\d,]+) (op\d+)", text)
            for node in ids.split(",")
        }
        for position, node in enumerate(genome.nodes, start=1):
            assert f"    n{node.source} --> n{position}\n" in text
            assert f"    n{position} --> head\n" in text
            assert fills[f"n{position}"] == op_colour(node.op).fill


def test_a_weight_per_node_is_wanted() -> None:
    with pytest.raises(ValueError, match="one share for each of 1 nodes; got 2"):
        draw_mermaid(Genome.from_text("1:bilstm(0)"), [0.5, 0.5])
