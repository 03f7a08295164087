"""The settings of a search, and the presets that name useful ones."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.samplers import RegularizedEvolutionSampler
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.training import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """What a search tries, and how."""

    n_trials: int  # finished children in the study, over all runs of the search
    population_size: int
    sample_size: int
    seed: int = 0  # of the sampler; data and training have their own
    timeout_s: float | None = None  # no child begins later than this many seconds after the start
    space: GenomeSpace = GenomeSpace()
    data: DataConfig = DataConfig()
    child: ChildConfig = ChildConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        if self.n_trials < 1:
            raise ValueError(f"`n_trials` must be at least 1; got {self.n_trials}.")
        if self.timeout_s is not None and self.timeout_s <= 0:
            raise ValueError(f"`timeout_s` must be above 0 seconds; got {self.timeout_s}.")
        self.sampler()  # checks its own settings

    def sampler(self) -> RegularizedEvolutionSampler:
        """Return a sampler for a worker of this search."""
        return RegularizedEvolutionSampler(
            space=self.space,
            population_size=self.population_size,
            sample_size=self.sample_size,
            seed=self.seed,
        )

    def study_config(self, data: XmcDataset) -> StudyConfig:
        """Return what all children of the study must share; devices may differ."""
        training = asdict(self.training)
        del training["device"], training["precision"]
        origin = {"fingerprint": data.fingerprint, "vectors": data.vectors_origin}
        return StudyConfig(
            {
                "data": {**origin, **asdict(self.data)},
                "space": asdict(self.space),
                "child": asdict(self.child),
                "training": training,
            }
        )


QUICK = SearchSettings(
    n_trials=12,
    population_size=6,
    sample_size=3,
    data=DataConfig(max_tokens=32, train_documents=8_000, validation_documents=1_000),
    child=ChildConfig(hidden=64, fully_connected=(256,), attention="self"),
    training=TrainingConfig(epochs=4, batch_size=64, learning_rate=4e-3, patience=1),
)
"""A search of minutes on two processor cores: short texts, small children, few epochs."""

PAPER = SearchSettings(
    n_trials=70,  # 20 random ones and 50 rounds of mutation (ICONIP 2020, section 4.2)
    population_size=20,
    sample_size=10,
    data=DataConfig(max_tokens=500, validation_documents=200),
    child=ChildConfig(hidden=256, fully_connected=(256,), attention="label"),
    training=TrainingConfig(epochs=30, batch_size=40, patience=50, evaluate_every=100),
)
"""The search of XMC-NAS (ICONIP 2020, section 4.2, table 2), AttentionXML where it is silent."""

PRESETS = {"quick": QUICK, "paper": PAPER}
