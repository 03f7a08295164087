"""Whether there is room for a file before the work that it is for begins."""

from __future__ import annotations

from pathlib import Path
import shutil


def free_space_shortage(folder: Path, needed_bytes: int) -> str | None:
    """Return what to tell a person if a file system has too little room, else None.

    None also where the room cannot be found out; writing will then say what is wrong.

    Args:
        folder: Where something will be written; it need not exist yet.
        needed_bytes: How much that is.

    Example:
        >>> free_space_shortage(Path("."), 1) is None
        True
        >>> print(free_space_shortage(Path("/"), 10**18))  # doctest: +ELLIPSIS
        only ... are free in /; a child of this study needs about 1000000000 GB for its \
checkpoint; free some, or choose another folder.
    """
    try:
        free = shutil.disk_usage(_existing(folder)).free
    except OSError:
        return None
    if free >= needed_bytes:
        return None
    return (
        f"only {_size(free)} are free in {folder}; a child of this study needs about "
        f"{_size(needed_bytes)} for its checkpoint; free some, or choose another folder."
    )


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def _size(n_bytes: int) -> str:
    """Return a number of bytes with its unit: below 10 GB in MB, so that it can be compared."""
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes < 10**10 else f"{n_bytes / 1e9:.0f} GB"
