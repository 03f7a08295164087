"""The linear baseline on the documents that a child is trained and judged on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
import logging
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.baselines import linear_baseline
from optuna_xmcnas.baselines import linear_is_installed
from optuna_xmcnas.data import choose_documents
from optuna_xmcnas.exceptions import BaselineError
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.metrics import inverse_propensity
from optuna_xmcnas.metrics import remove_pairs


if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy.sparse import csr_array

    from optuna_xmcnas.data import DataConfig
    from optuna_xmcnas.data import TextDataset


_LOGGER = logging.getLogger(__name__)


_PLACES = 10  # of each list


@dataclass(frozen=True, kw_only=True)
class LinearVerdict:
    """What a linear model is worth on the test split.

    Attributes:
        description: Which one.
        test: Its test metrics.
        ranked: Its labels of each test document, best first, shape (N, k); -1 where none.
        seconds: Time it took to train, and to predict the test split.
    """

    description: str
    test: Mapping[str, float]
    ranked: npt.NDArray[np.int64] = field(compare=False)
    seconds: tuple[float, float]


def judge_linear(raw: TextDataset, config: DataConfig) -> LinearVerdict | None:
    """Train the linear baseline on the train documents of `prepare`, and judge it on test ones.

    It reads whole documents: how many tokens a child reads is the child's affair.

    A baseline that fails is logged and left out: it must not cost the child that it stands beside.

    Returns:
        None if its packages are not installed, it failed, or there is no test split.
    """
    if raw.test is None or not linear_is_installed():
        return None
    train, _ = choose_documents(raw, config)
    try:
        found = linear_baseline(train, raw.test, k=_PLACES + _most_in_a_row(raw.test.filters))
    except (BaselineError, DataError) as error:
        _LOGGER.warning("there is no linear baseline: %s", error)
        return None
    ranked = found.ranked
    if raw.test.filters is not None:
        ranked = remove_pairs(ranked, raw.test.filters)[:, :_PLACES].astype(np.int64)
    return LinearVerdict(
        description=found.description,
        test=evaluate(ranked, raw.test.labels, propensity=inverse_propensity(train.labels)),
        ranked=ranked,
        seconds=(found.train_seconds, found.predict_seconds),
    )


def _most_in_a_row(filters: csr_array[np.float32] | None) -> int:
    """Return how many pairs a document has at most."""
    return 0 if filters is None or not filters.nnz else int(np.diff(filters.indptr).max())
