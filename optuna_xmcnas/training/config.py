"""How a child is trained: one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
import math
import re
from typing import Any
from typing import get_args
from typing import Literal


_DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
_PRECISIONS = ("auto", "float32", "bfloat16")
_LATER = ("select_by", "average_from_epoch", "clipping")  # fields that records once did not have

Selection = Literal["P@5", "nDCG@5"]
ClippingName = Literal["constant", "adaptive"]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The settings of :func:`~optuna_xmcnas.training.fit`; the defaults are the paper's.

    Raises:
        ValueError: If a setting is impossible.

    Example:
        >>> TrainingConfig(epochs=0)
        Traceback (most recent call last):
        ...
        ValueError: `epochs` must be a whole number from 1 up; got 0.
    """

    epochs: int = 30  # passes over the train split, at most (XMC-NAS)
    batch_size: int = 40  # documents per step (AttentionXML, EUR-Lex and Wiki10-31K)
    learning_rate: float = 1e-3  # Adam, constant (AttentionXML, XMC-NAS)
    patience: int = 50  # evaluations in a row without gain before training ends (AttentionXML)
    evaluate_every: int | None = None  # steps between evaluations; None: the end of each epoch
    clip_norm: float = 5.0  # largest norm of the whole gradient; math.inf: no clipping (ours)
    clipping: ClippingName = "constant"  # "adaptive": at clip_norm x recent norms (AttentionXML)
    select_by: Selection = "P@5"  # decides which weights are kept (XMC-NAS); AttentionXML: nDCG@5
    average_from_epoch: int | None = (
        None  # from its evaluations on, the mean of the weights counts
    )
    seed: int = 0  # of the order of documents and of dropout
    device: str = "auto"  # "cpu", "cuda", "cuda:1", ...; "auto": CUDA if there is one
    precision: str = "auto"  # "float32", "bfloat16" (autocast); "auto": bfloat16 on CUDA only

    def __post_init__(self) -> None:
        _check_whole("epochs", self.epochs, 1)
        _check_whole("batch_size", self.batch_size, 1)
        _check_whole("patience", self.patience, 1)
        _check_whole("seed", self.seed, 0)
        if self.evaluate_every is not None:
            _check_whole("evaluate_every", self.evaluate_every, 1, "; None: once an epoch")
        if self.average_from_epoch is not None:
            _check_whole("average_from_epoch", self.average_from_epoch, 1, "; None: no averaging")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(
                f"`learning_rate` must be a finite number above 0; got {self.learning_rate}."
            )
        if not self.clip_norm > 0:
            raise ValueError(
                "`clip_norm` must be above 0 (math.inf switches clipping off); "
                f"got {self.clip_norm}."
            )
        for name, allowed in (("select_by", Selection), ("clipping", ClippingName)):
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"`{name}` must be one of {get_args(allowed)}; got {getattr(self, name)!r}."
                )
        if self.clipping == "adaptive" and math.isinf(self.clip_norm):
            raise ValueError(
                "`clip_norm` must be finite where `clipping` is 'adaptive'; with 'constant', "
                "math.inf switches clipping off."
            )
        if not _DEVICE.fullmatch(self.device):
            raise ValueError(
                f"`device` must be 'auto', 'cpu', 'cuda' or 'cuda:<number>'; got {self.device!r}."
            )
        if self.precision not in _PRECISIONS:
            raise ValueError(f"`precision` must be one of {_PRECISIONS}; got {self.precision!r}.")

    def to_record(self) -> dict[str, Any]:
        """Return the settings as a JSON-serialisable value, by which trainings are compared.

        A setting that was added later is left out while it has its default: what was recorded
        before there was such a setting is still the same.

        Example:
            >>> "select_by" in TrainingConfig().to_record()
            False
            >>> TrainingConfig(select_by="nDCG@5").to_record()["select_by"]
            'nDCG@5'
        """
        absent = self.absent_from_records()
        return {n: v for n, v in asdict(self).items() if n not in absent or v != absent[n]}

    @classmethod
    def absent_from_records(cls) -> Mapping[str, Any]:
        """Return what a setting is if a record does not name it.

        Example:
            >>> TrainingConfig.absent_from_records()["clipping"]
            'constant'
        """
        return {field.name: field.default for field in fields(cls) if field.name in _LATER}


def _check_whole(name: str, value: object, least: int, hint: str = "") -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"`{name}` must be a whole number from {least} up{hint}; got {value!r}.")
