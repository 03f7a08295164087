"""Settings that take a second, and a data set for them."""

from __future__ import annotations

from collections.abc import Mapping

from optuna_xmcnas import GenomeSpace
from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.workflows import Recipe
from optuna_xmcnas.workflows import SearchSettings


TINY = SearchSettings(
    n_trials=4,
    population_size=2,
    sample_size=2,
    space=GenomeSpace(ops=("conv1", "maxpool3"), min_layers=1, max_layers=2),
    data=DataConfig(max_tokens=20, validation_documents=30, vector_size=32),
    child=ChildConfig(hidden=16, fully_connected=(32,), attention="self"),
    training=TrainingConfig(epochs=3, batch_size=16, learning_rate=0.02),
)
RECIPE = Recipe(data=TINY.data, child=TINY.child, training=TINY.training)


def tiny_texts() -> TextDataset:
    return synthetic_dataset(n_train=200, n_test=40)


class RetrainWatcher:
    """Notes what happens in a training in full."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.ended: list[int] = []
        self.n_evaluations = 0

    def data_ready(self, data: XmcDataset) -> None:
        pass

    def member_began(self, seed: int, child: ChildNetwork) -> None:
        self.began.append(seed)

    def member_evaluated(self, seed: int, evaluation: Evaluation) -> None:
        self.n_evaluations += 1

    def member_ended(self, seed: int, validation: Mapping[str, float]) -> None:
        self.ended.append(seed)

    def judging_began(self) -> None:
        pass
