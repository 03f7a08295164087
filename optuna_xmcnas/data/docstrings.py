"""The embedded data set: docstrings of the standard library and of this package's dependencies.

Real text of the size of EURLex-4K that every machine already has. A document is the docstring of a
module, class or function; its labels are the dotted paths around it: the docstring of
``json.decoder.JSONDecoder.decode`` has the labels ``json``, ``json.decoder`` and
``json.decoder.JSONDecoder``. So labels are nested, and many have few documents. The object's own
name is neither a label nor added to the text. The sources are read, never imported.

Which docstrings count (our rules; they give about 22,000 documents, 5,000 labels, 3.6 labels per
document):

- ten words or more: shorter ones ("See base class.") say nothing about where they stand;
- two labels or more: with one, the question would only be which package it is;
- white space is collapsed, and of equal texts the first is kept, so no test text is a train text.

Test folders are left out. Everything depends on the installed versions, which the cache records.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
import gzip
import hashlib
from importlib import metadata
import importlib.util
import json
import logging
import os
from pathlib import Path
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_dir

from optuna_xmcnas.data import docstring_scan
from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextDataset
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.docstring_scan import Docstring
from optuna_xmcnas.data.docstring_scan import scan_file
from optuna_xmcnas.data.formats import read_dataset
from optuna_xmcnas.data.splits import split_rows
from optuna_xmcnas.data.text_readers import number_labels


if TYPE_CHECKING:
    from typing import TypeAlias

    Document: TypeAlias = tuple[str, list[str]]  # text, labels


_logger = logging.getLogger(__name__)

_FORMAT_VERSION = 1  # of the rules above and of the files; another number is another data set
_PACKAGES = ("numpy", "scipy", "torch", "sqlalchemy", "optuna")
_MIN_WORDS = 10
_MIN_LABELS = 2
_TEST_SHARE = 0.18
_SEED = 0
_MANIFEST = "manifest.json"
_FILES_PER_PROCESS = 200  # with fewer, starting a process costs more than it saves

_SKIPPED_FOLDERS = frozenset(
    {
        "__pycache__",
        "dist-packages",
        "ensurepip",
        "idle_test",
        "idlelib",
        "lib2to3",
        "site-packages",
        "test",
        "testing",
        "tests",
        "turtledemo",
    }
)
_TEST_FILE = re.compile(r"test_.*|.*_test|conftest")


@dataclass(frozen=True)
class SourceRoot:
    """A package's folder, or a module's file, and the name that it is imported by."""

    name: str
    path: Path


def load_docstrings(cache_dir: Path | str | None = None) -> TextDataset:
    """Return the data set ``docstrings``, from the cache if it was collected before.

    Collecting takes some ten seconds, once per combination of installed versions. A cache that is
    damaged or was made by other rules is made again.

    Args:
        cache_dir: Where to keep it; None takes the user's cache folder.
    """
    cache = Path(user_cache_dir("optuna-xmcnas") if cache_dir is None else cache_dir)
    versions = _installed_versions()
    key = hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest()[:12]
    folder = cache / f"docstrings-{key}"
    cached = _read_cache(folder, versions)
    if cached is not None:
        return cached
    _logger.info("Collecting docstrings from installed sources; this happens once.")
    dataset = docstring_dataset(collect_documents(installed_roots()))
    try:
        _write_cache(folder, dataset, versions)
    except OSError as error:
        _logger.warning("The docstrings could not be cached in %s: %s", cache, error)
    return dataset


def installed_roots() -> list[SourceRoot]:
    """Return the standard library's packages and modules, and the dependencies' packages."""
    library = Path(sysconfig.get_path("stdlib"))
    roots = []
    for entry in sorted(library.iterdir()):
        is_package = (entry / "__init__.py").is_file() and entry.name not in _SKIPPED_FOLDERS
        if is_package or (entry.suffix == ".py" and entry.is_file()):
            roots.append(SourceRoot(entry.stem, entry))
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)  # finds a top-level package without importing it
        folders = None if spec is None else spec.submodule_search_locations
        roots.extend(SourceRoot(name, Path(folder)) for folder in folders or ())
    return roots


def collect_documents(roots: Sequence[SourceRoot]) -> list[Document]:
    """Return the texts and labels that count (see the top of this file), in order of the roots."""
    modules = [module for root in roots for module in _modules(root)]
    documents: dict[str, list[str]] = {}
    for (path, _), docstrings in zip(
        modules, _scan_files([file for _, file in modules]), strict=True
    ):
        for scope, name, text in docstrings:
            around = [*path, *scope] if name else list(path[:-1])
            if len(around) < _MIN_LABELS or text in documents or not _is_usable(text):
                continue
            documents[text] = [".".join(around[: i + 1]) for i in range(len(around))]
    return list(documents.items())


def docstring_dataset(documents: Sequence[Document]) -> TextDataset:
    """Return the documents with a seeded test split."""
    rng = np.random.default_rng(_SEED)
    train, test = split_rows(len(documents), round(_TEST_SHARE * len(documents)), rng)
    chosen = {"train": train.tolist(), "test": test.tolist()}
    label_names, numbered = number_labels(
        [documents[i][1] for i in rows] for rows in chosen.values()
    )
    splits = {
        split: TextSplit(
            texts=tuple(documents[i][0] for i in rows),
            labels=label_matrix(labels, len(label_names)),
        )
        for (split, rows), labels in zip(chosen.items(), numbered, strict=True)
    }
    return TextDataset.from_splits("docstrings", "docstrings", label_names, splits)


def _modules(root: SourceRoot) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Yield the dotted path, as parts, and the file of every module of a root; sorted."""
    if root.path.is_file():
        yield (root.name,), root.path
        return
    for entry in sorted(root.path.iterdir()):
        if entry.is_dir():
            if entry.name.isidentifier() and entry.name not in _SKIPPED_FOLDERS:
                for path, file in _modules(SourceRoot(entry.name, entry)):
                    yield (root.name, *path), file
        elif entry.suffix == ".py" and entry.stem.isidentifier():
            if entry.stem == "__init__":
                yield (root.name,), entry
            elif not _TEST_FILE.fullmatch(entry.stem):
                yield (root.name, entry.stem), entry


