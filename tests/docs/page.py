"""Runs the blocks of one page in order, as a reader would who types them in."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
import gzip
import io
import json
import os
from pathlib import Path
import re
import subprocess
import sys
import traceback
from typing import Any
import warnings

import yaml

from tests.cli.commands import write_data
from tests.docs.blocks import Block
from tests.docs.blocks import blocks
from tests.docs.blocks import ROOT


LANGUAGES = {"bash", "json", "output", "python", "text", "toml", "yaml"}
_VECTORS = (
    "eurlex57k_train_word2vec_100d.txt.gz",
    "glove.840B.300d.zip",
    "word2vec.txt.gz",
)
_BLOCK_ENDS_S = 120.0
_ENVIRONMENT = ".environment"  # what a block exported, for the next one
_SBATCH = {"array", "gres", "job-name", "signal", "time"}
_DATABASE_VARIABLE = "PAGE_DATABASE"  # URL of a database in the place of those on the pages


def run_page() -> None:
    """Run a page in the present folder, and exit with 1 at the first block that fails.

    The command line has the path of the page.
    """
    page = Path(sys.argv[1])
    places = _prepare(Path.cwd())
    sys.path.insert(0, "")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page):
        text = block.text
        for there, here in places.items():
            text = text.replace(there, here)
        if block.not_run is not None:
            continue
        try:
            if block.language == "python":
                printed = _run_python(block, namespace)
            elif block.language == "output":
                assert block.text == printed, f"it printed:\n{printed}"
            else:
                _RUNNERS[block.language](text)
        except BaseException as error:
            traceback.print_exc()
            where = f"{page.relative_to(ROOT)}:{block.line}"
            sys.exit(f"{where} ({block.language}): {type(error).__name__}: {error}\n{text}")


def _prepare(folder: Path) -> dict[str, str]:
    """Lay out what a reader has, and return where things are that the pages name."""
    for name in ("mine", "other", "wiki10", "eurlex57k"):
        write_data(folder / name)
    texts = (folder / "mine" / "test_texts.txt").read_text()
    (folder / "texts.txt").write_text(texts)
    (folder / "texts.txt.gz").write_bytes(gzip.compress(texts.encode()))
    words = "".join(f"{word} 0.1 0.2 0.3 0.4\n" for word in sorted(set(texts.split())))
    (folder / "vectors.txt").write_text(words)
    (folder / "eurlex.toml").write_text(
        "[child]\nfully_connected = [8]\n[training]\naverage_from_epoch = 1\n"
    )
    for split, n_rows in (("train", 200), ("test", 40)):
        rows = "".join(f"{row}\n" for row in range(n_rows))
        (folder / f"subset4k_{split}_rows.txt").write_text(rows)
    (folder / "tags").mkdir()
    secrets = f"export OPTUNA_XMCNAS_STORAGE={os.environ[_DATABASE_VARIABLE]}\n"
    (folder / "tags" / "secrets.sh").write_text(secrets)
    for name in ("constraints.txt", "docs", "examples", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    os.environ["HOME"] = str(folder)
    database = os.environ[_DATABASE_VARIABLE]
    return {
        "postgresql+psycopg2://USER:PASSWORD@HOST/DB": database,
        "postgresql+psycopg2://tagger:PASSWORD@db.example.org/search": database,
        "/data/tags": str(folder / "mine"),
        '"/data"': f'"{folder / "mine"}"',
        "/shared": str(folder / "shared"),
        **dict.fromkeys(_VECTORS, "vectors.txt"),
    }


def _run_python(block: Block, namespace: dict[str, Any]) -> str:
    """Run a block and return what it printed; a warning is an error.

    A comment in its first line names the file that it is also saved as.
    """
    if name := re.match(r"# (\w+\.py)\n", block.text):
        Path(name[1]).write_text(block.text)
    source = "\n" * (block.line - 1) + block.text  # so that errors name the line of the page
    said = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(said):
        warnings.simplefilter("error")
        exec(compile(source, str(block.page), "exec"), namespace)
    return said.getvalue()


def _run_bash(text: str) -> None:
    """Run a block in bash, with what the blocks before it exported."""
    for line in text.splitlines():
        if line.startswith("#SBATCH"):
            option, _, value = line.removeprefix("#SBATCH --").partition("=")
            assert option in _SBATCH, f"{option} is no option of sbatch that we know"
            assert value, line
    Path(_ENVIRONMENT).touch()
    Path("block.sh").write_text(
        f"set -euo pipefail\nsource {_ENVIRONMENT}\n{text}\ndeclare -px >{_ENVIRONMENT}\n"
    )
    done = subprocess.run(
        ["bash", "block.sh"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_BLOCK_ENDS_S,
    )
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr


def _read_settings(text: str) -> None:
    """Read settings as the program does; the first line, a comment, names the file."""

    from optuna_xmcnas.cli.settings import preset_of
    from optuna_xmcnas.cli.settings import read_config
    from optuna_xmcnas.cli.settings import settings_from
    from optuna_xmcnas.workflows import PRESETS

    path = Path(text.partition("\n")[0].removeprefix("# "))
    path.write_text(text)
    config = read_config(path)
    settings_from(PRESETS[preset_of(None, config) or "quick"], config)


def _read_json(text: str) -> None:
    for line in text.splitlines() if text.startswith("{") else [text]:
        json.loads(line)


def _run_containers(text: str) -> None:
    """Read a job for Kubernetes, and run what its containers would."""
    job = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    for container in job["spec"]["template"]["spec"]["containers"]:
        names = [variable["name"] for variable in container["env"]]
        secrets = dict.fromkeys(names, os.environ[_DATABASE_VARIABLE])
        subprocess.run(
            container["command"],
            env={**os.environ, **secrets},
            check=True,
            timeout=_BLOCK_ENDS_S,
        )


_RUNNERS: dict[str, Callable[[str], None]] = {
    "bash": _run_bash,
    "json": _read_json,
    "text": lambda text: None,  # pictures and what a terminal shows
    "toml": _read_settings,
    "yaml": _run_containers,
}
