"""How good a child is on the validation split."""

from __future__ import annotations

from typing import final
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.training.predict import predict_top_k
from optuna_xmcnas.training.together import share_of


if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.data import TokenSplit
    from optuna_xmcnas.metrics import EvaluationReport
    from optuna_xmcnas.training.config import TrainingConfig
    from optuna_xmcnas.training.parallel import ProcessGroup


_PLACES = (1, 3, 5)  # the k of P@k and nDCG@k
_EVALUATION_FACTOR = 2  # documents per batch against training: no gradients are kept (ours)


@final
class Validation:
    """Compares what a child predicts with what is true; each process predicts its part.

    Args:
        child: The child.
        split: The documents.
        config: How it is trained.
        device: Where it is.
        group: The processes.
    """

    def __init__(
        self,
        child: ChildNetwork,
        split: TokenSplit,
        config: TrainingConfig,
        device: torch.device,
        group: ProcessGroup,
    ) -> None:
        self._child = child
        self._split = split
        self._config = config
        self._device = device
        self._group = group
        self._order = np.arange(len(split))
        self._part = split
        if group.size > 1:
            self._order = np.argsort(-split.lengths, kind="stable")
            self._part = split.select(share_of(self._order, group))

    def report(self) -> EvaluationReport:
        """Return the metrics of the present weights; the same in all processes.

        Raises:
            NonFiniteLossError: If a score is not a number, in whichever process.
        """
        return evaluate(self._labels(), self._split.labels, ks=_PLACES)

    def _labels(self) -> npt.NDArray[np.int64]:
        """Return the best labels of all documents, shape (N, k)."""
        found, problem = np.zeros((0, max(_PLACES)), np.int64), ""
        try:
            found = self._predict()
        except NonFiniteLossError as error:
            problem = str(error)
        problems = [text.decode() for text in self._group.gather(problem.encode())]
        if any(problems):
            raise NonFiniteLossError(next(filter(None, problems)))
        labels = np.empty((len(self._split), found.shape[1]), np.int64)
        for rank, part in enumerate(self._group.gather(found.tobytes())):
            rows = np.frombuffer(part, np.int64).reshape(-1, found.shape[1])
            labels[share_of(self._order, self._group, rank)] = rows
        return labels

    def _predict(self) -> npt.NDArray[np.int64]:
        return predict_top_k(
            self._child,
            self._part,
            max(_PLACES),
            batch_size=_EVALUATION_FACTOR * self._config.batch_size,
            device=str(self._device),
            precision=self._config.precision,
        ).labels
