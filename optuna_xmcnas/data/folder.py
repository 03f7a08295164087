"""A folder in which data files are found by name, with or without ``.gz``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import re

from optuna_xmcnas.exceptions import DataError


@dataclass(frozen=True)
class DataFolder:
    """A folder of data files; if a file is there plain and compressed, the plain one counts."""

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise DataError(f"{self.path} is no folder; give the folder of the data files.")

    @property
    def name(self) -> str:
        """The name of the folder, also if it was given as ``.``."""
        return self.path.resolve().name

    def file(self, *names: str) -> Path | None:
        """Return the first of these files that exists."""
        for name in names:
            for candidate in (self.path / name, self.path / f"{name}.gz"):
                if candidate.is_file():
                    return candidate
        return None

    def matching(self, pattern: str) -> Path | None:
        """Return the one file whose name, without ``.gz``, is matched by a regular expression."""
        found: dict[str, Path] = {}
        for file in sorted(self.path.iterdir()):
            stem = file.name.removesuffix(".gz")
            if file.is_file() and re.fullmatch(pattern, stem):
                found.setdefault(stem, file)
        if len(found) > 1:
            raise DataError(
                f"{self.path} has several files for one split: {', '.join(found)}; "
                "keep each data set in a folder of its own."
            )
        return next(iter(found.values()), None)

    def listing(self, most: int = 20) -> str:
        """Return the names of its files and folders, shortened, to show in a message."""
        names = sorted(entry.name for entry in self.path.iterdir())
        more = f" and {len(names) - most} more" if len(names) > most else ""
        return (", ".join(names[:most]) + more) if names else "nothing"
