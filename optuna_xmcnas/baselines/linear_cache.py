"""Files that keep the lists of a baseline."""

from __future__ import annotations

from dataclasses import dataclass
import logging
import os
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING

import numpy as np


if TYPE_CHECKING:
    import numpy.typing as npt


_LOGGER = logging.getLogger(__name__)

_FORMAT = 1


@dataclass(frozen=True, eq=False)
class Ranking:
    """Ranked lists and what they cost.

    Attributes:
        ranked: Label numbers, best first, -1 = no prediction; shape (N, k), int64.
        train_seconds: What training took.
        predict_seconds: What the lists took.
    """

    ranked: npt.NDArray[np.int64]
    train_seconds: float
    predict_seconds: float


def read_cached(file: Path, key: str, shape: tuple[int, int], n_labels: int) -> Ranking | None:
    """Return what was written under ``key``; None if it is missing, damaged or something else.

    Args:
        file: Where it would be.
        key: What the lists were made from, as a hash.
        shape: (N, k).
        n_labels: Labels of the data.
    """
    try:
        # opened here: of a damaged file, NumPy would leave its own handle open
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            if int(arrays["format"]) != _FORMAT or str(arrays["key"]) != key:
                raise ValueError("it holds something else")
            ranked = arrays["ranked"].astype(np.int64, casting="safe")
            train_seconds, predict_seconds = arrays["seconds"].astype(np.float64).tolist()
    except FileNotFoundError:
        return None
    except Exception as error:  # on damaged bytes, zipfile and NumPy raise nearly anything
        _LOGGER.warning("The cache %s is damaged and made again: %s", file, error)
        return None
    is_in_range = not ranked.size or (ranked.min() >= -1 and ranked.max() < n_labels)
    is_time = np.isfinite([train_seconds, predict_seconds]).all()
    if ranked.shape != shape or not is_in_range or not is_time:
        _LOGGER.warning("The cache %s is damaged and made again: impossible content", file)
        return None
    return Ranking(ranked, train_seconds, predict_seconds)


def write_cached(file: Path, key: str, ranking: Ranking) -> None:
    """Write the lists beside and give them their name: nobody sees half of a file.

    Raises:
        OSError: If the folder cannot be made or written to.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix="unfinished-") as unfinished:
        fresh = Path(unfinished, file.name)
        np.savez_compressed(
            fresh,
            format=_FORMAT,
            key=key,
            ranked=ranking.ranked,
            seconds=[ranking.train_seconds, ranking.predict_seconds],
        )
        os.replace(fresh, file)
