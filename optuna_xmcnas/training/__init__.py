"""From a network to a trained one: batches, loss, the loop, prediction, files."""

from __future__ import annotations

from optuna_xmcnas.training.batches import Batch
from optuna_xmcnas.training.batches import load_batches
from optuna_xmcnas.training.batches import prediction_order
from optuna_xmcnas.training.batches import SparseTargets
from optuna_xmcnas.training.batches import training_order
from optuna_xmcnas.training.checkpoint import load_child
from optuna_xmcnas.training.checkpoint import save_child
from optuna_xmcnas.training.config import TrainingConfig
from optuna_xmcnas.training.device import describe_device
from optuna_xmcnas.training.device import resolve_device
from optuna_xmcnas.training.disk import free_space_shortage
from optuna_xmcnas.training.evaluation import Evaluation
from optuna_xmcnas.training.losses import backpropagate
from optuna_xmcnas.training.losses import binary_cross_entropy
from optuna_xmcnas.training.memory import PeakMemory
from optuna_xmcnas.training.parallel import ALONE
from optuna_xmcnas.training.parallel import launched_group
from optuna_xmcnas.training.parallel import ProcessGroup
from optuna_xmcnas.training.predict import predict_top_k
from optuna_xmcnas.training.predict import TopK
from optuna_xmcnas.training.resume import remove_checkpoint
from optuna_xmcnas.training.resume import TrainingCheckpoint
from optuna_xmcnas.training.run import TrainingResult
from optuna_xmcnas.training.snapshot import snapshot_bytes
from optuna_xmcnas.training.trainer import fit


__all__ = [
    "ALONE",
    "Batch",
    "Evaluation",
    "PeakMemory",
    "ProcessGroup",
    "SparseTargets",
    "TopK",
    "TrainingCheckpoint",
    "TrainingConfig",
    "TrainingResult",
    "backpropagate",
    "binary_cross_entropy",
    "describe_device",
    "fit",
    "free_space_shortage",
    "launched_group",
    "load_batches",
    "load_child",
    "predict_top_k",
    "prediction_order",
    "remove_checkpoint",
    "resolve_device",
    "save_child",
    "snapshot_bytes",
    "training_order",
]
