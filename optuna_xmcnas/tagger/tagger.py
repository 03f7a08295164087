"""Labels for texts: what a model is for."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
import re
from typing import final
from typing import NamedTuple
from typing import TYPE_CHECKING

import numpy as np

from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.tagger.explain import attention_weights
from optuna_xmcnas.tagger.explain import check_explainable
from optuna_xmcnas.tagger.explain import Explained
from optuna_xmcnas.tagger.explain import is_shared
from optuna_xmcnas.tagger.explain import largest
from optuna_xmcnas.tagger.explain import word_finder
from optuna_xmcnas.tagger.explain import word_places
from optuna_xmcnas.tagger.folder import load_model
from optuna_xmcnas.tagger.model import share_vectors
from optuna_xmcnas.tagger.windows import check_texts
from optuna_xmcnas.tagger.windows import windows
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import resolve_device


if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy.sparse import csr_array
    from tokenizers import Tokenizer

    from optuna_xmcnas.data import TokenLists
    from optuna_xmcnas.tagger.model import Model
    from optuna_xmcnas.training import TopK


_PRECISIONS = ("auto", "float32", "bfloat16")
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character; no UTF-8 can hold it
_CHARACTERS_PER_WORD = 16  # more than words and what separates them nearly always have


class Prediction(NamedTuple):
    """A label and its score.

    Attributes:
        label: The name of the label.
        score: Between 0 and 1; the mean of what the members of the model say.
    """

    label: str
    score: float


@final
class Tagger:
    """Gives texts their labels, best first.

    The labels of a text and their scores depend on nothing but the text: other texts, the size of
    a batch and the number of texts change them by no more than the rounding of floats.

    Args:
        model: The model; its members are moved to the device.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...; ``"auto"`` takes a GPU if there is one.
        precision: Of the encoder: ``"float32"``, ``"bfloat16"``, or ``"auto"``, which is bfloat16
            on a GPU that has it. Labels are always scored in float32.

    Raises:
        ValueError: If there is no such device or precision.
    """

    def __init__(self, model: Model, *, device: str = "auto", precision: str = "float32") -> None:
        if precision not in _PRECISIONS:
            raise ValueError(f"`precision` must be one of {_PRECISIONS}; got {precision!r}.")
        try:
            self._device = resolve_device(device)
        except RuntimeError as error:  # of PyTorch, about a name that it does not know
            raise ValueError(
                f"`device` must be 'auto', 'cpu', 'cuda' or 'cuda:<number>'; got {device!r}."
            ) from error
        self._model = model
        self._precision = precision
        first, *others = (child.to(self._device).eval() for child in model.members)
        if not model.config.train_embedding:
            for child in others:  # on a GPU, each has got a copy of its own
                share_vectors(child, first.embedding.vectors)

    @classmethod
    def load(cls, path: Path | str, *, device: str = "auto", precision: str = "float32") -> Tagger:
        """Return a tagger of the model in a folder; arguments as of the class.

        Raises:
            ModelError: If there is no model, or it is damaged; see `load_model`.
        """
        return cls(load_model(path), device=device, precision=precision)

    @property
    def model(self) -> Model:
        """The model."""
        return self._model

    def predict(
        self, texts: Sequence[str], k: int = 10, *, batch_size: int = 64
    ) -> list[list[Prediction]]:
        """Return the ``k`` best labels of each text, best first; fewer if there are fewer labels.

        Args:
            texts: Any strings. An empty one is read as one unknown word.
            k: Labels for each text. Of equal scores the lower label number comes first.
            batch_size: Texts scored together; changes time and memory, not the answer.

        Raises:
            TypeError: If one of the texts is not a string.
        """
        return list(self.stream(texts, k, batch_size=batch_size))

    def stream(
        self, texts: Iterable[str], k: int = 10, *, batch_size: int = 64
    ) -> Iterator[list[Prediction]]:
        """Yield what `predict` returns, for any number of texts in bounded memory.

        At most 32 batches of texts are read ahead. An error that ``texts`` raises comes after the
        predictions of all texts before it.

        Args:
            texts: Strings, read once and only as far as needed.
            k: As in `predict`.
            batch_size: As in `predict`.

        Raises:
            TypeError: If one of the texts is not a string.
        """
        _check_counts(k=k, batch_size=batch_size)
        check_texts(texts)
        return (
            predictions
            for window in windows(texts, batch_size)
            for predictions in self._named(self._best(self.encode(window), k, batch_size))
        )

    def explain(
        self, texts: Sequence[str], k: int = 10, *, n_tokens: int = 5, batch_size: int = 64
    ) -> list[list[Explained]]:
        """Return what `predict` returns, with the words that the model looked at for each label.

        The weights are those of the model's attention, as a mean over its members. They say where
        it looked, which is not the whole of why it decided.

        Args:
            texts: As in `predict`.
            k: As in `predict`.
            n_tokens: Words for each label, at most.
            batch_size: As in `predict`.

        Raises:
            ModelError: If the model has no attention over words.
            TypeError: If one of the texts is not a string.
        """
        _check_counts(k=k, batch_size=batch_size, n_tokens=n_tokens)
        check_texts(texts)
        check_explainable(self._model.config)
        return [
            explained
            for window in windows(texts, batch_size)
            for explained in self._explain(window, k, n_tokens, batch_size)
        ]

    def rank(self, split: TokenSplit, k: int, *, batch_size: int = 64) -> TopK:
        """Return the numbers and logits of the ``k`` best labels of each document of a split.

        Args:
            split: Documents in the numbers of the model's vocabulary, such as from `encode`.
            k: Places.
            batch_size: As in `predict`.
        """
        return predict_top_k(
            self._model.members,
            split,
            k,
            batch_size=batch_size,
            device=str(self._device),
            precision=self._precision,
        )

    def encode(
        self, texts: Sequence[str], labels: csr_array[np.float32] | None = None
    ) -> TokenSplit:
        """Return texts as the model reads them: in its numbers, cut at its number of words.

        Args:
            texts: Any strings.
            labels: The true labels, shape (texts, labels), where they are known.
        """
        if labels is None:
            labels = label_matrix([()] * len(texts), self._model.n_labels)
        lists = self._numbers(_whole(texts))
        return TokenSplit(lists.tokens, lists.offsets, labels)

    def _numbers(self, texts: list[str]) -> TokenLists:
        """Return the word numbers of texts; of long ones, what is not read is not looked at."""
        model = self._model
        heads = [_head(text, model.max_tokens * _CHARACTERS_PER_WORD) for text in texts]
        lists = model.vocabulary.encode(heads, model.max_tokens)
        is_short = (np.diff(lists.offsets) < model.max_tokens).tolist()
        cut = [i for i, head in enumerate(heads) if is_short[i] and len(head) < len(texts[i])]
        if cut:  # there are more words to be read than were found in these heads
            for i in cut:
                heads[i] = texts[i]
            lists = model.vocabulary.encode(heads, model.max_tokens)
        return lists

    def _best(self, split: TokenSplit, k: int, batch_size: int) -> TopK:
        return self.rank(split, min(k, self._model.n_labels), batch_size=batch_size)

    def _named(self, top: TopK) -> Iterator[list[Prediction]]:
        names = self._model.label_names
        for labels, scores in zip(top.labels.tolist(), _shares(top.scores), strict=True):
            yield [
                Prediction(names[label], score)
                for label, score in zip(labels, scores, strict=True)
                if label >= 0
            ]

    def _explain(
        self, texts: Sequence[str], k: int, n_tokens: int, batch_size: int
    ) -> Iterator[list[Explained]]:
        model = self._model
        split = self.encode(texts)
        top = self._best(split, k, batch_size)
        weights = attention_weights(
            model.members,
            split,
            top.labels,
            batch_size=batch_size,
            device=self._device,
            precision=self._precision,
        )
        shared = is_shared(model.config)
        places = word_places(self._finder, _whole(texts), model.max_tokens)
        for number, predictions in enumerate(self._named(top)):
            looks = [
                largest(texts[number], places[number], row, n_tokens) for row in weights[number]
            ]
            looks = looks * len(predictions) if shared else looks
            yield [
                Explained(label, score, tokens, shared)
                for (label, score), tokens in zip(predictions, looks, strict=True)
            ]

    @cached_property
    def _finder(self) -> Tokenizer:
        return word_finder(self._model.vocabulary)


def _shares(logits: npt.NDArray[np.float32]) -> list[list[float]]:
    """Return the sigmoid of logits, in numbers fine enough to keep high ones apart."""
    shares: list[list[float]] = np.exp(-np.logaddexp(0.0, -logits.astype(np.float64))).tolist()
    return shares


def _head(text: str, n_characters: int) -> str:
    """Return the beginning of a text, whole words only: what comes next is white space.

    Example:
        >>> _head("label tree", 7)
        'label'
    """
    if len(text) <= n_characters:
        return text
    end = max(text.rfind(space, 0, n_characters) for space in " \n\t")
    return text[:end] if end > 0 else text


def _whole(texts: Sequence[str]) -> list[str]:
    """Return the texts with U+FFFD for each half of a character, which nothing else can hold."""
    return [text if text.isascii() else _SURROGATE.sub("\ufffd", text) for text in texts]


def _check_counts(**counts: int) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1; got {value}.")
