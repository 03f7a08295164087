"""At which words of a text a model looked for the labels that it predicted.

Letters: B texts, T tokens, W width of a token's state, R queries, k predicted labels.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import TYPE_CHECKING
import unicodedata

import numpy as np
import torch
from torch import Tensor

from optuna_xmcnas.child.attention import padding_bias
from optuna_xmcnas.child.attention import SelfAttention
from optuna_xmcnas.data import Vocabulary
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.training import load_batches
from optuna_xmcnas.training import prediction_order
from optuna_xmcnas.training.device import autocast


if TYPE_CHECKING:
    import numpy.typing as npt
    from tokenizers import Tokenizer

    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.child import ChildNetwork
    from optuna_xmcnas.child.heads import LabelAttentionHead
    from optuna_xmcnas.child.heads import SummaryHead
    from optuna_xmcnas.data import TokenSplit


@dataclass(frozen=True, slots=True)
class TokenWeight:
    """A word of a text and the share of the attention that it got.

    Attributes:
        word: As it stands in the text: ``text[start:end]``.
        start: Its first character.
        end: The one after its last character.
        weight: Its share; those of all words that are read sum to 1.
    """

    word: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Explained:
    """A predicted label and where the model looked.

    Attributes:
        label: Its name.
        score: As in `Prediction`.
        tokens: The words with the largest weights, the largest first.
        is_shared: Whether the attention is the same for all labels: then it says which words
            counted for the text, not which ones spoke for this label.
    """

    label: str
    score: float
    tokens: tuple[TokenWeight, ...]
    is_shared: bool


def check_explainable(config: ChildConfig) -> None:
    """Refuse children that have no attention over the tokens of a text.

    Raises:
        ModelError: If they have none.
    """
    if config.attention not in _LOOKS:
        raise ModelError(
            f"this model summarises texts by {config.attention!r}, which gives words no weights; "
            f"only a model with the attention {' or '.join(map(repr, _LOOKS))} can say where it "
            "looked."
        )


def is_shared(config: ChildConfig) -> bool:
    """Return whether all labels look at the same places."""
    return config.attention == "self"


@torch.no_grad()
def attention_weights(
    members: Sequence[ChildNetwork],
    split: TokenSplit,
    labels: npt.NDArray[np.int64],
    *,
    batch_size: int,
    device: torch.device,
    precision: str,
) -> list[npt.NDArray[np.float32]]:
    """Return how much of the attention each token of each text gets, as a mean over the members.

    Args:
        members: Children on the device.
        split: The texts.
        labels: The labels whose attention is wanted, shape (texts, k).
        batch_size: Texts at a time.
        device: Where the members are.
        precision: As in `TrainingConfig`.

    Returns:
        For each text the weights, shape (k, its tokens); (1, its tokens) if `is_shared`.
    """
    found: list[npt.NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(split)
    for batch in load_batches(split, prediction_order(split.lengths, batch_size), device):
        wanted = torch.from_numpy(labels[batch.documents]).to(device)  # (B, k)
        looks = []
        for child in members:
            with autocast(device, precision):
                hidden = child.encode(batch.tokens, batch.lengths)  # (B, T, W)
            bias = padding_bias(child.padding(batch.lengths))  # (B, T)
            look = _LOOKS[child.config.attention]
            looks.append(look(child.head, hidden.float(), bias, wanted))
        weights = torch.stack(looks).mean(dim=0).cpu().numpy()  # (B, k, T)
        for place, document in enumerate(batch.documents.tolist()):
            found[document] = weights[place, :, : batch.lengths[place]]
    return found


def word_finder(vocabulary: Vocabulary) -> Tokenizer:
    """Return what finds the words of a text and where they stand, by the vocabulary's rule."""
    from tokenizers import Tokenizer

    no_words = Vocabulary(vocabulary.words[:2])  # the places do not depend on the words
    return Tokenizer.from_str(no_words.to_json())


def word_places(
    finder: Tokenizer, texts: Sequence[str], max_tokens: int
) -> list[list[tuple[int, int]]]:
    """Return the first and the end character of each word that is read, for each text."""
    encodings = finder.encode_batch(list(texts), add_special_tokens=False)
    return [
        [(start, _whole_end(text, end)) for start, end in encoding.offsets[:max_tokens]]
        for text, encoding in zip(texts, encodings, strict=True)
    ]


def largest(
    text: str,
    places: Sequence[tuple[int, int]],
    weights: npt.NDArray[np.float32],
    n_tokens: int,
) -> tuple[TokenWeight, ...]:
    """Return the tokens with the largest weights, of equal ones the first in the text.

    Args:
        text: The text.
        places: Where its words stand; none if it has none.
        weights: One for each word.
        n_tokens: How many, at most.

    Example:
        >>> weights = np.array([0.25, 0.75], np.float32)
        >>> largest("label tree", [(0, 5), (6, 10)], weights, 1)
        (TokenWeight(word='tree', start=6, end=10, weight=0.75),)
    """
    order = np.argsort(-weights[: len(places)], kind="stable")[:n_tokens].tolist()
    chosen = ((*places[i], float(weights[i])) for i in order)
    return tuple(TokenWeight(text[start:end], start, end, share) for start, end, share in chosen)


def _whole_end(text: str, end: int) -> int:
    """Return the end of a word, behind the accents that are characters of their own.

    `tokenizers` composes characters first and then loses count of what went into the last one.
    """
    while end < len(text) and (text[end].isalnum() or unicodedata.category(text[end])[0] == "M"):
        end += 1
    return end


def _of_each_label(
    head: LabelAttentionHead, hidden: Tensor, bias: Tensor, labels: Tensor
) -> Tensor:
    queries = head.queries[labels]  # (B, k, W): of the predicted labels alone
    scores = queries @ hidden.transpose(1, 2)  # (B, k, W) @ (B, W, T) -> (B, k, T)
    return (scores + bias[:, None]).softmax(dim=2)  # over tokens


def _of_all_labels(head: SummaryHead, hidden: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
    attention = head.attention
    assert isinstance(attention, SelfAttention)  # the configuration says so
    scores: Tensor = attention.queries(attention.hidden(hidden).tanh())  # (B, T, R)
    weights = (scores + bias[:, :, None]).softmax(dim=1)  # over tokens
    return weights.mean(dim=2)[:, None]  # (B, T, R) -> (B, 1, T)


_LOOKS: dict[str, Callable[[Any, Tensor, Tensor, Tensor], Tensor]] = {
    "label": _of_each_label,
    "self": _of_all_labels,
}
