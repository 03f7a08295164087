"""Word vectors from the training text itself, so that nothing has to be downloaded.

Positive pointwise mutual information of words that stand near each other, then a truncated
singular value decomposition (Levy, Goldberg and Dagan, TACL 2015: "Improving Distributional
Similarity with Lessons Learned from Word Embeddings").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array


if TYPE_CHECKING:
    import numpy.typing as npt

    from optuna_xmcnas.data.vocabulary import TokenLists


_SMOOTHING = 0.75  # exponent of the context counts (same paper, section 3.2)
_OVERSAMPLING = 20  # further directions of the random start
_POWER_ITERATIONS = 3
_NEGLIGIBLE = 1e-4  # relative to the largest; what is below is rounding
_BATCH = 1 << 21  # running words counted at once; bounds the memory


def cooccurrence_vectors(
    lists: TokenLists,
    n_words: int,
    *,
    width: int = 100,
    seed: int = 0,
    window: int = 5,
    max_words: int = 20_000,
) -> npt.NDArray[np.float32]:
    """Return one vector per word, made from the words around it; equal input, equal vectors.

    Every vector has the root mean square of U(-1, 1), which is also what words without neighbours
    get (AttentionXML's rule for words without vector), so that no word is louder than another.

    Args:
        lists: The train texts in word numbers; the most frequent words have the lowest numbers.
        n_words: Size of the vocabulary, V.
        width: Size of a vector, E.
        seed: For the start of the factorisation and for words without neighbours.
        window: How far apart two words may stand; a word d places away counts
            ``(window + 1 - d) / window`` (as in word2vec).
        max_words: Only the words of lower number have neighbours; the others are rare.

    Returns:
        Shape (V, E); row 0, the padding, is zero.

    Example:
        >>> from optuna_xmcnas.data.vocabulary import count_words
        >>> counts = count_words(["cats drink milk", "dogs drink milk", "cars burn fuel"])
        >>> vocabulary, lists = counts.vocabulary(max_words=100)
        >>> vectors = cooccurrence_vectors(lists, len(vocabulary), width=3)
        >>> rows = [vocabulary.words.index(word) for word in ("cats", "dogs", "cars")]
        >>> cats, dogs, cars = vectors[rows]
        >>> bool(cats @ dogs > cats @ cars)
        True
    """
    if min(width, window) < 1:
        raise ValueError(f"`width` and `window` must be at least 1; got {width} and {window}.")
    rng = np.random.default_rng(seed)
    vectors = 2 * rng.random((n_words, width), dtype=np.float32) - 1
    vectors[0] = 0
    n_counted = min(n_words, max_words)
    information = positive_information(count_pairs(lists, n_counted, window))
    if information.nnz:
        factors = _factorise(information, min(width, n_counted), rng)  # (words, rank)
        norms = np.linalg.norm(factors, axis=1)
        known = norms > _NEGLIGIBLE * norms.max()
        vectors[:n_counted][known] = 0
        scaled = factors[known] * (np.sqrt(width / 3) / norms[known, None])
        vectors[:n_counted, : factors.shape[1]][known] = scaled
    return vectors


def count_pairs(lists: TokenLists, n_counted: int, window: int) -> csr_array[np.float32]:
    """Return how often two words stand near each other, (words, words); symmetric."""
    tokens, offsets = lists
    documents = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    is_counted = (tokens > 1) & (tokens < n_counted)  # neither padding nor unknown
    shape = (n_counted, n_counted)
    counts = csr_array(shape, dtype=np.float32)
    for start in range(0, len(tokens), _BATCH):
        for distance in range(1, window + 1):
            stop = max(start, min(start + _BATCH, len(tokens) - distance))
            here, there = slice(start, stop), slice(start + distance, stop + distance)
            is_pair = is_counted[here] & is_counted[there] & (documents[here] == documents[there])
            first, second = tokens[here][is_pair], tokens[there][is_pair]
            weights = np.full(len(first), (window + 1 - distance) / window, np.float32)
            counts = counts + csr_array((weights, (first, second)), shape=shape)
    return csr_array(counts + counts.T)


def positive_information(counts: csr_array[np.float32]) -> csr_array[np.float32]:
    """Return max(0, log of P(word, context) / (P(word) P(context))), contexts smoothed."""
    totals = counts.sum(axis=1, dtype=np.float64)  # (words,)
    contexts = totals**_SMOOTHING
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    expected = totals[rows] * contexts[counts.indices] / contexts.sum()
    information = np.log(counts.data / expected).clip(min=0).astype(np.float32)
    positive = csr_array((information, counts.indices, counts.indptr), shape=counts.shape)
    positive.eliminate_zeros()
    return positive


def _factorise(
    matrix: csr_array[np.float32], rank: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Return the left singular vectors times the root of their values, (words, rank).

    Randomised (Halko, Martinsson and Tropp, SIAM Review 2011, algorithm 4.4): as fast here as
    ARPACK, and equal seeds give equal results also where the matrix has a lower rank, where ARPACK
    restarts from a state of its own. Half of the singular values go to each side (Levy et al.,
    section 3.3).
    """
    n_words = matrix.shape[0]
    sample = rng.standard_normal((n_words, min(rank + _OVERSAMPLING, n_words)), np.float32)
    basis = np.linalg.qr(matrix @ sample).Q  # (words, sample)
    for _ in range(_POWER_ITERATIONS):
        basis = np.linalg.qr(matrix.T @ basis).Q
        basis = np.linalg.qr(matrix @ basis).Q
    left, strengths, _ = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    strengths = np.where(strengths > _NEGLIGIBLE * strengths[0], strengths, 0)[:rank]
    factors: npt.NDArray[np.float32] = _fix_signs(basis @ left[:, :rank]) * np.sqrt(strengths)
    return factors


def _fix_signs(left: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Make the largest entry of each column positive: the sign of a singular vector is free."""
    largest = np.take_along_axis(left, np.abs(left).argmax(axis=0)[None], axis=0)  # (1, rank)
    return np.where(largest < 0, -left, left)
