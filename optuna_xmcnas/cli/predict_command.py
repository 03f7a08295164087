"""``optuna-xmcnas predict``: labels for texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
import gzip
import json
import os
from pathlib import Path
import sys
import time
from typing import Annotated
from typing import Any
from typing import BinaryIO
from typing import cast
from typing import final
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.next_steps import print_next
from optuna_xmcnas.cli.settings import import_modules
from optuna_xmcnas.cli.text_source import format_of
from optuna_xmcnas.cli.text_source import InputFormat
from optuna_xmcnas.cli.text_source import open_source
from optuna_xmcnas.cli.text_source import read_texts
from optuna_xmcnas.cli.text_source import STANDARD_INPUT
from optuna_xmcnas.exceptions import XmcNasError


if TYPE_CHECKING:
    from optuna_xmcnas.cli.text_source import TextSource
    from optuna_xmcnas.tagger import Explained
    from optuna_xmcnas.tagger import Tagger


_DIGITS = 6  # of a score


def predict(
    model: Annotated[
        Path, typer.Argument(help="Folder of a model.", metavar="MODEL", show_default=False)
    ],
    file: Annotated[
        str,
        typer.Argument(
            help="Texts, one per line; JSON lines, if the name ends in .jsonl or .json. Both may "
            "be compressed (.gz). '-' is the standard input.",
            metavar="FILE",
        ),
    ] = STANDARD_INPUT,
    k: Annotated[
        int, typer.Option("-k", min=1, help="Labels for each text, the best ones.", metavar="N")
    ] = 10,
    batch_size: Annotated[
        int,
        typer.Option(
            min=1,
            help="Texts scored together; changes time and memory, not the answer.",
            metavar="N",
        ),
    ] = 64,
    device: options.Device = None,
    precision: Annotated[
        str,
        typer.Option(
            help="Numbers to compute with: float32, bfloat16 (less exact; takes less memory on a "
            "GPU), or auto, which is bfloat16 on a GPU that has it.",
            metavar="NAME",
        ),
    ] = "float32",
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Add the words that the model looked at, with weights."),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to this file; a name in .gz is compressed. (default: standard output)",
            metavar="FILE",
        ),
    ] = None,
    input_format: Annotated[
        InputFormat | None,
        typer.Option("--format", help="What the input is. (default: by the name of the file)"),
    ] = None,
    field: Annotated[
        str, typer.Option(help="Field of a JSON line that holds the text.", metavar="NAME")
    ] = "text",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing but errors on standard error.")
    ] = False,
    imports: options.Imports = None,
) -> None:
    """Print the best labels of each text, as JSON lines in the order of the input.

    Memory is bounded, however many texts there are. The "id" of a JSON line is repeated with its
    labels. What was printed before an error or Ctrl-C stays.
    """
    console = Console(stderr=True, quiet=quiet)
    _check_output(output, file)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # see `search`
    with open_source(file) as source:
        import_modules(imports)
        with console.status("loading the model"):
            tagger = _load(model, device or "auto", precision)
        if source.is_keyboard:
            console.print("reading texts from the keyboard, one per line; Ctrl-D ends")
        is_json = (input_format or format_of(file)) is InputFormat.jsonl
        kept: deque[dict[str, Any]] = deque()
        texts = read_texts(source, field if is_json else None, kept)
        answers = _explanations if explain else _predictions
        with _open_output(output) as target, _Count(console, source) as count:
            try:
                for answer in answers(tagger, texts, k, batch_size):
                    target.write(_line({**kept.popleft(), **answer}))
                    count.n_texts += 1
                    if count.n_texts % batch_size == 0:  # so that a reader does not wait for more
                        target.flush()
                        count.show()
                target.flush()
            except BrokenPipeError:
                _forget_output()
                raise typer.Exit(0) from None
            except KeyboardInterrupt:
                with suppress(OSError):
                    target.flush()
                count.say("interrupted; what was predicted is written")
                raise typer.Exit(130) from None
    count.say("done")
    print_next(console, {"use elsewhere": ["export", str(model)]})


@final
class _Count:
    """Counts texts; shows a bar meanwhile if standard error is a terminal."""

    def __init__(self, console: Console, source: TextSource) -> None:
        self._console = console
        self._source = source
        self._bar = Progress(
            TextColumn("predicting"),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[said]}, left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=console.quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=source.n_bytes, said="0 texts")
        self._began = time.monotonic()
        self.n_texts = 0

    def __enter__(self) -> _Count:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self) -> None:
        """Bring the bar up to date."""
        self._bar.update(self._task, completed=self._source.position(), said=str(self))

    def say(self, what: str) -> None:
        """Print the count behind some words."""
        self._bar.stop()
        self._console.print(f"{what}: {self}", highlight=False)

    def __str__(self) -> str:
        rate = self.n_texts / max(time.monotonic() - self._began, 1e-9)
        return f"{self.n_texts:,} {'text' if self.n_texts == 1 else 'texts'}, {rate:,.0f} a second"


def _load(model: Path, device: str, precision: str) -> Tagger:
    from optuna_xmcnas.tagger import Tagger

    try:
        return Tagger.load(model, device=device, precision=precision)
    except XmcNasError:
        raise
    except ValueError as error:  # of the device or the precision
        raise typer.BadParameter(str(error)) from error


def _check_output(output: Path | None, file: str) -> None:
    if output is None or not output.exists() or not Path(file).exists():
        return
    if output.samefile(file):
        raise typer.BadParameter(
            f"{output} is the input; choose another file.", param_hint="--output"
        )


@contextmanager
def _open_output(path: Path | None) -> Iterator[BinaryIO]:
    if path is not None:
        with _opened(path) as target:
            yield target
        return
    try:
        yield sys.stdout.buffer
    finally:
        with suppress(OSError):
            sys.stdout.buffer.flush()


def _opened(path: Path) -> BinaryIO:
    try:
        if path.suffix == ".gz":
            return cast("BinaryIO", gzip.open(path, "wb"))
        return path.open("wb")
    except OSError as error:
        raise typer.BadParameter(
            f"cannot write {path}: {error.strerror or error}.", param_hint="--output"
        ) from error


def _forget_output() -> None:
    """Leave nothing that Python would write at its end to a pipe that nobody reads."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _predictions(
    tagger: Tagger, texts: Iterator[str], k: int, batch_size: int
) -> Iterator[dict[str, Any]]:
    return map(_labels, tagger.stream(texts, k, batch_size=batch_size))


def _explanations(
    tagger: Tagger, texts: Iterator[str], k: int, batch_size: int
) -> Iterator[dict[str, Any]]:
    from optuna_xmcnas.tagger.windows import windows

    for window in windows(texts, batch_size):
        yield from map(_explanation, tagger.explain(window, k, batch_size=batch_size))


def _labels(pairs: Iterable[tuple[str, float]]) -> dict[str, Any]:
    labels, scores = zip(*pairs, strict=True)
    return {"labels": labels, "scores": [_rounded(score) for score in scores]}


def _explanation(explained: list[Explained]) -> dict[str, Any]:
    looks = [
        [
            {
                "word": token.word,
                "start": token.start,
                "end": token.end,
                "weight": _rounded(token.weight),
            }
            for token in one.tokens
        ]
        for one in explained
    ]
    said = _labels((one.label, one.score) for one in explained)
    return {**said, "explain": {"is_shared": explained[0].is_shared, "tokens": looks}}


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _line(answer: dict[str, Any]) -> bytes:
    text = json.dumps(answer, ensure_ascii=False) + "\n"
    # half a character, which UTF-8 cannot hold, becomes the escape that JSON has for it
    return text.encode("utf-8", "backslashreplace")
