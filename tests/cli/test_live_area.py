"""What a search shows below its lines, at any size of the terminal."""

from __future__ import annotations

import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas.cli.live_area import lines
from optuna_xmcnas.cli.live_area import Scene
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import TrialRecord


GENOME = Genome((Node("conv3", 0), Node("maxpool3", 1)))
DEEP = Genome(tuple(Node("bilstm", source) for source in range(6)))


def _scene(genome: Genome = DEEP, *, n_living: int = 20) -> Scene:
    weights = tuple(1 / genome.n_layers for _ in genome.nodes)
    best = TrialRecord(
        number=123,
        genome=genome,
        metrics={},
        node_weights=weights,
        n_parameters=1_234_567,
    )
    return Scene(
        now="in training: trials 130, 131, 132, 133, 134, 135, 136, 137 and 24 more",
        n_complete=1_128,
        n_trials=2_000,
        n_before=1_000,
        elapsed_s=100_000.0,
        best=best,
        best_score=0.5,
        population=tuple((i % 7) / 10 for i in range(n_living)),
    )


@pytest.mark.parametrize("width", [30, 49, 79, 119])
@pytest.mark.parametrize("height", [8, 12, 20, 60])
def test_the_live_area_fits_any_terminal(width: int, height: int) -> None:
    for n_living in (1, 20, 200):
        drawn = lines(_scene(n_living=n_living), width=width, height=height)
        assert all(line.cell_len <= width for line in drawn)
        assert len(drawn) <= max(4, height // 2)


def test_a_wide_terminal_shows_all_there_is() -> None:
    drawn = [line.plain for line in lines(_scene(), width=119, height=60)]
    assert drawn[0] == "best        trial 123, P@5 50.00, 1.23 M weights"
    assert sum("bilstm  " in line for line in drawn) == 6
    assert drawn[-3] == "population  ▁▂▃▅▆▇█▁▂▃▅▆▇█▁▂▃▅▆▇ 0.00 to 60.00, oldest first"
    assert drawn[-2].endswith(" 1,128 of 2,000, 7.9 days left, 4.6 an hour, 1.2 days so far")
    assert "24 more" in drawn[-1]


def test_a_narrow_terminal_shows_the_youngest_and_how_much_time_is_left() -> None:
    drawn = [line.plain for line in lines(_scene(n_living=200), width=49, height=20)]
    population, children = drawn[-3:-1]
    assert population.startswith("population  …")
    assert population.endswith(" 0.00 to 60.00")
    assert children.endswith("1,128 of 2,000, 7.9 days left")


def test_a_low_terminal_cuts_the_tree_and_then_leaves_it_out() -> None:
    cut = [line.plain for line in lines(_scene(), width=79, height=20)]
    assert "  ... and 3 more" in cut
    low = [line.plain for line in lines(_scene(), width=79, height=12)]
    assert low[0].startswith("best        trial 123, P@5 50.00, 1.23 M weights: 1:bilstm(0) 2:")
    assert len(low) == 4


def test_a_record_with_odd_weights_is_drawn_without_them() -> None:
    for weights in ((0.5,), (7.0, 1e12), (-1.0, 0.0)):
        best = TrialRecord(number=0, genome=GENOME, metrics={}, node_weights=weights)
        drawn = lines(Scene(best=best, best_score=0.1), width=79, height=40)
        assert [line.plain for line in drawn[1:]] == [
            "  embedding",
            "  └── 1 conv3",
            "      └── 2 maxpool3",
        ]
