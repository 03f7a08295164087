"""How the study is called in which the best networks of a search are trained again."""

from __future__ import annotations


_SUFFIX = "-confirm"


def confirm_name(search: str) -> str:
    """Return the name of the study in which a search is confirmed.

    Example:
        >>> confirm_name("mine")
        'mine-confirm'
    """
    return f"{search}{_SUFFIX}"


def search_name(study: str) -> str:
    """Return the name of the search that a study confirms, or its own if it confirms none.

    Example:
        >>> search_name("mine-confirm"), search_name("mine")
        ('mine', 'mine')
    """
    return study.removesuffix(_SUFFIX)
