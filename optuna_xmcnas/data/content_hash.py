"""One hash over many values, to recognise data again."""

from __future__ import annotations

from collections.abc import Sequence
import hashlib
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy.sparse import csr_array


class ContentHash:
    """SHA-256 over strings and arrays; every part is preceded by its size, so none can merge."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def add_strings(self, strings: Sequence[str]) -> None:
        """Add strings and their lengths."""
        lengths = []
        for string in strings:
            data = string.encode("utf-8", "surrogatepass")
            lengths.append(len(data))
            self._sha.update(data)
        self.add_array(np.array(lengths, np.int64))

    def add_array(self, array: npt.NDArray[np.generic]) -> None:
        """Add the numbers of an array and its shape; their width in memory does not matter."""
        # one byte order and width on every machine
        kind = "<f8" if array.dtype.kind == "f" else "<i8"
        step = 1 << 20  # converted in pieces: the widened copy stays small
        flat = array.reshape(-1)
        for start in range(0, len(flat), step):
            self._sha.update(flat[start : start + step].astype(kind).tobytes())
        self._sha.update(f"|{kind}{array.shape}|".encode())

    def add_matrix(self, matrix: csr_array[np.float32] | None) -> None:
        """Add a sparse matrix, or that there is none."""
        if matrix is None:
            self._sha.update(b"|no matrix|")
            return
        self.add_array(np.array(matrix.shape))
        for part in (matrix.indptr, matrix.indices, matrix.data):
            self.add_array(part)

    def hexdigest(self) -> str:
        """Return the hash of all that was added, in hexadecimal."""
        return self._sha.hexdigest()
