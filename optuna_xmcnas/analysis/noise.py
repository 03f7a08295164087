"""How much the value of a network differs from one training to the next."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import final
from typing import TYPE_CHECKING

from scipy.special import chdtri

from optuna_xmcnas.analysis.estimates import FEWEST
from optuna_xmcnas.analysis.estimates import mean_of
from optuna_xmcnas.analysis.measure import Measure
from optuna_xmcnas.analysis.measure import measure_of


if TYPE_CHECKING:
    from optuna_xmcnas.analysis.history import History


_LEVEL = 0.95
_APART = 1.96 * math.sqrt(2)  # standard deviations between two trainings, in one case of twenty


@final
@dataclass(frozen=True, kw_only=True)
class Noise:
    """The spread of trainings of the same network.

    Attributes:
        measure: What the values are.
        sd: Standard deviation, pooled over networks; None without repeats.
        low: Where its 95 % interval begins; None without repeats.
        high: Where it ends.
        n_networks: Networks that were trained more than once.
        n_trainings: Trainings of them.
        degrees_of_freedom: How many deviations it is made of, after a mean for each network in
            each of the studies.
        sentence: What it shows.
    """

    measure: Measure
    sd: float | None
    low: float | None
    high: float | None
    n_networks: int
    n_trainings: int
    degrees_of_freedom: int
    sentence: str


def noise_of(history: History, *, confirmation: History | None = None) -> Noise:
    """Return how much the values of the same network differ from training to training.

    Args:
        history: The study.
        confirmation: The study in which its best networks were trained again. A network's value
            in the search, which it was chosen for, is not mixed with those.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> noise_of(read_history(optuna.create_study())).degrees_of_freedom
        0
    """
    measure = measure_of(history)
    values: dict[tuple[int, str], list[float]] = {}
    for place, source in enumerate((history, confirmation)):
        for row in source.complete if source is not None else ():
            if row.identity is not None and row.value is not None:
                values.setdefault((place, row.identity), []).append(row.value)
    repeated = [found for found in values.values() if len(found) > 1]
    n_networks = len({identity for (_, identity), found in values.items() if len(found) > 1})
    freedom = sum(len(found) - 1 for found in repeated)
    n_trainings = sum(len(found) for found in repeated)
    if not freedom:
        return Noise(
            measure=measure,
            sd=None,
            low=None,
            high=None,
            n_networks=0,
            n_trainings=0,
            degrees_of_freedom=0,
            sentence="No network was trained more than once, so it is not known which differences "
            "are noise; `optuna-xmcnas confirm` trains the best ones again.",
        )
    spread = math.hypot(*(one for found in repeated for one in _deviations(found)))
    outside = (1 - _LEVEL) / 2
    sd, low, high = (
        spread / math.sqrt(divisor)
        for divisor in (
            freedom,
            float(chdtri(freedom, outside)),
            float(chdtri(freedom, 1 - outside)),
        )
    )
    return Noise(
        measure=measure,
        sd=sd,
        low=low,
        high=high,
        n_networks=n_networks,
        n_trainings=n_trainings,
        degrees_of_freedom=freedom,
        sentence=_sentence(measure, (sd, low, high), n_networks, n_trainings, freedom),
    )


def _deviations(values: list[float]) -> list[float]:
    mean = mean_of(values)
    return [value - mean for value in values]


def _sentence(
    measure: Measure,
    spread: tuple[float, float, float],
    n_networks: int,
    n_trainings: int,
    freedom: int,
) -> str:
    sd, low, high = spread
    networks = f"{n_networks} network{'' if n_networks == 1 else 's'}"
    trained = f"{n_trainings} trainings of {networks}"
    if sd == 0.0:
        return f"{trained} gave the same {measure.name} each time: no noise was seen."
    found = (
        f"The {measure.name} of one network varies from training to training with a standard "
        f"deviation of {measure.distance(sd)} ({measure.between(low, high)}, from {trained})"
    )
    if freedom < FEWEST:
        return f"{found}; so few repeats give a rough figure only."
    return (
        f"{found}; two trainings of a network differ by more than "
        f"{measure.distance(_APART * sd)} in one case of twenty."
    )
