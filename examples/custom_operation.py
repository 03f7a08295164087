"""Search over an operation and with a mutation of your own.

python examples/custom_operation.py --trials 6
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace

import optuna
import torch
from torch import nn

from optuna_xmcnas import ChildConfig
from optuna_xmcnas import DataConfig
from optuna_xmcnas import Genome
from optuna_xmcnas import GenomeSpace
from optuna_xmcnas import Mutation
from optuna_xmcnas import prepare
from optuna_xmcnas import register_mutation
from optuna_xmcnas import register_op
from optuna_xmcnas import RegularizedEvolutionSampler
from optuna_xmcnas import TrainingConfig
from optuna_xmcnas import XmcObjective
from optuna_xmcnas.data import synthetic_dataset


class GatedLinear(nn.Module):
    """A linear layer whose output a second one lets through or not, token by token."""

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.both = nn.Linear(in_width, 2 * out_width)

    def forward(self, inputs: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Map (B, T, in) to (B, T, out); places outside the mask must stay zero."""
        value, gate = self.both(inputs).chunk(2, dim=2)
        gated: torch.Tensor = value * gate.sigmoid()
        return gated.masked_fill(~mask[:, :, None], 0.0)


class ReverseOps(Mutation):
    """Apply the same ops in the opposite order."""

    name = "reverse_ops"

    def moves(self, genome: Genome, space: GenomeSpace) -> Mapping[int, Sequence[Genome]]:
        """Return the one genome this makes, unless it is the same."""
        ops = [node.op for node in genome.nodes]
        turned = genome
        for position, op in enumerate(reversed(ops), start=1):
            turned = turned.with_node(position, replace(turned.nodes[position - 1], op=op))
        return {} if turned == genome else {0: [turned]}


register_op("gated", GatedLinear)
register_mutation(ReverseOps())


def main() -> None:
    """Search on generated texts and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=6)
    arguments = parser.parse_args()

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    raw = synthetic_dataset(n_train=400, n_test=100)
    data = prepare(raw, DataConfig(max_tokens=32, validation_documents=80, vector_size=16))
    space = GenomeSpace(ops=("conv3", "maxpool3", "gated"), min_layers=1, max_layers=3)
    objective = XmcObjective(
        data,
        space=space,
        child=ChildConfig(hidden=16, fully_connected=(32,), attention="self"),
        training=TrainingConfig(epochs=3, batch_size=32, learning_rate=0.01),
    )
    sampler = RegularizedEvolutionSampler(
        space=space,
        population_size=3,
        sample_size=2,
        mutations=["swap_op", "add_layer", "reverse_ops"],
        seed=0,
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=arguments.trials)
    print(f"P@5 {study.best_value:.3f}: {space.from_params(study.best_params)}")


if __name__ == "__main__":
    main()
