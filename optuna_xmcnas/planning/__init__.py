"""What a child will cost before it is trained: parameters, memory, seconds."""

from __future__ import annotations

from optuna_xmcnas.planning.machine import available_memory
from optuna_xmcnas.planning.machine import resident_memory
from optuna_xmcnas.planning.memory import MemoryParts
from optuna_xmcnas.planning.parameters import count_parameters
from optuna_xmcnas.planning.plan import ChildPlan
from optuna_xmcnas.planning.plan import Plan
from optuna_xmcnas.planning.plan import plan_child
from optuna_xmcnas.planning.plan import plan_search
from optuna_xmcnas.planning.plan import PlanRequest
from optuna_xmcnas.planning.plan import Seconds
from optuna_xmcnas.planning.suggestions import Suggestion


__all__ = [
    "ChildPlan",
    "MemoryParts",
    "Plan",
    "PlanRequest",
    "Seconds",
    "Suggestion",
    "available_memory",
    "count_parameters",
    "plan_child",
    "plan_search",
    "resident_memory",
]
