"""A model as a folder that other programs use: a graph, its words and its labels.

Letters: B texts, T words of the longest, k places.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import importlib
import json
import os
from pathlib import Path
import secrets
import shutil
from typing import get_args
from typing import Literal
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import TokenSplit
from optuna_xmcnas.exceptions import ExportError
from optuna_xmcnas.tagger.deployed import DeployedModel
from optuna_xmcnas.tagger.deployed import ONNX
from optuna_xmcnas.tagger.deployed import TORCH
from optuna_xmcnas.tagger.export_card import export_card
from optuna_xmcnas.tagger.export_card import LABELS
from optuna_xmcnas.tagger.export_card import ONNX_FILE
from optuna_xmcnas.tagger.export_card import TOKENIZER
from optuna_xmcnas.tagger.export_card import TORCH_FILE
from optuna_xmcnas.tagger.onnx_graph import check_exporter
from optuna_xmcnas.tagger.onnx_graph import EXTERNAL_ENDING
from optuna_xmcnas.tagger.onnx_graph import INPUTS
from optuna_xmcnas.tagger.onnx_graph import write_onnx
from optuna_xmcnas.tagger.tracing import quiet
from optuna_xmcnas.tagger.tracing import trace
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.version import __version__


if TYPE_CHECKING:
    from optuna_xmcnas.tagger.model import Model


ExportFormat = Literal["onnx", "torch"]
Run = Callable[[Tensor, Tensor], tuple[Tensor, ...]]
"""From tokens (B, T) and lengths (B,) to labels, scores and logits, each (B, k)."""

_CARD = "README.md"
_FILES = {_CARD, LABELS, TOKENIZER, ONNX_FILE, ONNX_FILE + EXTERNAL_ENDING, TORCH_FILE}
_CHECK_BATCHES = (8, 7, 1)  # texts; the last is alone
_OLDEST_OPSET = 18  # PyTorch converts to older ones, which fails for ensembles
_TOLERANCE = 1e-3  # of a logit, or of the largest one: rounding is far below, another graph above


@dataclass(frozen=True)
class ExportCheck:
    """How far a written graph is from the model, on texts made of its words.

    Attributes:
        runtime: What ran the graph.
        n_texts: How many texts, of all lengths.
        largest_difference: Of the logits at each place of the lists.
        equal_lists: Share of the texts whose labels are the same in the same order.
    """

    runtime: str
    n_texts: int
    largest_difference: float
    equal_lists: float


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        n_bytes: The size of each file by its name.
        checks: For each format; None where nothing could run it.
    """

    folder: Path
    n_bytes: Mapping[str, int]
    checks: Mapping[ExportFormat, ExportCheck | None]


