from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy.sparse import csr_array

from optuna_xmcnas.metrics import inverse_propensity
from optuna_xmcnas.metrics import inverse_propensity_of_counts


def test_inverse_propensity_follows_its_formula() -> None:
    train = csr_array(np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0]]))
    scale = (log(4) - 1) * 3.6**0.6
    expected = [1 + scale * (n + 2.6) ** -0.6 for n in (4, 2, 0)]
    assert inverse_propensity(train, a=0.6, b=2.6).tolist() == pytest.approx(expected)


def test_counts_of_train_documents_say_as_much_as_their_labels() -> None:
    train = csr_array(np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0]]))
    of_counts = inverse_propensity_of_counts([4, 2, 0], 4, a=0.6, b=2.6)
    assert of_counts.tolist() == inverse_propensity(train, a=0.6, b=2.6).tolist()
