"""How the study is called in which the best networks of a search are trained again."""

from __future__ import annotations


def confirm_name(study_name: str) -> str:
    """Return the name of the study in which a search is confirmed.

    Example:
        >>> confirm_name("mine")
        'mine-confirm'
    """
    return f"{study_name}-confirm"