def _is_usable(text: str) -> bool:
    if len(re.findall(r"[^\W_]+", text)) < _MIN_WORDS:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # an escape such as "\ud800"
        return False
    return True


def _scan_files(files: Sequence[Path]) -> Iterable[list[Docstring]]:
    """Return the docstrings of each file; of many files, in one process per processor."""
    n_processes = min(os.cpu_count() or 1, len(files) // _FILES_PER_PROCESS)
    if n_processes < 2 or not sys.executable:
        return [scan_file(str(file)) for file in files]
    # plain child processes: forking is unsafe beside the threads of PyTorch and `tokenizers`, and
    # a spawned multiprocessing worker would run the caller's script again
    shares = [
        files[i::n_processes] for i in range(n_processes)
    ]  # neighbours differ little in size
    with ThreadPoolExecutor(n_processes) as threads:
        found = list(threads.map(_scan_in_process, shares))
    merged: list[list[Docstring]] = [[] for _ in files]
    for i, share in enumerate(found):
        merged[i::n_processes] = share
    return merged


def _scan_in_process(files: Sequence[Path]) -> list[list[Docstring]]:
    script = docstring_scan.__file__
    try:
        done = subprocess.run(
            [sys.executable, "-I", script],
            input=json.dumps([str(file) for file in files]),
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=True,
        )
        return [[Docstring(*found) for found in of_file] for of_file in json.loads(done.stdout)]
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError) as error:
        _logger.warning("Scanning in this process, a child process failed: %s", error)
        return [scan_file(str(file)) for file in files]


def _installed_versions() -> dict[str, str]:
    versions = {"rules": str(_FORMAT_VERSION), "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _read_cache(folder: Path, versions: dict[str, str]) -> TextDataset | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
        if manifest["versions"] != versions:
            return None
        files = read_dataset(folder)
        # the files of a folder are "text lines" and named after it; the data set is "docstrings"
        dataset = TextDataset.from_splits(
            "docstrings", "docstrings", files.label_names, files.splits
        )
        return dataset if dataset.fingerprint == manifest["content_hash"] else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:  # DataError is a ValueError
        _logger.warning("The cache %s is damaged and made again: %s", folder, error)
        return None


def _write_cache(folder: Path, dataset: TextDataset, versions: dict[str, str]) -> None:
    """Write the files to a folder beside, then give it its name: nobody sees half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="unfinished-") as unfinished:
        fresh = Path(unfinished, "fresh")
        fresh.mkdir()
        for name, split in dataset.splits.items():
            _write_lines(fresh / f"{name}_texts.txt.gz", split.texts or ())
            _write_lines(fresh / f"{name}_labels.txt.gz", _label_lines(split, dataset.label_names))
        manifest = {"versions": versions, "content_hash": dataset.fingerprint}
        (fresh / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
        if folder.exists():
            os.replace(folder, Path(unfinished, "old"))
        try:
            os.replace(fresh, folder)
        except OSError:
            if not folder.exists():  # else: another process was faster with the same content
                raise


def _label_lines(split: TextSplit, label_names: Sequence[str]) -> Iterator[str]:
    starts = split.labels.indptr
    for row in range(len(split)):
        numbers = split.labels.indices[starts[row] : starts[row + 1]]
        yield " ".join(label_names[number] for number in numbers.tolist())


def _write_lines(file: Path, lines: Iterable[str]) -> None:
    # no time stamp: equal content, equal file
    with file.open("wb") as stream, gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed:
        packed.writelines(f"{line}\n".encode() for line in lines)
