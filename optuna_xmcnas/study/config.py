"""The settings that all children of a study share; kept in the study itself."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import hashlib
import json
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import Node


if TYPE_CHECKING:
    from optuna import Study


_PREFIX = "xmcnas:config:"  # of the attribute; the settings' fingerprint follows
_BUDGET_KEY = "xmcnas:budget"
_FORMAT = 2  # 1 had one attribute for all settings, and none of the sampler's
_UNNAMED_SAMPLER = "evolution"  # in a record without a name: once it was the only one
_WITH_POPULATION = ("evolution", "guided")  # samplers whose population is of those finished last


@dataclass(frozen=True)
class StudyConfig:
    """Everything that makes the scores of one study comparable.

    Args:
        sections: Settings by section (data, space, child, training, sampler), JSON values only.
    """

    sections: Mapping[str, Mapping[str, Any]]

    def to_record(self) -> dict[str, Any]:
        """Return the settings as a JSON-serialisable study attribute.

        One sampler goes without its name, as it did when it was the only one: studies made then
        keep their fingerprint, and with it the folder of their children and checkpoints.
        """
        plain = json.loads(json.dumps(self.sections))  # tuples become lists, as the storage does
        if plain.get("sampler", {}).get("name") == _UNNAMED_SAMPLER:
            del plain["sampler"]["name"]
        return {"format": _FORMAT, **plain}

    @property
    def sampler_name(self) -> Any:
        """What the settings call their sampler, also if they are those of an older study.

        Example:
            >>> StudyConfig({"sampler": {"seed": 0}}).sampler_name
            'evolution'
        """
        return self.sections.get("sampler", {}).get("name", _UNNAMED_SAMPLER)

    @property
    def population_size(self) -> int | None:
        """How many of the children that finished last can breed; None if none can.

        The settings of other samplers may name a size, too, which they do not use.

        Example:
            >>> StudyConfig({"sampler": {"name": "guided", "population_size": 6}}).population_size
            6
            >>> StudyConfig({"sampler": {"name": "tpe", "population_size": 6}}).population_size
        """
        if self.sampler_name not in _WITH_POPULATION:
            return None
        size = self.sections.get("sampler", {}).get("population_size")
        return size if type(size) is int and size >= 1 else None

    @property
    def space(self) -> GenomeSpace | None:
        """The genomes that the study searches; None if the settings name none that can be.

        Example:
            >>> StudyConfig({"space": {"ops": ["conv3"], "max_layers": 3}}).space.max_layers
            3
        """
        section = dict(self.sections.get("space", {}))
        try:
            section["ops"] = tuple(section["ops"])
            section["frozen"] = tuple(Node(**node) for node in section.get("frozen", ()))
            return GenomeSpace(**section)
        except (KeyError, TypeError, ValueError):  # of another version, or changed by hand
            return None

    @property
    def fingerprint(self) -> str:
        """A short text that two equal settings share."""
        text = json.dumps(self.to_record(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def config_of(study: Study) -> StudyConfig | None:
    """Return the settings that a study was made with; None if it has none yet.

    Raises:
        ConfigMismatchError: If they are of another format version, or the study minimises.
    """
    _check_direction(study)
    records = _records(study)
    if not records:
        return None
    record = dict(next(iter(records.values())))
    if record.pop("format", None) != _FORMAT:
        raise ConfigMismatchError(
            f"the settings of study {study.study_name!r} were written by another version of this "
            "package; continue it with that version, or use another study name."
        )
    return StudyConfig(record)


def join_study(study: Study, config: StudyConfig) -> None:
    """Write the settings to a new study, or check that an existing one has the same.

    Of two workers that give a new study different settings at the same moment at most one joins:
    each writes an attribute of its own, looks for others, and takes its own back if there are any.

    Raises:
        ConfigMismatchError: If the study was made with other settings, by another version of
            this package, or by something else; the message lists the differences.

    Example:
        >>> import optuna
        >>> study = optuna.create_study(study_name="demo", direction="maximize")
        >>> join_study(study, StudyConfig({"training": {"epochs": 3}}))
        >>> join_study(study, StudyConfig({"training": {"epochs": 5}}))
        Traceback (most recent call last):
        ...
        optuna_xmcnas.exceptions.ConfigMismatchError: study 'demo' was made with other settings:
          training.epochs: the study has 3, asked for 5
        Use the study's settings, or another study name.
    """
    _check_direction(study)
    key = _PREFIX + config.fingerprint
    if not _records(study):
        if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            raise ConfigMismatchError(
                f"study {study.study_name!r} has trials but no settings of a search: it was made "
                "by something else. Use another study name."
            )
        study.set_user_attr(key, config.to_record())
        if len(_records(study)) > 1:
            study.set_user_attr(key, None)
    others = {name: record for name, record in _records(study).items() if name != key}
    if others:
        found = next(iter(others.values()))
        differences = list(_differences(_named(found), _named(config.to_record())))
        lines = "\n".join(f"  {difference}" for difference in differences)
        raise ConfigMismatchError(
            f"study {study.study_name!r} was made with other settings:\n{lines}\n"
            f"{_hint(differences)}Use the study's settings, or another study name."
        )
    if key not in _records(study):
        raise ConfigMismatchError(
            f"two workers gave study {study.study_name!r} different settings at the same moment, "
            "and neither joined. Start them again, all with the same settings."
        )


def wanted_trials(study: Study) -> int | None:
    """Return how many finished children a study shall have; None if nobody has said."""
    record = study.user_attrs.get(_BUDGET_KEY)
    if not isinstance(record, Mapping) or record.get("format") != 1:
        return None
    n_trials = record.get("n_trials")
    return n_trials if isinstance(n_trials, int) and n_trials >= 1 else None


def want_trials(study: Study, n_trials: int) -> None:
    """Write how many finished children a study shall have; the last one to say so decides."""
    if wanted_trials(study) != n_trials:
        study.set_user_attr(_BUDGET_KEY, {"format": 1, "n_trials": n_trials})


def _check_direction(study: Study) -> None:
    if study.directions == [StudyDirection.MAXIMIZE]:
        return
    found = ", ".join(direction.name.lower() for direction in study.directions)
    raise ConfigMismatchError(
        f"study {study.study_name!r} has the direction {found}; P@5 is to be maximised. "
        "Create the study with `--direction maximize`, or use another study name."
    )


def _records(study: Study) -> dict[str, Mapping[str, Any]]:
    """Return the settings written to a study, by attribute; one, but for a moment."""
    return {
        name: value
        for name, value in study.user_attrs.items()
        if name.startswith(_PREFIX.rstrip(":")) and isinstance(value, Mapping)
    }


def _named(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record with the name of its sampler, for people to read."""
    sampler = record.get("sampler")
    if not isinstance(sampler, Mapping):
        return record
    return {**record, "sampler": {"name": _UNNAMED_SAMPLER, **sampler}}


def _hint(differences: Sequence[str]) -> str:
    """Return what to do where a difference does not say it: a fingerprint, say, is no option."""
    of_data = [difference for difference in differences if difference.startswith("data.")]
    if not any(difference.startswith("data.fingerprint:") for difference in of_data):
        return ""
    if any(
        not difference.startswith(("data.fingerprint:", "data.vectors:")) for difference in of_data
    ):
        return ""  # other documents were drawn from what may be the same data
    return "The data is not the same: give the same --data, --vectors and row files.\n"


def _differences(found: object, wanted: object, path: str = "") -> Iterator[str]:
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for name in sorted({*found, *wanted}):
            deeper = f"{path}.{name}" if path else name
            yield from _differences(found.get(name), wanted.get(name), deeper)
    elif found != wanted:
        yield f"{path}: the study has {json.dumps(found)}, asked for {json.dumps(wanted)}"
