"""The metrics of one evaluation, by name."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna_xmcnas.metrics.measures import measure
from optuna_xmcnas.metrics.propensity import Gains
from optuna_xmcnas.metrics.ranked_lists import RankedLists


if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    import numpy.typing as npt
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class EvaluationReport(Mapping[str, float]):
    """The metrics of one evaluation; reads like a dictionary from names such as ``"P@5"``.

    Attributes:
        scores: Pairs of name and value, in the order of `evaluate`.
        n_documents: Documents in the mean, those without true labels included.
        n_without_labels: Documents without true labels; they count as 0.
    """

    scores: tuple[tuple[str, float], ...]
    n_documents: int
    n_without_labels: int

    def __getitem__(self, name: str) -> float:
        for known, score in self.scores:
            if known == name:
                return score
        raise KeyError(f"{name!r} was not computed; there is {', '.join(self)}.")

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.scores)

    def __len__(self) -> int:
        return len(self.scores)


def evaluate(
    ranked: npt.NDArray[np.integer[Any]],
    targets: csr_array[Any],
    *,
    ks: Sequence[int] = (1, 3, 5),
    propensity: npt.ArrayLike | None = None,
) -> EvaluationReport:
    """Return P, nDCG, recall and R-precision at every ``k``, and with ``propensity`` PSP, PSnDCG.

    Args:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, at least the largest k).
        targets: The true labels, shape (N, L).
        ks: Numbers of places.
        propensity: Inverse propensity of each label, see `inverse_propensity`; shape (L,).

    Example:
        >>> import numpy as np
        >>> from scipy.sparse import csr_array
        >>> targets = csr_array([[1, 1, 0], [0, 0, 1]])
        >>> report = evaluate(np.array([[0, 2], [2, 0]]), targets, ks=(1, 2))
        >>> report["P@1"], report["P@2"], report["recall@2"]
        (1.0, 0.5, 0.75)
    """
    lists = RankedLists.check(ranked, targets, ks)
    gains = None if propensity is None else Gains.check(lists, propensity)
    return EvaluationReport(
        scores=tuple((name, measured.value) for name, measured in measure(lists, ks, gains)),
        n_documents=len(lists.n_true),
        n_without_labels=int((lists.n_true == 0).sum()),
    )
