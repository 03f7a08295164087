"""From text to word numbers: what a word is, which words have a number, and how to number texts.

A word is a run of letters and digits, in lower case; everything else (white space, punctuation,
underscores, hyphens, apostrophes) only separates words. So every word has a word character, which
is AttentionXML's condition, ``don't`` becomes ``don t``, and the parts of ``max_depth`` and
``co-operation`` are words of their own. Of four rules tried on legal and on everyday text, this
one left the fewest words without a vector in public GloVe and word2vec files.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Container
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
import hashlib
from itertools import pairwise
from typing import NamedTuple
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import normalizers
from tokenizers import pre_tokenizers
from tokenizers import Regex
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.trainers import WordLevelTrainer

from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    import numpy.typing as npt


PADDING = "<PAD>"  # number 0 (AttentionXML's names and numbers)
UNKNOWN = "<UNK>"  # number 1

_WORD = r"[^\W_]+"  # in the syntax of Oniguruma, which `tokenizers` uses
_BATCH = 512  # documents encoded at once; a few hundred are faster than thousands (measured)


class TokenLists(NamedTuple):
    """Word numbers of many documents, one document after another."""

    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]  # document i is tokens[offsets[i]:offsets[i + 1]]

    def head(self, max_tokens: int) -> TokenLists:
        """Return the documents without what comes after their first ``max_tokens`` words.

        Example:
            >>> lists = TokenLists(np.array([7, 8, 9, 5]), np.array([0, 3, 4]))
            >>> lists.head(2).tokens.tolist(), lists.head(2).offsets.tolist()
            ([7, 8, 5], [0, 2, 3])
        """
        lengths = np.diff(self.offsets)
        if len(lengths) == 0 or lengths.max() <= max_tokens:
            return self
        places = np.arange(len(self.tokens)) - np.repeat(self.offsets[:-1], lengths)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths.clip(max=max_tokens))])
        return TokenLists(self.tokens[places < max_tokens], offsets)


@dataclass(frozen=True)
class Vocabulary:
    """Words and their numbers; 0 is padding, 1 is every word without a number of its own.

    Attributes:
        words: The words in the order of their numbers, `PADDING` and `UNKNOWN` first.

    Example:
        >>> vocabulary = Vocabulary((PADDING, UNKNOWN, "label", "tree"))
        >>> vocabulary.encode(["A label-tree!", ""]).tokens.tolist()  # empty: one unknown word
        [1, 2, 3, 1]
        >>> Vocabulary.from_json(vocabulary.to_json()) == vocabulary
        True
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.words[:2] != (PADDING, UNKNOWN):
            raise DataError(
                f"a vocabulary starts with {PADDING!r} and {UNKNOWN!r}; got {self.words[:2]}."
            )
        if len(set(self.words)) != len(self.words):
            raise DataError(f"{len(self.words) - len(set(self.words))} words are repeated.")

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, texts: Sequence[str], max_tokens: int | None = None) -> TokenLists:
        """Return the word numbers of each text; an empty text is one unknown word.

        Args:
            texts: Any strings.
            max_tokens: Keep that many words of the head of each text; None keeps all.
        """
        pieces = [np.zeros(0, np.int32)]
        lengths = [0]
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            for encoding in self._tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                numbers = np.array(encoding.ids[:max_tokens] or [1], np.int32)
                pieces.append(numbers)
                lengths.append(len(numbers))
        return TokenLists(np.concatenate(pieces), np.cumsum(lengths, dtype=np.int64))

    def to_json(self) -> str:
        """Return the `tokenizers` JSON; ``tokenizers.Tokenizer.from_str`` reads it too."""
        text: str = self._tokenizer.to_str()
        return text

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """Return the vocabulary that `to_json` wrote.

        Raises:
            DataError: If the text is no such JSON, or another kind of tokenizer.
        """
        try:
            found = Tokenizer.from_str(text)
        except Exception as error:  # the library raises plain Exception
            raise DataError(f"this is not the JSON of a tokenizer: {error}") from error
        numbers = found.get_vocab()
        if sorted(numbers.values()) != list(range(len(numbers))):
            raise DataError(f"the {len(numbers)} word numbers do not run from 0 without gaps.")
        vocabulary = cls(tuple(sorted(numbers, key=numbers.__getitem__)))
        if found.to_str() != vocabulary.to_json():
            raise DataError("this tokenizer splits text into words by other rules than ours.")
        return vocabulary

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the words and of the rule that finds them in text, in hexadecimal."""
        return hashlib.sha256("\n".join((_WORD, *self.words)).encode()).hexdigest()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        numbers = {word: number for number, word in enumerate(self.words)}
        return _tokenizer(WordLevel(numbers, unk_token=UNKNOWN))


@dataclass(frozen=True, eq=False)
class WordCounts:
    """All words of some texts, in alphabetical order, and where they occur.

    Attributes:
        words: Every distinct word.
        document_frequencies: The number of texts that hold each word, shape (words,).
        lists: The texts as numbers of a vocabulary of all ``words``, so 2 is the first word.
    """

    words: tuple[str, ...]
    document_frequencies: npt.NDArray[np.int64]
    lists: TokenLists

    def vocabulary(
        self, max_words: int, with_vector: Container[str] = ()
    ) -> tuple[Vocabulary, TokenLists]:
        """Return the most frequent words as a vocabulary, and the counted texts in its numbers.

        AttentionXML's rule: by document frequency, then words that have a given vector first;
        what is equal so far goes by alphabet, so that the result depends on nothing else.

        Args:
            max_words: Size of the vocabulary, padding and the unknown word included.
            with_vector: The words that have a given vector.
        """
        lacks_vector = np.array([word not in with_vector for word in self.words], np.bool_)
        alphabet = np.arange(len(self.words))
        order = np.lexsort((alphabet, lacks_vector, -self.document_frequencies))
        kept = order[: max_words - 2]
        vocabulary = Vocabulary((PADDING, UNKNOWN, *(self.words[i] for i in kept.tolist())))
        new_numbers = np.ones(len(self.words) + 2, np.int32)  # left out: unknown
        new_numbers[0] = 0
        new_numbers[kept + 2] = np.arange(2, len(vocabulary), dtype=np.int32)
        lists = TokenLists(new_numbers[self.lists.tokens], self.lists.offsets)
        return vocabulary, lists


def count_words(texts: Collection[str]) -> WordCounts:
    """Return all words of the texts with their document frequencies.

    Example:
        >>> counts = count_words(["to be or not to be", "To go"])
        >>> counts.words, counts.document_frequencies.tolist()
        (('be', 'go', 'not', 'or', 'to'), [1, 1, 1, 1, 2])
        >>> counts.vocabulary(max_words=4)[0].words
        ('<PAD>', '<UNK>', 'to', 'be')
    """
    finder = _tokenizer(WordLevel({}, unk_token=UNKNOWN))
    trainer = WordLevelTrainer(vocab_size=2**31, special_tokens=[], show_progress=False)
    finder.train_from_iterator(texts, trainer)
    words = tuple(sorted(finder.get_vocab()))
    lists = Vocabulary((PADDING, UNKNOWN, *words)).encode(list(texts))
    frequencies = np.zeros(len(words) + 2, np.int64)
    for start, stop in pairwise(lists.offsets.tolist()):
        frequencies[np.unique(lists.tokens[start:stop])] += 1
    return WordCounts(words, frequencies[2:], lists)


def _tokenizer(model: WordLevel) -> Tokenizer:
    tokenizer = Tokenizer(model)
    # composed characters first, so that both ways of writing an accent are one word
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), "removed", invert=True)
    return tokenizer
