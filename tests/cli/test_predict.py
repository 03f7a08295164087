"""``optuna-xmcnas predict``, in this process where it can be, else as a user types it."""

from __future__ import annotations

from functools import partial
import gzip
import json
import os
from pathlib import Path
import signal
import time
from typing import Any

import pytest
from typer.testing import CliRunner
from typer.testing import Result

from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.child.layers import Convolution
from optuna_xmcnas.cli.app import app
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.exceptions import ModelError
from optuna_xmcnas.tagger import save_model
from optuna_xmcnas.tagger import Tagger
from tests.cli.commands import end
from tests.cli.commands import start
from tests.cli.commands import until
from tests.tagger.tiny import LABEL_NAMES
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_model
from tests.tagger.tiny import tiny_texts


TEXTS = tiny_texts(9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with models and texts in it."""
    folder = tmp_path_factory.mktemp("user")
    save_model(folder / "model", tiny_model([tiny_child("conv3", "bigru")]))
    save_model(folder / "shared", tiny_model([tiny_child("conv3", attention="self")]))
    content = "".join(f"{text}\n" for text in TEXTS)
    (folder / "texts.txt").write_text(content)
    (folder / "texts.txt.gz").write_bytes(gzip.compress(content.encode()))
    records = [{"id": f"n{i}", "body": text, "more": [1]} for i, text in enumerate(TEXTS)]
    records[3].pop("id")
    content = "".join(f"{json.dumps(record)}\n" for record in records)
    for name in ("records.jsonl", "records.txt"):
        (folder / name).write_text(content)
    (folder / "records.json.gz").write_bytes(gzip.compress(content.encode()))
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[dict[str, Any]]:
    predictions = Tagger.load(folder / "model", device="cpu").predict(TEXTS, 10)
    return [
        {
            "labels": [label for label, _ in row],
            "scores": [pytest.approx(score, rel=1e-5) for _, score in row],
        }
        for row in predictions
    ]


def _predict(*arguments: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["predict", "model", *arguments], input=text)


def _answers(done: Result) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.stderr
    return _parsed(done.stdout)


def _parsed(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.removesuffix("\n").split("\n")]


@pytest.mark.parametrize("arguments", [("texts.txt",), ("texts.txt.gz",), ("-",), ()])
def test_lines_get_labels(here: Path, expected: object, arguments: tuple[str, ...]) -> None:
    done = _predict(*arguments, text="".join(f"{text}\n" for text in TEXTS))
    assert _answers(done) == expected
    assert f"done: {len(TEXTS)} texts" in done.stderr
    assert "optuna-xmcnas export model" in done.stderr


@pytest.mark.parametrize(
    "arguments", [("records.jsonl",), ("records.json.gz",), ("records.txt", "--format=jsonl")]
)
def test_json_lines_keep_their_id(
    here: Path, expected: list[dict[str, Any]], arguments: tuple[str, ...]
) -> None:
    answers = _answers(_predict(*arguments, "--field=body"))
    assert [answer.pop("id", None) for answer in answers] == [
        None if number == 3 else f"n{number}" for number in range(len(TEXTS))
    ]
    assert answers == expected


def test_json_lines_come_from_standard_input_too(here: Path) -> None:
    (answer,) = _answers(_predict("--format=jsonl", text='{"text": "topic1", "id": [1, "ä"]}'))
    assert answer["id"] == [1, "ä"]


def test_what_is_printed_is_valid_for_any_text(here: Path) -> None:
    text = '{"text": "topic1", "id": "\\ud800 \\u2028"}\n'
    done = _predict("--format=jsonl", "-k12", text=text)
    (answer,) = _answers(done)
    assert answer["id"] == "\ud800 \u2028"
    assert sorted(answer["labels"]) == sorted(LABEL_NAMES)
    assert "Öl & Gas" in done.stdout


def test_fewer_labels_smaller_batches(here: Path, expected: list[dict[str, Any]]) -> None:
    answers = _answers(_predict("texts.txt", "-k", "2", "--batch-size=1"))
    assert [answer["labels"] for answer in answers] == [e["labels"][:2] for e in expected]


def test_words_that_were_looked_at(here: Path, expected: list[dict[str, Any]]) -> None:
    answers = _answers(_predict("texts.txt", "-k3", "--explain", "--batch-size=2"))
    assert [answer["labels"] for answer in answers] == [e["labels"][:3] for e in expected]
    for text, answer in zip(TEXTS, answers, strict=True):
        assert not answer["explain"]["is_shared"]
        assert len(answer["explain"]["tokens"]) == 3
        for tokens in answer["explain"]["tokens"]:
            assert bool(tokens) == bool(text)
            assert all(text[one["start"] : one["end"]] == one["word"] for one in tokens)
    done = CliRunner().invoke(app, ["predict", "shared", "texts.txt", "--explain"])
    assert all(answer["explain"]["is_shared"] for answer in _answers(done))


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_answers_go_to_a_file(here: Path, expected: object, tmp_path: Path, name: str) -> None:
    done = _predict("texts.txt", "--output", str(tmp_path / name), "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    content = (tmp_path / name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    assert _parsed(content.decode()) == expected


@pytest.mark.parametrize("explain", [(), ("--explain",)])
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", r"line 3: not valid JSON"),
        (b"", r"line 3: not valid JSON"),
        (b"[1]", r"line 3: expected a JSON object; got '\[1\]'"),
        (b'{"body": "x"}', r"line 3: there is no field 'text'; it has: 'body'. Choose with --f"),
        (b'{"text": 7}', r"line 3: the field 'text' must be a string; got int"),
        (b'{"text": "\xff"}', r"line 3: not valid UTF-8"),
    ],
)
def test_a_wrong_line_is_named_and_the_lines_before_it_are_answered(
    here: Path, explain: tuple[str, ...], line: bytes, said: str
) -> None:
    text = b'{"text": "topic1"}\n{"text": "topic2"}\n' + line + b'\n{"text": "topic3"}\n'
    done = _predict("--format=jsonl", *explain, text=text)
    with pytest.raises(DataError, match=f"standard input, {said}"):
        raise done.exception or AssertionError("no error")
    assert len(_parsed(done.stdout)) == 2


def test_a_damaged_archive_is_named_after_what_could_be_read(here: Path) -> None:
    content = gzip.compress("".join(f"filler{i} topic{i}\n" for i in range(9999)).encode())
    (here / "damaged.txt.gz").write_bytes(content[:-2000])
    done = _predict("damaged.txt.gz", "-k1")
    with pytest.raises(DataError, match=r"damaged\.txt\.gz, line \d+: .*truncated or damaged"):
        raise done.exception or AssertionError("no error")
    assert len(_parsed(done.stdout)) > 100


def test_a_text_file_that_is_no_archive_is_refused(here: Path) -> None:
    (here / "plain.gz").write_text("plain\n")
    done = _predict("plain.gz")
    with pytest.raises(DataError, match=r"plain\.gz cannot be read: Not a gzipped file"):
        raise done.exception or AssertionError("no error")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("texts.txt", "--output=texts.txt"), "is the input; choose another"),
        (("texts.txt", "--output=absent/out"), "cannot write absent/out"),
        (("texts.txt", "--device=tpu"), "`device` must be 'auto'"),
        (("texts.txt", "--precision=int3"), "`precision` must be one of"),
        (("texts.txt", "-k0"), "Invalid value for '-k'"),
        (("texts.txt", "--format=csv"), "Invalid value for '--format'"),
    ],
)
def test_mistakes_are_told(here: Path, arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["predict", "model", *arguments], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert len((here / "texts.txt").read_text().split("\n")) == len(TEXTS) + 1


def test_what_is_missing_is_named(here: Path) -> None:
    for arguments, error, said in (
        (("absent", "texts.txt"), ModelError, "there is no folder .*absent"),
        (("model", "absent.txt"), DataError, "absent.txt cannot be read: No such file"),
        (("model", "model"), DataError, "model cannot be read: Is a directory"),
        (("model", "texts.txt", "--import=absent"), DataError, "cannot import the module"),
    ):
        done = CliRunner().invoke(app, ["predict", *arguments])
        with pytest.raises(error, match=said):
            raise done.exception or AssertionError("no error")


def test_an_op_of_the_user_is_imported(here: Path) -> None:
    register_op("ours_here", partial(Convolution, 3))
    save_model(here / "with_ours", tiny_model([tiny_child("ours_here")]))
    ops._FACTORIES.pop("ours_here")
    (here / "our_ops.py").write_text(
        "from functools import partial\n"
        "from optuna_xmcnas.child import register_op\n"
        "from optuna_xmcnas.child.layers import Convolution\n"
        "register_op('ours_here', partial(Convolution, 3))\n"
    )
    arguments = ["predict", "with_ours", "texts.txt"]
    done = CliRunner().invoke(app, arguments)
    with pytest.raises(ModelError, match="ops 'ours_here', which are not known.*--import MODULE"):
        raise done.exception or AssertionError("no error")
    try:
        answers = _answers(CliRunner().invoke(app, [*arguments, "--import=our_ops"]))
    finally:
        ops._FACTORIES.pop("ours_here", None)
    assert len(answers) == len(TEXTS)


def test_a_reader_may_leave(folder: Path) -> None:
    (folder / "many.txt").write_text("filler1 topic2\n" * 20_000)
    process = start(folder, "predict", "model", "many.txt", "--batch-size=16")
    assert process.stdout is not None
    assert process.stderr is not None
    first = process.stdout.readline()
    process.stdout.close()
    assert len(json.loads(first)["labels"]) == 10
    assert process.wait(timeout=60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_answers_do_not_wait_for_the_end_and_ctrl_c_keeps_them(folder: Path) -> None:
    out = folder / "kept.jsonl"
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    process = start(folder, "predict", "model", "pipe", "--batch-size=4", "-o", str(out))
    with pipe.open("w") as stream:
        stream.write("topic1\n" * 5)
        stream.flush()
        until(lambda: out.exists() and out.read_bytes().count(b"\n") == 4)
        # once it waits for more: a signal just before a read begins is noticed only after it
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        errors = end(process).stderr  # which kills it, if it does not end
    assert process.returncode == 130
    assert "interrupted; what was predicted is written: 4 texts" in errors
    assert "Traceback" not in errors
    assert len(_parsed(out.read_text())) == 4
