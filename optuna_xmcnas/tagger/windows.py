"""Any number of texts, a bounded part of them at a time."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator


_MOST_BATCHES = 32  # texts sorted by length together: little padding (as in training)
_MOST_CHARACTERS = 2**23  # their words take some 15 times as much memory while they are numbered


def windows(texts: Iterable[str], batch_size: int) -> Iterator[list[str]]:
    """Yield the texts in lists of some batches each, the first ones short.

    So the first answers come soon, and no more than one list is in memory. An error of ``texts``
    is raised after all that came before it was yielded.

    Raises:
        TypeError: If one of the texts is not a string.

    Example:
        >>> [len(window) for window in windows(["a text"] * 20, batch_size=2)]
        [2, 4, 8, 6]
    """
    source = _strings(texts)
    n_batches = 1
    while True:
        window, error = _take(source, n_batches * batch_size)
        if window:
            yield window
        if error is not None:
            raise error
        if not window:
            return
        n_batches = min(2 * n_batches, _MOST_BATCHES)


def check_texts(texts: object) -> None:
    """Refuse one string in place of many: its letters would be taken for texts.

    Raises:
        TypeError: If ``texts`` is a string or bytes.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"`texts` must be several strings, such as a list; got {texts[:60]!r}.")


def _take(source: Iterator[str], n_texts: int) -> tuple[list[str], Exception | None]:
    window: list[str] = []
    n_characters = 0
    try:
        for text in source:
            window.append(text)
            n_characters += len(text)
            if len(window) == n_texts or n_characters >= _MOST_CHARACTERS:
                break
    except Exception as error:  # whatever it is: its time comes after the texts before it
        return window, error
    return window, None


def _strings(texts: Iterable[object]) -> Iterator[str]:
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"text number {number} (from 0) is of the type {type(text).__name__}: "
                f"{str(text)[:60]!r}; give strings."
            )
        yield text
