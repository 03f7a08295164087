"""A model: everything that turns a text into labels, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
from typing import Any
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.exceptions import ModelError


if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor

    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import Vocabulary
    from optuna_xmcnas.genome import Genome


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """Trained children of one genome, with the words and the labels behind their numbers.

    Several members are an ensemble: the mean of their probabilities ranks the labels.

    Attributes:
        name: Of the data that it was trained on.
        members: One child per seed, all of the same genome and configuration.
        vocabulary: The words behind the numbers.
        vectors: Shape (words, width), float32. Where the members train their word vectors, each
            has its own and only the shape of these counts.
        label_names: The name of each label number.
        label_counts: Train documents of each label, shape (labels,), int64.
        n_train: Train documents.
        max_tokens: Words of a text that are read.
        metrics: What it is worth, as JSON: shares by name under "validation" and "test", both
            also for each of "members", and what a linear method reaches under "linear".
        facts: Where it comes from, as JSON: "data", "training", "architecture", "origin",
            "seconds", "device", "created".

    Raises:
        ModelError: If the parts do not belong together.
    """

    name: str
    members: tuple[ChildNetwork, ...]
    vocabulary: Vocabulary
    vectors: npt.NDArray[np.float32]
    label_names: tuple[str, ...]
    label_counts: npt.NDArray[np.int64]
    n_train: int
    max_tokens: int
    metrics: Mapping[str, Any]
    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(self.members))
        object.__setattr__(self, "label_names", tuple(self.label_names))
        self._check_members()
        self._check_labels()
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.vocabulary):
            raise ModelError(
                f"`vectors` has the shape {self.vectors.shape}; a vocabulary of "
                f"{len(self.vocabulary)} words needs ({len(self.vocabulary)}, width)."
            )
        for name, least in (("n_train", 0), ("max_tokens", 1)):
            if getattr(self, name) < least:
                raise ModelError(f"`{name}` must be at least {least}; got {getattr(self, name)}.")
        for name in ("metrics", "facts"):
            try:
                json.dumps(getattr(self, name))
            except (TypeError, ValueError) as error:
                raise ModelError(
                    f"`{name}` must be what JSON can say (numbers, strings, lists, dictionaries): "
                    f"{error}."
                ) from error

    @property
    def genome(self) -> Genome:
        """The architecture of all members."""
        return self.members[0].genome

    @property
    def config(self) -> ChildConfig:
        """The fixed parts of all members."""
        return self.members[0].config

    @property
    def n_labels(self) -> int:
        """The number of labels."""
        return len(self.label_names)

    def _check_members(self) -> None:
        if not self.members:
            raise ModelError("a model has at least one member; got none.")
        kinds = {(child.genome, child.config, child.n_labels) for child in self.members}
        if len(kinds) != 1:
            raise ModelError(
                "all members must have the same genome, configuration and number of labels; got "
                f"{len(kinds)} different kinds among {len(self.members)} members."
            )
        for number, child in enumerate(self.members):
            expected = tuple(child.embedding.vectors.shape)
            if expected != self.vectors.shape:
                raise ModelError(
                    f"member {number} embeds words by {expected} numbers, `vectors` has the shape "
                    f"{self.vectors.shape}; give the vectors that it was trained with."
                )

    def _check_labels(self) -> None:
        if len(set(self.label_names)) != len(self.label_names):
            repeated = len(self.label_names) - len(set(self.label_names))
            raise ModelError(f"{repeated} label names are repeated.")
        if self.members[0].n_labels != len(self.label_names):
            raise ModelError(
                f"the members score {self.members[0].n_labels} labels, but there are "
                f"{len(self.label_names)} label names."
            )
        if self.label_counts.shape != (len(self.label_names),):
            raise ModelError(
                f"`label_counts` has the shape {self.label_counts.shape}; "
                f"{len(self.label_names)} labels need ({len(self.label_names)},)."
            )


def share_vectors(child: ChildNetwork, table: Tensor) -> None:
    """Let a child look up its frozen word vectors in a table that others use too.

    The table may be larger than everything that was trained.
    """
    child.embedding.register_buffer("vectors", table, persistent=False)
