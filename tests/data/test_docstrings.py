"""Nothing here collects the installed packages: a tiny package stands for them."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
import shutil
import sys
import sysconfig

import numpy as np
import pytest

from optuna_xmcnas.data import docstrings
from optuna_xmcnas.data import load_docstrings
from optuna_xmcnas.data.docstrings import collect_documents
from optuna_xmcnas.data.docstrings import docstring_dataset
from optuna_xmcnas.data.docstrings import installed_roots
from optuna_xmcnas.data.docstrings import SourceRoot


LONG = "that says enough in ten words or more to be kept"


def write_package(folder: Path, files: dict[str, str]) -> SourceRoot:
    for name, content in files.items():
        file = folder / "pkg" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, "utf-8")
    return SourceRoot("pkg", folder / "pkg")


def documented(name: str, *functions: str) -> str:
    lines = [f'"""Module {name} {LONG}."""']
    for function in functions:
        lines += [f"def {function}():", f'    """Does {name} {function} {LONG}."""']
    return "\n".join(lines)


@pytest.fixture
def tiny(tmp_path: Path) -> SourceRoot:
    return write_package(
        tmp_path,
        {
            "__init__.py": documented("pkg", "top"),
            "sub/__init__.py": documented("sub", "one"),
            "sub/deep.py": documented("deep", "two")
            + f'\nclass A:\n    """A {LONG}."""\n    def m(self):\n        """M {LONG}."""',
        },
    )


@pytest.fixture
def tiny_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceRoot:
    functions = [f"f{i}" for i in range(30)]
    root = write_package(tmp_path, {"a.py": documented("a", *functions)})
    monkeypatch.setattr(docstrings, "installed_roots", lambda: [root])
    return root


def test_labels_are_the_paths_around_a_docstring(tiny: SourceRoot) -> None:
    found = {text.split(" that")[0]: labels for text, labels in collect_documents([tiny])}
    assert found == {
        "Does sub one": ["pkg", "pkg.sub"],
        "Module deep": ["pkg", "pkg.sub"],
        "Does deep two": ["pkg", "pkg.sub", "pkg.sub.deep"],
        "A": ["pkg", "pkg.sub", "pkg.sub.deep"],
        "M": ["pkg", "pkg.sub", "pkg.sub.deep", "pkg.sub.deep.A"],
    }  # what has less than two labels is left out: the package, its functions, its modules


def test_tests_and_what_cannot_be_imported_are_left_out(tmp_path: Path) -> None:
    skipped = [
        "tests/a.py",
        "test/a.py",
        "testing/a.py",
        "__pycache__/a.py",
        "sub/test_a.py",
        "sub/a_test.py",
        "sub/conftest.py",
        "sub/not-a-name.py",
        "not-a-name/a.py",
        "sub/a.txt",
    ]
    files = {name: documented(name, "f") for name in skipped}
    root = write_package(tmp_path, files | {"sub/b.py": documented("b", "f")})
    assert [labels[-1] for _, labels in collect_documents([root])] == ["pkg.sub", "pkg.sub.b"]


def test_short_repeated_and_unwritable_texts_are_left_out(tmp_path: Path) -> None:
    content = f'''
def short():
    """One two three four five six seven eight nine."""
def first():
    """The same {LONG}."""
def second():
    """The   same
    {LONG}."""
def surrogate():
    """Holds \\ud800 {LONG}."""
'''
    root = write_package(tmp_path, {"a.py": content})
    assert collect_documents([root]) == [(f"The same {LONG}.", ["pkg", "pkg.a"])]


def test_broken_sources_are_ignored(tmp_path: Path) -> None:
    root = write_package(tmp_path, {"a.py": documented("a", "f"), "b.py": 'def ("""'})
    assert len(collect_documents([root])) == 1


