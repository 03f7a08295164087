"""Children that nobody trains, with the records of trained ones."""

from __future__ import annotations

from typing import Literal

import optuna
from optuna import Study
from optuna import Trial
from optuna.storages import BaseStorage

from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas.study import begin_record
from optuna_xmcnas.study import child_record
from optuna_xmcnas.study import complete_record
from optuna_xmcnas.study import CurvePoint


SPACE = GenomeSpace(ops=("conv3", "bilstm", "maxpool3"), min_layers=2, max_layers=6)


def make_study(
    storage: BaseStorage | str | None = None,
    *,
    name: str = "simulated",
    direction: Literal["maximize", "minimize"] = "maximize",
) -> Study:
    return optuna.create_study(
        storage=storage,
        study_name=name,
        direction=direction,
        sampler=RegularizedEvolutionSampler(space=SPACE, population_size=4, sample_size=2, seed=0),
    )


def begin(trial: Trial) -> Genome:
    """Do what is done before a child is trained."""
    genome = SPACE.suggest(trial)
    begin_record(trial, genome, seed=trial.number)
    child_record(trial, n_parameters=1000 * genome.n_layers, device="cpu", software="none")
    return genome


def train(trial: Trial, genome: Genome) -> float:
    """Do what is done after it; return the score."""
    score = 0.3 + 0.05 * len({node.op for node in genome.nodes}) + 0.001 * (trial.number % 7)
    complete_record(
        trial,
        metrics={"P@1": score + 0.1, "P@5": score, "nDCG@5": score + 0.05},
        node_weights=tuple(1 / genome.n_layers for _ in genome.nodes),
        n_parameters=1000 * genome.n_layers,
        seconds=60.0 + trial.number,
        peak_memory_bytes=2**28,
        epochs=3,
        stop_reason="patience",
        curve=[
            CurvePoint(
                epoch=i + 1, step=10 * i + 10, p_at_5=score - 0.1 / (i + 1), ndcg_at_5=score
            )
            for i in range(3)
        ],
    )
    return score
