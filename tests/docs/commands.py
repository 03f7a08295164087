"""The commands of the pages, made small: what each really does when a page is run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Sequence
from importlib import import_module
import json
import os
from pathlib import Path
import re
import runpy
import socket
import subprocess
import sys
import threading
import time
import tomllib
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.docs.blocks import ROOT
from tests.docs.page import run_page


_IMPORTED_ONCE = (  # by the server, for all commands
    "optuna_dashboard._cli",
    "optuna_xmcnas.cli.app",
    "optuna_xmcnas.planning",
    "optuna_xmcnas.report",
    "optuna_xmcnas.workflows",
    "sqlalchemy.orm",
    "torch._dynamo",  # for the first optimiser
)
_LENGTHS = ["--max-tokens=8", "--train-documents=60", "--validation-documents=20"]
_WIDTHS = ["--epochs=1", "--hidden=4", "--batch-size=32"]
_SPACE = ["--ops=conv1,maxpool3", "--max-layers=2", "--population-size=2", "--sample-size=2"]
_PLANNED = [*_LENGTHS, *_WIDTHS, *_SPACE]
_SMALL = {  # appended, so they win over what stands on the page
    "confirm": ["--top=2", "--seeds=2"],
    "plan": _PLANNED,
    "retrain": [*_LENGTHS, *_WIDTHS],
    "search": [*_PLANNED, "--trials=2"],
    "transfer": [*_LENGTHS, *_WIDTHS],
    "worker": [*_PLANNED, "--trials=2"],
}
_SMALL_EXAMPLES = {
    "search_docstrings.py": ["--trials=2", "--train-documents=60", "--epochs=1", "--hidden=4"],
}
_ROOTS = {"email", "json", "logging", "unittest", "xml"}  # of the standard library: in a second
_DASHBOARD_ANSWERS_S = 60.0


def import_once() -> None:
    """Import what the commands need."""
    for name in _IMPORTED_ONCE:
        import_module(name)


def _optuna_xmcnas() -> None:
    from optuna_xmcnas.cli import main
    from optuna_xmcnas.workflows import PARENT_VARIABLE

    sys.executable = _beside("python")  # which starts the workers of a crew
    if PARENT_VARIABLE in os.environ:  # this is one of them; what started it is the server
        os.environ[PARENT_VARIABLE] = str(os.getppid())
    _read_few_docstrings()
    command = next((word for word in sys.argv[1:] if word in _SMALL), None)
    if command is not None and not {"-h", "--help"} & set(sys.argv):
        sys.argv = [*_on_this_machine(sys.argv), *_SMALL[command]]
    main()


def _read_few_docstrings() -> None:
    from optuna_xmcnas.data import docstrings

    whole = docstrings.installed_roots
    docstrings.installed_roots = lambda: [root for root in whole() if root.name in _ROOTS]


def _on_this_machine(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with processors for GPUs, and one worker for several."""
    words = [re.sub(r"^cuda(:\d)?(,cuda:\d)*$", "cpu", word) for word in arguments]
    for option in ("--workers", "--workers-per-device"):
        if option in words:
            words[words.index(option) + 1] = "1"
    return words


def _beside(name: str) -> str:
    """Return the path of another command of this page."""
    folder = os.environ["PATH"].partition(os.pathsep)[0]
    return str(Path(folder, name))


def _torchrun() -> None:
    """Train in one process what the page trains in several."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nproc-per-node", type=int, required=True)
    parser.add_argument("-m", required=True, choices=["optuna_xmcnas"], dest="module")
    _, rest = parser.parse_known_args()
    sys.argv = ["optuna-xmcnas", *rest]
    _optuna_xmcnas()


def _python() -> None:
    match sys.argv[1:]:
        case ["-m", "pip", "install", *arguments]:
            _check_install(arguments)
        case ["-m", "optuna_xmcnas", *arguments]:
            sys.argv = ["optuna-xmcnas", *arguments]
            _optuna_xmcnas()
        case ["-m", "pytest", *arguments]:
            _check_paths(arguments)
        case ["-m", str(module), *arguments]:
            sys.argv = [module, *arguments]
            sys.path.insert(0, str(ROOT))
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [str(script), *arguments] if script.startswith("examples/"):
            _read_few_docstrings()
            small = _SMALL_EXAMPLES.get(Path(script).name, [])
            sys.argv = [script, *arguments, *small]
            sys.path[0] = str(ROOT / Path(script).parent)
            if "benchmarks" in script:
                _only_parse()  # tests/examples runs them; what stands on a page takes hours
            runpy.run_path(str(ROOT / script), run_name="__main__")
        case arguments:  # a process that a command starts for itself
            python = Path(sys.prefix, "bin", "python")
            sys.exit(subprocess.call([python, *arguments]))


def _check_install(arguments: Sequence[str]) -> None:
    """Check that what is installed is there: this checkout, its extras, the constraints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", required=True, choices=["constraints.txt"])
    parser.add_argument("-e", dest="editable")
    parser.add_argument("project", nargs="?")
    parsed = parser.parse_args(arguments)
    assert (ROOT / parsed.c).is_file()
    target = parsed.editable or parsed.project
    match = re.fullmatch(r"\.(?:\[([a-z,]+)\])?", target)
    assert match, f"{target} is not this checkout with some extras"
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in filter(None, (match[1] or "").split(",")):
        assert extra in known["optional-dependencies"], extra


def _check_paths(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if "/" in argument:
            assert (ROOT / argument).exists(), argument


def _only_parse() -> None:
    parse = argparse.ArgumentParser.parse_args

    def parse_and_end(self: argparse.ArgumentParser, *args: Any, **options: Any) -> None:
        parse(self, *args, **options)
        sys.exit(0)

    argparse.ArgumentParser.parse_args = parse_and_end  # type: ignore[assignment,method-assign]


def _optuna() -> None:
    import_module("optuna.cli").main()


def _optuna_dashboard() -> None:
    """Start the dashboard, and end when it has answered."""
    main = import_module("optuna_dashboard._cli").main
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    sys.argv += [f"--port={port}", "--server=wsgiref", "--quiet"]
    threading.Thread(target=main, daemon=True).start()
    deadline = time.monotonic() + _DASHBOARD_ANSWERS_S
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/api/studies") as answer:
                studies = json.load(answer)["study_summaries"]
        except URLError:
            assert time.monotonic() < deadline, "the dashboard does not answer"
            time.sleep(0.05)
        else:
            assert studies, "the dashboard shows no study"
            return


def _sphinx_build() -> None:
    """Check where the site is built from; tests/docs/test_site.py builds it."""
    *_, source, _ = sys.argv
    assert (ROOT / source / "conf.py").is_file()


COMMANDS: dict[str, Callable[[], object]] = {
    "optuna": _optuna,
    "optuna-dashboard": _optuna_dashboard,
    "optuna-xmcnas": _optuna_xmcnas,
    "python": _python,
    "run-page": run_page,
    "sphinx-build": _sphinx_build,
    "torchrun": _torchrun,
}
