"""From a genome to a network."""

from __future__ import annotations

from optuna_xmcnas.child.config import ChildConfig
from optuna_xmcnas.child.heads import Head
from optuna_xmcnas.child.known import KNOWN_CHILDREN
from optuna_xmcnas.child.layers import Op
from optuna_xmcnas.child.network import ChildNetwork
from optuna_xmcnas.child.ops import op_names
from optuna_xmcnas.child.ops import OpFactory
from optuna_xmcnas.child.ops import register_op


__all__ = [
    "ChildConfig",
    "ChildNetwork",
    "Head",
    "KNOWN_CHILDREN",
    "Op",
    "OpFactory",
    "op_names",
    "register_op",
]
