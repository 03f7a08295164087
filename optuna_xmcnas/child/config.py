"""What is fixed about a child while the search varies its genome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args
from typing import Literal


Attention = Literal["label", "self", "maxpool"]
Combination = Literal["sum", "concat"]


@dataclass(frozen=True, kw_only=True)
class ChildConfig:
    """The parts of a child that its genome does not describe.

    The defaults are those of AttentionXML and XMC-NAS for EURLex-4K.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> ChildConfig(hidden=64).width
        128
    """

    hidden: int = 256  # units per direction of a recurrence
    fully_connected: tuple[int, ...] = (256,)  # widths, in order, before the output layer
    attention: Attention = "label"  # a query per label, or a few for all labels (Lin et al. 2017),
    # or none: the maximum over each part of the text (XML-CNN, Liu et al. 2017)
    n_queries: int = (
        4  # of "self" (ours; Lin et al. use up to 30), or parts of a text of "maxpool"
    )
    combine: Combination = "sum"  # of the node outputs: weights that sum to 1, or side by side
    embedding_dropout: float = 0.2  # share of the embedding's values (AttentionXML)
    dropout: float = 0.5  # share of the combination's values (AttentionXML)
    train_embedding: bool = False  # AttentionXML trains it from AmazonCat-13K up
    label_chunk: int = 512  # labels whose attention is in memory at a time (ours: fast on CPUs)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fully_connected", tuple(self.fully_connected))
        for name in ("hidden", "n_queries", "label_chunk"):
            _check_count(f"`{name}`", getattr(self, name))
        for position, width in enumerate(self.fully_connected):
            _check_count(f"`fully_connected[{position}]`", width)
        for name in ("embedding_dropout", "dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(
                    f"`{name}` must be at least 0 and below 1; got {getattr(self, name)}."
                )
        for name, allowed in (("attention", Attention), ("combine", Combination)):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"`{name}` must be one of {get_args(allowed)}; got {getattr(self, name)!r}."
                )

    @property
    def width(self) -> int:
        """Width D of the output of every node: both directions of a recurrence."""
        return 2 * self.hidden


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}.")
