"""The settings of a search, and the presets that name useful ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from types import NoneType
from types import UnionType
from typing import Any
from typing import get_args
from typing import get_origin
from typing import get_type_hints
from typing import Literal
from typing import TYPE_CHECKING
from typing import TypeVar

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.workflows.sampler import make_sampler
from optuna_xmcnas.workflows.sampler import SamplerName


if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


_SAMPLER = ("population_size", "sample_size", "seed")
_PARTS = ("space", "data", "child", "training")
_Part = TypeVar("_Part", GenomeSpace, DataConfig, ChildConfig, TrainingConfig)
_WORDS: Mapping[object, str] = {
    bool: "true or false",
    float: "a number",
    int: "a whole number",
    Node: "a table with op and source",
    NoneType: "nothing",
    str: "a text",
}
_PER_WORKER = ("device", "precision")  # of the training; workers of one study may differ


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """What a search tries, and how."""

    n_trials: int  # finished children in the study, over all runs of the search
    population_size: int  # of `guided`, `evolution` and `nsgaii`
    sample_size: int  # of `guided` and `evolution`
    sampler: SamplerName = "guided"  # proposes the children
    seed: int = 0  # of the sampler; data and training have their own
    timeout_s: float | None = None  # no child begins later than this many seconds after the start
    space: GenomeSpace = GenomeSpace()
    data: DataConfig = DataConfig()
    child: ChildConfig = ChildConfig()
    training: TrainingConfig = TrainingConfig()

    def __post_init__(self) -> None:
        if self.n_trials < 1:
            raise ValueError(f"`n_trials` must be at least 1; got {self.n_trials}.")
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise ValueError(f"`timeout_s` must be above 0 seconds; got {self.timeout_s}.")
        self.make_sampler()  # checks its own settings

    def make_sampler(self) -> BaseSampler:
        """Return a sampler for a worker of this search."""
        return make_sampler(
            self.sampler,
            space=self.space,
            population_size=self.population_size,
            sample_size=self.sample_size,
            seed=self.seed,
        )

    def study_config(self, data: XmcDataset) -> StudyConfig:
        """Return what all children of the study must share; devices may differ."""
        training = self.training.to_record()
        for name in _PER_WORKER:
            del training[name]
        origin = {"fingerprint": data.fingerprint, "vectors": data.vectors_origin}
        return StudyConfig(
            {
                "data": {**origin, **asdict(self.data)},
                "space": asdict(self.space),
                "child": asdict(self.child),
                "training": training,
                "sampler": {
                    "name": self.sampler,
                    **{name: getattr(self, name) for name in _SAMPLER},
                },
            }
        )

    def changed(self, sections: Mapping[str, Any]) -> SearchSettings:
        """Return these settings with some replaced, as a configuration file names them.

        Args:
            sections: ``search``, ``space``, ``data``, ``child`` and ``training``, each with
                settings by name. ``seed`` in ``search`` is that of data and training as well,
                unless they have their own.

        Raises:
            ValueError: If a section or a name is not known, or a value is impossible.

        Example:
            >>> PRESETS["quick"].changed({"child": {"hidden": 32}}).child.hidden
            32
            >>> PRESETS["quick"].changed({"space": {"depth": 3}})  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            ...
            ValueError: [space] has no setting 'depth'; it has ops, min_layers, ...
        """
        own = [field.name for field in fields(self) if field.name not in _PARTS]
        allowed = {"search": own} | {
            part: [field.name for field in fields(getattr(self, part))] for part in _PARTS
        }
        for section, values in sections.items():
            if section not in allowed:
                raise ValueError(f"there is no section [{section}]; there are {_list(allowed)}.")
            if not isinstance(values, Mapping):
                raise ValueError(f"[{section}] must hold settings by name; got {values!r}.")
            for name in values:
                if name not in allowed[section]:
                    names = _list(allowed[section])
                    raise ValueError(f"[{section}] has no setting {name!r}; it has {names}.")
            part = self if section == "search" else getattr(self, section)
            _check_kinds(section, get_type_hints(type(part)), values)
        search = dict(sections.get("search", {}))
        seed = {"seed": search["seed"]} if "seed" in search else {}
        return replace(
            self,
            **search,
            space=_replaced("space", self.space, sections),
            data=_replaced("data", self.data, sections, seed),
            child=_replaced("child", self.child, sections),
            training=_replaced("training", self.training, sections, seed),
        )

    def as_in(self, config: StudyConfig) -> SearchSettings:
        """Return these settings with everything replaced that a study has written down.

        What workers of one study may have different, such as devices, stays as it is here.

        Raises:
            ValueError: If the study has settings that are not known.
        """
        sections = {name: dict(values) for name, values in config.sections.items()}
        for name in ("fingerprint", "vectors"):  # of the data itself, not of how it is read
            sections.get("data", {}).pop(name, None)
        sections["search"] = {**sections.pop("sampler", {}), "sampler": config.sampler_name}
        sections["search"].pop("name", None)
        absent = TrainingConfig.absent_from_records()
        sections["training"] = {**absent, **sections.get("training", {})}
        return self.changed(sections)


def _check_kinds(section: str, kinds: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Check what a file may have wrong and a type checker would have found."""
    for name, value in values.items():
        if not _fits(value, kinds[name]):
            wanted = _words(kinds[name])
            raise ValueError(f"[{section}]: `{name}` must be {wanted}; got {value!r}.")


