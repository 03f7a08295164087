"""What is written above the picture of a trial's child."""

from __future__ import annotations


def trial_title(number: int, p_at_5: float | None = None, state: str = "") -> str:
    """Return the title of a trial's picture.

    Args:
        number: The trial's number.
        p_at_5: Its validation P@5, a share from 0 to 1.
        state: What to say where there is no score.

    Example:
        >>> trial_title(17, 0.412)
        'trial 17 · P@5 41.20'
        >>> trial_title(18, state="running")
        'trial 18 · running'
    """
    said = state if p_at_5 is None else f"P@5 {100 * p_at_5:.2f}"
    return f"trial {number} · {said}" if said else f"trial {number}"


def trial_caption(parent: int | None, mutation: str | None) -> str:
    """Return where a trial's genome is from.

    Args:
        parent: Number of the trial that was mutated; None for a random or given genome.
        mutation: What was done to it.

    Example:
        >>> trial_caption(3, "swap_op")
        'child of trial 3 by swap_op'
        >>> trial_caption(None, None)
        ''
    """
    if parent is None:
        return mutation or ""
    return f"child of trial {parent}" + (f" by {mutation}" if mutation else "")