def export_model(
    model: Model,
    folder: Path | str,
    *,
    formats: Sequence[ExportFormat] = ("onnx",),
    k: int = 10,
    opset: int | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a model so that programs without this package can use it, and check what was written.

    The graph takes ``tokens`` (B, T), int64, zero where a text is shorter than T, and ``lengths``
    (B,), int64; it returns ``labels`` (B, k), int64, ``scores`` (B, k) and ``logits`` (B, k),
    float32, best first; of equal logits, the lower label number comes first. B and T are free.
    The README beside it has a short program that uses it.

    Args:
        model: What to write. Several members become one graph.
        folder: Where to; folders above it are made.
        formats: ``"onnx"`` (model.onnx, for ONNX Runtime and others) and ``"torch"`` (model.pt2,
            for ``torch.export.load``).
        k: Labels for each text; fewer if there are fewer.
        opset: Version of the ONNX operators, at least 18; None takes PyTorch's choice.
        overwrite: Whether to replace an earlier export. Nothing else is ever replaced.

    Raises:
        MissingExtraError: If a package that writes ONNX is not installed.
        ExportError: If the folder must stay or cannot be written, an op cannot be traced, or the
            written graph does not do what the model does.
    """
    folder = Path(os.path.abspath(folder))
    _check_arguments(formats, k, opset)
    _check_target(folder, overwrite=overwrite)
    if "onnx" in formats:
        check_exporter()
    # beside its place, so that a rename puts it there
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.mkdir(parents=True)
        checks = {name: _WRITERS[name](model, temporary, k, opset) for name in formats}
        _write_texts(model, temporary, checks, k)
        n_bytes = {path.name: path.stat().st_size for path in sorted(temporary.iterdir())}
        _put_in_place(temporary, folder)
    except OSError as error:
        raise ExportError(f"cannot write {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Exported(folder, n_bytes, checks)


def _export_onnx(model: Model, folder: Path, k: int, opset: int | None) -> ExportCheck | None:
    program = trace(DeployedModel(model.members, k, ONNX))
    facts = {
        "name": model.name,
        "n_labels": str(model.n_labels),
        "max_tokens": str(model.max_tokens),
        "written_by": f"optuna-xmcnas {__version__}",
    }
    write_onnx(program, folder / ONNX_FILE, opset=opset, facts=facts)
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(
        folder / ONNX_FILE, options, providers=["CPUExecutionProvider"]
    )

    def run(tokens: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        arrays = (tokens.numpy(), lengths.numpy())
        found = session.run(None, dict(zip(INPUTS, arrays, strict=True)))
        return tuple(torch.from_numpy(array) for array in found)

    return check_run(model, run, k, f"onnxruntime {onnxruntime.__version__}")


def _export_torch(model: Model, folder: Path, k: int, opset: int | None) -> ExportCheck:
    program = trace(DeployedModel(model.members, k, TORCH))
    with quiet():
        torch.export.save(program, folder / TORCH_FILE)
        run = torch.export.load(folder / TORCH_FILE).module()
    with torch.no_grad():
        return check_run(model, run, k, f"PyTorch {torch.__version__}")


_WRITERS: Mapping[ExportFormat, Callable[[Model, Path, int, int | None], ExportCheck | None]]
_WRITERS = {"onnx": _export_onnx, "torch": _export_torch}


def check_run(model: Model, run: Run, k: int, runtime: str) -> ExportCheck:
    """Compare a graph with the model on texts of all lengths, together and alone.

    Raises:
        ExportError: If they do not agree.
    """
    k = min(k, model.n_labels)
    differences, are_equal = [0.0], []
    for tokens, lengths in _random_texts(model):
        labels, logits = _original(model, tokens, lengths, k)
        found_labels, _, found_logits = run(tokens, lengths)
        scale = max(1.0, float(logits.abs().max()))
        difference = float((logits - found_logits).abs().max())
        if not difference <= _TOLERANCE * scale:
            raise ExportError(
                f"{runtime} does not do what the model does: a logit differs by {difference:.3g}, "
                f"of {len(lengths)} texts with up to {tokens.shape[1]} words. Do the steps of an "
                "op of your own depend on the numbers of texts and words?"
            )
        differences.append(difference)
        are_equal += (labels == found_labels).all(dim=1).tolist()
    return ExportCheck(runtime, len(are_equal), max(differences), float(np.mean(are_equal)))


def _random_texts(model: Model) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(0)
    for n_texts in _CHECK_BATCHES:
        lengths = rng.integers(1, model.max_tokens + 1, n_texts)
        tokens = rng.integers(1, len(model.vocabulary), (n_texts, lengths.max()))
        tokens[np.arange(lengths.max()) >= lengths[:, None]] = 0
        yield torch.from_numpy(tokens), torch.from_numpy(lengths)


def _original(model: Model, tokens: Tensor, lengths: Tensor, k: int) -> tuple[Tensor, Tensor]:
    split = TokenSplit(
        torch.cat([row[:n] for row, n in zip(tokens, lengths, strict=True)]).int().numpy(),
        np.concatenate([np.zeros(1, np.int64), lengths.cumsum(0).numpy()]),
        label_matrix([()] * len(lengths), model.n_labels),
    )
    device = str(next(model.members[0].parameters()).device)  # they stay where they are
    top = predict_top_k(model.members, split, k, device=device, precision="float32")
    return torch.from_numpy(top.labels), torch.from_numpy(top.scores)


def _write_texts(
    model: Model,
    folder: Path,
    checks: Mapping[ExportFormat, ExportCheck | None],
    k: int,
) -> None:
    labels = (
        json.dumps({"label": name, "count": count}, ensure_ascii=False) + "\n"
        for name, count in zip(model.label_names, model.label_counts.tolist(), strict=True)
    )
    texts = {
        LABELS: "".join(labels),
        TOKENIZER: model.vocabulary.to_json(),
        _CARD: export_card(model, checks, min(k, model.n_labels)),
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8", "backslashreplace"))


def _check_arguments(formats: Sequence[ExportFormat], k: int, opset: int | None) -> None:
    known = get_args(ExportFormat)
    if not formats or not set(formats) <= set(known):
        raise ValueError(f"`formats` must be some of {known}; got {tuple(formats)}.")
    if k < 1:
        raise ValueError(f"`k` must be at least 1; got {k}.")
    if opset is not None and opset < _OLDEST_OPSET:
        raise ValueError(f"`opset` must be at least {_OLDEST_OPSET}; got {opset}.")


def _check_target(folder: Path, *, overwrite: bool) -> None:
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise ExportError(f"{folder} is there and is not a folder; choose another path.")
    inside = {path.name for path in folder.iterdir()}
    if others := sorted(inside - _FILES):
        raise ExportError(
            f"{folder} holds what no export writes, such as {others[0]!r}; choose another path."
        )
    if inside and not overwrite:
        raise ExportError(f"{folder} is there already; choose another path, or overwrite it.")


def _put_in_place(new: Path, folder: Path) -> None:
    """Rename a folder; what is there gives way first and is deleted last."""
    old = new.with_suffix(".old")
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)
