from __future__ import annotations

import numpy as np
import pytest
import torch

from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.child.embedding import WordEmbedding


def _vectors() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    vectors[0] = 0
    return vectors


def test_words_become_their_vectors() -> None:
    vectors = _vectors()
    found = WordEmbedding(vectors, is_trained=False)(torch.tensor([[3, 1], [2, 0]]))
    np.testing.assert_array_equal(found.numpy(), vectors[[[3, 1], [2, 0]]])


def test_a_frozen_embedding_has_no_parameters_and_saves_nothing() -> None:
    embedding = WordEmbedding(_vectors(), is_trained=False)
    assert not list(embedding.parameters())
    assert not embedding.state_dict()
    assert embedding.to(torch.float64).vectors.dtype == torch.float64  # yet it moves along


def test_a_trained_embedding_leaves_the_padding_at_zero() -> None:
    embedding = WordEmbedding(_vectors(), is_trained=True)
    optimizer = torch.optim.Adam(embedding.parameters(), lr=0.1)
    embedding(torch.tensor([[1, 0]])).sum().backward()
    optimizer.step()
    changed = (embedding.vectors.detach().numpy() != _vectors()).any(axis=1)
    assert changed.tolist() == [False, True, False, False]


@pytest.mark.parametrize("is_trained", [False, True])
def test_the_vectors_of_the_data_are_neither_changed_nor_needed_writable(is_trained: bool) -> None:
    vectors = _vectors()
    vectors.setflags(write=False)
    embedding = WordEmbedding(vectors, is_trained=is_trained)
    with torch.no_grad():
        embedding.vectors.add_(1)
    np.testing.assert_array_equal(vectors, _vectors())


def test_vectors_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match=r"float32 array.*got float64 of shape \(2, 3\)"):
        WordEmbedding(np.zeros((2, 3)), is_trained=False)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"got float32 of shape \(3,\)"):
        WordEmbedding(np.zeros(3, np.float32), is_trained=False)
    with pytest.raises(ValueError, match=r"got float32 of shape \(3, 0\)"):
        WordEmbedding(np.zeros((3, 0), np.float32), is_trained=False)
    with pytest.raises(ValueError, match=r"`vectors\[0\]`.*must be zero.*7\.0"):
        WordEmbedding(np.full((2, 3), -7, np.float32), is_trained=False)


def test_the_mask_is_true_from_the_end_of_each_text() -> None:
    lengths = torch.tensor([1, 4, 2])
    mask = padding_mask(lengths, 4)
    assert mask.dtype == torch.bool
    assert (~mask).sum(dim=1).tolist() == lengths.tolist()
    assert mask.sort(dim=1).values.equal(mask)
