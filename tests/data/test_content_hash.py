from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from optuna_xmcnas.data.content_hash import ContentHash


def hashed(*parts: Any) -> str:
    content = ContentHash()
    for part in parts:
        if isinstance(part, np.ndarray):
            content.add_array(part)
        elif part is None or isinstance(part, csr_array):
            content.add_matrix(part)
        else:
            content.add_strings(part)
    return content.hexdigest()


def test_different_parts_have_different_hashes() -> None:
    matrix = csr_array(np.eye(2))
    parts: list[list[Any]] = [
        [["ab"]],
        [["a", "b"]],
        [["a"], ["b"]],
        [["", "ab"]],
        [np.array([1, 2])],
        [np.array([1.0, 2.0])],
        [np.array([[1, 2]])],
        [np.array([1]), np.array([2])],
        [matrix],
        [matrix, None],
        [csr_array(np.eye(2, 3))],
        [2 * matrix],
    ]
    assert len({hashed(*part) for part in parts}) == len(parts)


def test_width_and_byte_order_of_numbers_do_not_count() -> None:
    numbers = np.array([1, 2, 3])
    assert hashed(numbers) == hashed(numbers.astype(np.int32)) == hashed(numbers.astype(">i2"))
    assert hashed(numbers / 4) == hashed((numbers / 4).astype(np.float32))


def test_long_arrays_are_hashed_to_their_end() -> None:
    first, second = np.zeros((2, (1 << 20) + 5), np.int8)
    second[-1] = 1
    assert hashed(first) != hashed(second)
