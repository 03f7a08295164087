"""A process that trains with others: ``python -m tests.training.partner FOLDER``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
import json
import math
from pathlib import Path
import sys
from typing import Any

from safetensors.torch import save_file
import torch

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import XmcNasError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import fit
from optuna_xmcnas.training import launched_group
from optuna_xmcnas.training import ProcessGroup
from optuna_xmcnas.training import TrainingCheckpoint
from optuna_xmcnas.training import TrainingConfig


CONFIG = TrainingConfig(
    epochs=2,
    batch_size=18,  # the last batch of an epoch has one document: a process without any
    learning_rate=0.01,
    evaluate_every=5,
    average_from_epoch=2,
    clipping="adaptive",
    clip_norm=1.0,
    device="cpu",
)


def make_data() -> XmcDataset:
    raw = synthetic_dataset(n_train=240, n_test=40, n_labels=12)
    data = prepare(raw, DataConfig(validation_documents=41, vector_size=16))
    return replace(data, train=data.train.select(range(91)))


def make_child(data: XmcDataset, seed: int) -> ChildNetwork:
    config = ChildConfig(
        hidden=8, fully_connected=(16,), label_chunk=5, dropout=0.0, embedding_dropout=0.0
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        genome = Genome((Node("conv3", 0), Node("bigru", 1)))
        return ChildNetwork(genome, data.vectors, data.n_labels, config)


def run(
    name: str,
    folder: Path,
    group: ProcessGroup,
    data: XmcDataset,
    child: ChildNetwork,
    **more: Any,
) -> None:
    """Train, and write what came of it."""
    evaluations: list[Evaluation] = []
    said: dict[str, Any] = {}
    try:
        result = fit(child, data, CONFIG, on_evaluation=evaluations.append, group=group, **more)
        said = {"best_step": result.best.step, "resumed_at_step": result.resumed_at_step}
    except XmcNasError as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    said["evaluations"] = [(e.step, e.loss, dict(e.report)) for e in evaluations]
    path = folder / f"{name}-{group.rank}"
    path.with_suffix(".json").write_text(json.dumps(said), "utf-8")
    weights = {n: t.detach().clone() for n, t in child.named_parameters()}
    save_file(weights, path.with_suffix(".safetensors"))


def stop_at(question: int, is_told: bool) -> Callable[[], bool]:
    asked = count(1)
    return lambda: next(asked) >= question and is_told


def break_predictions(child: ChildNetwork) -> None:
    """Make what a child predicts not a number; what it learns stays as it is."""

    def spoil(graph: torch.nn.Module, inputs: object, outputs: list[torch.Tensor]) -> Any:
        return outputs if graph.training else [output * math.nan for output in outputs]

    child.graph.register_forward_hook(spoil)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    data = make_data()
    with launched_group() as group:
        is_second = group.rank == 1
        mine = folder / f"checkpoints-{group.rank}"
        mine.mkdir()
        checkpoint = TrainingCheckpoint(mine / "child.training.safetensors", every_s=math.inf)
        run("whole", folder, group, data, make_child(data, seed=group.rank))
        stopped = make_child(data, seed=group.rank)
        stop = stop_at(9, is_told=is_second)
        run("stopped", folder, group, data, stopped, checkpoint=checkpoint, should_stop=stop)
        other = make_child(data, seed=5 + group.rank)
        run("resumed", folder, group, data, other, checkpoint=checkpoint)
        broken = make_child(data, seed=0)
        if is_second:
            break_predictions(broken)
        run("broken", folder, group, data, broken)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