def test_a_module_can_be_a_root(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text(f'class A:\n    def f():\n        """F {LONG}."""')
    documents = collect_documents([SourceRoot("mod", tmp_path / "mod.py")])
    assert documents == [(f"F {LONG}.", ["mod", "mod.A"])]


def test_child_processes_find_the_same(
    tiny: SourceRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = collect_documents([tiny])
    monkeypatch.setattr(docstrings, "_FILES_PER_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert collect_documents([tiny]) == alone


def test_failing_child_process_is_replaced_by_this_one(
    tiny: SourceRoot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    alone = collect_documents([tiny])
    monkeypatch.setattr(docstrings, "_FILES_PER_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert collect_documents([tiny]) == alone
    assert "a child process failed" in caplog.text


def test_roots_are_the_standard_library_and_the_dependencies() -> None:
    roots = {root.name: root.path for root in installed_roots()}
    assert roots["json"] == Path(sysconfig.get_path("stdlib"), "json")
    assert roots["argparse"].name == "argparse.py"
    assert roots["numpy"] == Path(np.__file__).parent
    assert {"scipy", "torch", "sqlalchemy", "optuna"} <= roots.keys()
    assert not {"test", "idlelib", "lib2to3", "site-packages"} & roots.keys()


def test_splits_share_no_text_and_lose_none() -> None:
    documents = [(f"text {i}", ["a", f"a.{i % 7}"]) for i in range(100)]
    data = docstring_dataset(documents)
    assert data.test is not None
    train, test = data.train.texts or (), data.test.texts or ()
    assert (len(train), len(test)) == (82, 18)
    assert {*train, *test} == {text for text, _ in documents}
    for split in data.splits.values():
        for text, row in zip(split.texts or (), split.labels.toarray(), strict=True):
            labels = {data.label_names[number] for number in np.flatnonzero(row)}
            assert labels == set(dict(documents)[text])


def test_second_load_comes_from_the_cache(tmp_path: Path, tiny_installation: SourceRoot) -> None:
    first = load_docstrings(tmp_path / "cache")
    shutil.rmtree(tiny_installation.path)
    second = load_docstrings(tmp_path / "cache")
    assert (second.name, second.format) == ("docstrings", "docstrings")
    assert second.label_names == first.label_names
    assert second.fingerprint == first.fingerprint
    assert len(first.train) + len(first.test or ()) == 30


def test_cache_records_versions_and_content(tmp_path: Path, tiny_installation: SourceRoot) -> None:
    data = load_docstrings(tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()  # and nothing unfinished beside it
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["content_hash"] == data.fingerprint
    assert manifest["versions"]["numpy"] == np.__version__


def break_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def forget_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


def change_versions(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["versions"]["numpy"] = "0.0"
    (folder / "manifest.json").write_text(json.dumps(manifest))


def change_texts(folder: Path) -> None:
    file = folder / "train_texts.txt.gz"
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"Does", b"Did")))


def truncate_texts(folder: Path) -> None:
    file = folder / "train_texts.txt.gz"
    file.write_bytes(file.read_bytes()[:-20])


def lose_labels(folder: Path) -> None:
    (folder / "test_labels.txt.gz").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        break_manifest,
        forget_manifest,
        empty_manifest,
        change_versions,
        change_texts,
        truncate_texts,
        lose_labels,
    ],
    ids=lambda damage: str(damage.__name__),
)
def test_unusable_cache_is_made_again(  # type: ignore[no-untyped-def]
    damage, tmp_path: Path, tiny_installation: SourceRoot
) -> None:
    first = load_docstrings(tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    damage(folder)
    assert load_docstrings(tmp_path / "cache").fingerprint == first.fingerprint
    shutil.rmtree(tiny_installation.path)
    assert load_docstrings(tmp_path / "cache").fingerprint == first.fingerprint
    assert list((tmp_path / "cache").iterdir()) == [folder]


def test_data_are_returned_also_if_they_cannot_be_cached(
    tmp_path: Path, tiny_installation: SourceRoot, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING):
        data = load_docstrings(tmp_path / "file" / "cache")
    assert len(data.train) == 25
    assert "could not be cached" in caplog.text