def _fits(value: object, kind: Any) -> bool:
    choices = get_args(kind)
    if isinstance(kind, UnionType):
        return any(_fits(value, choice) for choice in choices)
    if get_origin(kind) is tuple:
        return isinstance(value, list | tuple) and all(_fits(item, choices[0]) for item in value)
    if get_origin(kind) is Literal:
        return value in choices
    if kind is Node:
        return isinstance(value, Mapping | Node)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float if kind is float else kind) and value == value  # no NaN


def _words(kind: Any) -> str:
    choices = get_args(kind)
    if isinstance(kind, UnionType):
        return " or ".join(_words(choice) for choice in choices)
    if get_origin(kind) is tuple:
        return f"a list, each entry {_words(choices[0])}"
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in choices)
    return _WORDS[kind]


def _replaced(
    section: str, part: _Part, sections: Mapping[str, Any], more: Mapping[str, Any] | None = None
) -> _Part:
    values = {**(more or {}), **sections.get(section, {})}
    try:
        if values.get("train_documents") == 0:  # files and options know no None
            values["train_documents"] = None
        if "frozen" in values:
            nodes = values["frozen"]
            values["frozen"] = tuple(n if isinstance(n, Node) else Node(**n) for n in nodes)
        return replace(part, **values)
    except (TypeError, ValueError) as error:  # a text where a number should be, for instance
        raise ValueError(f"[{section}]: {error}") from error


def _list(names: Mapping[str, object] | list[str]) -> str:
    return ", ".join(names)


QUICK = SearchSettings(
    n_trials=12,
    population_size=6,
    sample_size=3,
    data=DataConfig(max_tokens=32, train_documents=8_000, validation_documents=1_000),
    child=ChildConfig(hidden=64, fully_connected=(256,), attention="self"),
    training=TrainingConfig(epochs=4, batch_size=64, learning_rate=4e-3, patience=1),
)
"""A search of minutes on two processor cores: short texts, small children, few epochs."""

PAPER = SearchSettings(
    n_trials=70,  # 20 random ones and 50 rounds of mutation (ICONIP 2020, section 4.2)
    population_size=20,
    sample_size=10,
    sampler="evolution",
    data=DataConfig(max_tokens=500, validation_documents=200),
    child=ChildConfig(hidden=256, fully_connected=(256,), attention="label"),
    training=TrainingConfig(epochs=30, batch_size=40, patience=50, evaluate_every=100),
)
"""The search of XMC-NAS (ICONIP 2020, section 4.2, table 2), AttentionXML where it is silent."""

PRESETS = {"quick": QUICK, "paper": PAPER}
