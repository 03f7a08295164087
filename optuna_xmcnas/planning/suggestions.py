"""What to change where a child does not fit, each change with its effect."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.training import TrainingConfig


_LEAST_GAIN = 0.03  # share of the peak; what brings less is not worth a line
_HALVINGS = 6  # of one setting


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A change of one setting.

    Attributes:
        change: As an option of the command, or a line of the configuration file.
        total: Predicted peak with it, in bytes.
        fits: Whether that is within the limit.
    """

    change: str
    total: int
    fits: bool


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Settings that differ in one place, and how to say so."""

    change: str
    child: ChildConfig
    training: TrainingConfig
    max_tokens: int


def suggestions(
    child: ChildConfig,
    training: TrainingConfig,
    max_tokens: int,
    *,
    peak_of: Callable[[Alternative], int],
    present: int,
    limit: int,
) -> tuple[Suggestion, ...]:
    """Return changes that help, those that suffice first.

    Each setting is halved until the child fits or nothing is left to halve.

    Args:
        child: The fixed parts of the child.
        training: The batch size.
        max_tokens: Tokens of the longest document.
        peak_of: Returns the predicted peak of an alternative.
        present: The predicted peak as it is.
        limit: What the peak must not exceed.
    """
    found = []
    for ladder in _ladders(child, training, max_tokens):
        best: Suggestion | None = None
        for alternative in ladder:
            total = peak_of(alternative)
            if best is not None and total >= best.total:
                break
            best = Suggestion(change=alternative.change, total=total, fits=total <= limit)
            if best.fits:
                break
        if best is not None and best.total < (1 - _LEAST_GAIN) * present:
            found.append(best)
    return tuple(sorted(found, key=lambda one: (not one.fits, one.total if not one.fits else 0)))


def _ladders(
    child: ChildConfig, training: TrainingConfig, max_tokens: int
) -> Iterator[list[Alternative]]:
    def alternative(
        change: str,
        *,
        child: ChildConfig = child,
        training: TrainingConfig = training,
        max_tokens: int = max_tokens,
    ) -> Alternative:
        return Alternative(change=change, child=child, training=training, max_tokens=max_tokens)

    yield [
        alternative(f"--batch-size {size}", training=replace(training, batch_size=size))
        for size in _halves(training.batch_size)
    ]
    yield [alternative(f"--max-tokens {n}", max_tokens=n) for n in _halves(max_tokens)]
    yield [
        alternative(f"--hidden {width}", child=replace(child, hidden=width))
        for width in _halves(child.hidden)
    ]
    if child.attention == "label":
        yield [alternative("--attention self", child=replace(child, attention="self"))]
        yield [
            alternative(f"[child] label_chunk = {size}", child=replace(child, label_chunk=size))
            for size in _halves(child.label_chunk)
        ]
    if child.combine == "concat":
        yield [alternative('[child] combine = "sum"', child=replace(child, combine="sum"))]
    if child.train_embedding:
        frozen = replace(child, train_embedding=False)
        yield [alternative("[child] train_embedding = false", child=frozen)]


def _halves(number: int) -> list[int]:
    return [number >> n for n in range(1, _HALVINGS + 1) if number >> n]
