"""One distribution of each kind."""

from __future__ import annotations

from math import nan

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution


DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "float": FloatDistribution(-5.0, 5.0),
    "narrow float": FloatDistribution(1.0, float(np.nextafter(1.0, 2.0))),
    "stepped float": FloatDistribution(0.0, 1.0, step=0.25),
    "log float": FloatDistribution(1e-5, 1.0, log=True),
    "int": IntDistribution(0, 4),
    "two ints": IntDistribution(-1, 0),
    "many ints": IntDistribution(0, 10**9),
    "stepped int": IntDistribution(10, 50, step=20),
    "log int": IntDistribution(1, 1000, log=True),
    "choices": CategoricalDistribution(("a", "b", "c")),
    "odd choices": CategoricalDistribution((None, True, 1.5, "x", nan)),
}
