"""Imports run one way, as docs/layout.md says, and PyTorch stays out where it says so."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
import subprocess
import sys

import pytest


ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "optuna_xmcnas"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _table() -> dict[str, tuple[set[str], set[str]]]:
    """Return part -> (parts it may import, packages it may import)."""
    lines = (ROOT / "docs" / "layout.md").read_text("utf-8").splitlines()
    start = lines.index("| part | may import from | third-party at import |") + 2
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        part, *lists = _cells(line)
        parts, packages = ({name.strip() for name in text.split(",")} - {"-"} for text in lists)
        rows[part] = (parts, packages)
    return rows


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def _imports(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Yield line, full name and whether the import happens when the module is imported."""

    def visit(node: ast.AST, at_import: bool) -> Iterator[tuple[int, str, bool]]:
        for child in ast.iter_child_nodes(node):
            now = at_import
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                now = False
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                now = False
            if isinstance(child, ast.Import):
                yield from ((child.lineno, alias.name, at_import) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"line {child.lineno}: write the whole name"
                for alias in child.names:
                    yield child.lineno, f"{child.module}.{alias.name}", at_import
            else:
                yield from visit(child, now)

    yield from visit(tree, True)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_table(path: Path) -> None:
    part = _part(path)
    allowed_parts, allowed_packages = _table()[part]
    for line, name, at_import in _imports(ast.parse(path.read_text("utf-8"))):
        top, *rest = name.split(".")
        where = f"{path.relative_to(ROOT)}:{line} imports {name}"
        if top == "optuna_xmcnas":
            target = rest[0] if rest else "__init__"
            assert target == part or target in allowed_parts, where
        elif at_import and top not in sys.stdlib_module_names:
            assert top in allowed_packages, where


def test_every_part_has_a_row() -> None:
    assert {_part(path) for path in MODULES} == set(_table())


def test_no_circle_among_modules() -> None:
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in MODULES
    }
    graph: dict[str, set[str]] = {}
    for module, path in names.items():
        targets = set()
        for _, name, at_import in _imports(ast.parse(path.read_text("utf-8"))):
            found = name if name in names else name.rpartition(".")[0]
            if at_import and found in names:
                targets.add(found)
        graph[module] = targets
    TopologicalSorter(graph).prepare()  # raises CycleError, which shows the circle


@pytest.mark.parametrize("name", ["", ".genome", ".samplers", ".study", ".data", ".metrics"])
def test_import_leaves_torch_out(name: str) -> None:
    code = f"import optuna_xmcnas{name}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_command_line_help_leaves_torch_out() -> None:
    code = "import optuna_xmcnas.cli, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
