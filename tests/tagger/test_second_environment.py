"""A folder is all that another process, or another environment, needs."""

from __future__ import annotations

import json
import os
from pathlib import Path
import shutil
import subprocess
import sys

from tests.tagger.ranked import ranked
from tests.tagger.tiny import tiny_texts


OTHER_PYTHON = os.environ.get("XMCNAS_TEST_PYTHON", sys.executable)
"""Of a second environment with the package in it, where one is to be tried."""


def test_another_process_gives_the_same_lists(saved: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(saved, tmp_path / "ä folder"))
    texts = tmp_path / "texts.json"
    texts.write_text(json.dumps(tiny_texts()), "utf-8")
    script = Path(__file__).with_name("ranked.py")
    done = subprocess.run(
        [OTHER_PYTHON, str(script), str(moved), str(texts)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ranked(saved, tiny_texts())
