"""Words to vectors, and where texts end.

Letters: B texts, T tokens of the longest, E width of a word vector, V words.
"""

from __future__ import annotations

from typing import final
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch import Tensor
import torch.nn.functional as F


if TYPE_CHECKING:
    import numpy.typing as npt


_PADDING = 0  # number of the word that fills short texts up


@final
class WordEmbedding(nn.Module):
    """Looks up the vector of each word.

    A frozen embedding has no parameters and leaves nothing in the state dict: its vectors are
    stored with the data. A trained one keeps the vector of the padding at zero.

    Args:
        vectors: Shape (V, E), float32; row 0, the padding, is zero. They are copied.
        is_trained: Whether the vectors are parameters.

    Raises:
        ValueError: If the vectors are not such a table.
    """

    def __init__(self, vectors: npt.NDArray[np.float32], *, is_trained: bool) -> None:
        super().__init__()
        _check(vectors)
        table = torch.tensor(vectors)
        if is_trained:
            self.vectors = nn.Parameter(table)
        else:
            self.register_buffer("vectors", table, persistent=False)

    @property
    def width(self) -> int:
        """Width E of a word vector."""
        return self.vectors.shape[1]

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the vectors of word numbers: (B, T) -> (B, T, E)."""
        return F.embedding(tokens, self.vectors, padding_idx=_PADDING)


def padding_mask(lengths: Tensor, n_tokens: int) -> Tensor:
    """Return where texts of these lengths are padded: (B,) -> (B, n_tokens), True if padded.

    Example:
        >>> padding_mask(torch.tensor([1, 3]), 3)
        tensor([[False,  True,  True],
                [False, False, False]])
    """
    places = torch.arange(n_tokens, device=lengths.device)
    return places >= lengths[:, None]


def _check(vectors: npt.NDArray[np.float32]) -> None:
    if vectors.ndim != 2 or 0 in vectors.shape or vectors.dtype != np.float32:
        raise ValueError(
            "`vectors` must be a float32 array of shape (words, width); "
            f"got {vectors.dtype} of shape {vectors.shape}."
        )
    if vectors[_PADDING].any():
        raise ValueError(
            "`vectors[0]` belongs to the padding and must be zero; "
            f"its largest value is {np.abs(vectors[_PADDING]).max()}."
        )
