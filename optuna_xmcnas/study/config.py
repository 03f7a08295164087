"""The settings that all children of a study share; kept in the study itself."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
from typing import Any
from typing import TYPE_CHECKING

from optuna.study import StudyDirection
from optuna.trial import TrialState

from optuna_xmcnas.exceptions import ConfigMismatchError


if TYPE_CHECKING:
    from optuna import Study


_KEY = "xmcnas:config"
_FORMAT = 1


@dataclass(frozen=True)
class StudyConfig:
    """Everything that makes the scores of one study comparable.

    Args:
        sections: Settings by section (data, space, child, training), JSON values only.
    """

    sections: Mapping[str, Mapping[str, Any]]

    def to_record(self) -> dict[str, Any]:
        """Return the settings as a JSON-serialisable study attribute."""
        plain = json.loads(json.dumps(self.sections))  # tuples become lists, as the storage does
        return {"format": _FORMAT, **plain}

    @property
    def fingerprint(self) -> str:
        """A short text that two equal settings share."""
        text = json.dumps(self.to_record(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def join_study(study: Study, config: StudyConfig) -> None:
    """Write the settings to a new study, or check that an existing one has the same.

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
    wanted = config.to_record()
    if study.directions != [StudyDirection.MAXIMIZE]:
        found = ", ".join(direction.name.lower() for direction in study.directions)
        raise ConfigMismatchError(
            f"study {study.study_name!r} has the direction {found}; P@5 is to be maximised. "
            "Create the study with `--direction maximize`, or use another study name."
        )
    if _KEY not in study.user_attrs:
        if study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            raise ConfigMismatchError(
                f"study {study.study_name!r} has trials but no settings of a search: it was made "
                "by something else. Use another study name."
            )
        study.set_user_attr(_KEY, wanted)
    found = study.user_attrs[_KEY]  # read again: another worker may have been quicker
    differences = list(_differences(found, wanted))
    if differences:
        lines = "\n".join(f"  {difference}" for difference in differences)
        raise ConfigMismatchError(
            f"study {study.study_name!r} was made with other settings:\n{lines}\n"
            "Use the study's settings, or another study name."
        )


def _differences(found: object, wanted: object, path: str = "") -> Iterator[str]:
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for name in sorted({*found, *wanted}):
            deeper = f"{path}.{name}" if path else name
            yield from _differences(found.get(name), wanted.get(name), deeper)
    elif found != wanted:
        yield f"{path}: the study has {json.dumps(found)}, asked for {json.dumps(wanted)}"
