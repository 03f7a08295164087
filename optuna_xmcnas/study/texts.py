"""Which texts a study was searched on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from optuna import Study


_KEY = "xmcnas:texts"
_FORMAT = 1


@dataclass(frozen=True)
class StudyTexts:
    """The texts of a study.

    Attributes:
        name: What people call them.
        fingerprint: SHA-256 of texts and labels, all splits.
    """

    name: str
    fingerprint: str


def note_texts(study: Study, texts: StudyTexts) -> None:
    """Write down which texts a study is searched on, unless that was done already."""
    if texts_of(study) is None:
        record = {"format": _FORMAT, "name": texts.name, "fingerprint": texts.fingerprint}
        study.set_user_attr(_KEY, record)


def texts_of(study: Study) -> StudyTexts | None:
    """Return which texts a study was searched on; None if nobody wrote that down.

    Example:
        >>> import optuna
        >>> study = optuna.create_study()
        >>> note_texts(study, StudyTexts("mine", "9f86d0"))
        >>> texts_of(study).name
        'mine'
    """
    record = study.user_attrs.get(_KEY)
    if not isinstance(record, Mapping) or record.get("format") != _FORMAT:
        return None
    name, fingerprint = record.get("name"), record.get("fingerprint")
    if not isinstance(name, str) or not isinstance(fingerprint, str):
        return None
    return StudyTexts(name, fingerprint)
