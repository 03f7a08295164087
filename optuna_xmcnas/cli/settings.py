"""From a preset, a configuration file and options to the settings of a search."""

from __future__ import annotations

from collections.abc import Mapping
import importlib
from pathlib import Path
import sys
import tomllib
from typing import Any
from typing import TYPE_CHECKING

import typer

from optuna_xmcnas.cli.options import Preset
from optuna_xmcnas.cli.options import Sampler
from optuna_xmcnas.exceptions import DataError
from optuna_xmcnas.exceptions import StorageError


if TYPE_CHECKING:
    from optuna_xmcnas.study import StudyConfig
    from optuna_xmcnas.workflows import SearchSettings


def read_config(path: Path | None) -> dict[str, Any]:
    """Return what a configuration file holds; nothing if there is no file."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise typer.BadParameter(f"{path} is not TOML: {error}") from error


def preset_of(option: Preset | None, config: Mapping[str, Any]) -> Preset | None:
    """Return the preset that was asked for; None if nobody asked for any."""
    if option is not None or "preset" not in config:
        return option
    try:
        return Preset(config["preset"])
    except ValueError:
        known = ", ".join(Preset)
        raise typer.BadParameter(
            f"there is no preset {config['preset']!r}; there are {known}."
        ) from None


_SECTION_OF = {
    "seed": "search",
    "sampler": "search",
    "population_size": "search",
    "sample_size": "search",
    "ops": "space",
    "min_layers": "space",
    "max_layers": "space",
    "max_tokens": "data",
    "train_documents": "data",
    "validation_documents": "data",
    "hidden": "child",
    "attention": "child",
    "epochs": "training",
    "batch_size": "training",
    "learning_rate": "training",
}


def option_sections(context: typer.Context) -> dict[str, dict[str, Any]]:
    """Return the settings of a study among the options of a command, by section.

    Returns:
        Each option of `_SECTION_OF` that the command has, None where it was not given.
    """
    sections: dict[str, dict[str, Any]] = {name: {} for name in _SECTION_OF.values()}
    for option, section in _SECTION_OF.items():
        if option in context.params:
            value = context.params[option]
            sections[section][option] = op_list(value) if option == "ops" else value
    return sections


def brings_settings(
    preset: Preset | None, config: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Return whether a command says anything about the settings of a study."""
    given = [value for values in sections.values() for value in values.values()]
    return preset is not None or bool(config) or any(value is not None for value in given)


def as_in_study(base: SearchSettings, found: StudyConfig, study_name: str) -> SearchSettings:
    """Return settings with everything replaced that a study has written down."""
    try:
        return base.as_in(found)
    except ValueError as error:
        raise StorageError(
            f"the settings of study {study_name!r} cannot be read: {error} Use the version of "
            "this package that wrote them."
        ) from error


def settings_from(
    base: SearchSettings, config: Mapping[str, Any], **sections: dict[str, Any]
) -> SearchSettings:
    """Return settings changed by a configuration file, then by the options that were given."""
    from optuna_xmcnas.training import resolve_device

    in_file = {name: values for name, values in config.items() if name != "preset"}
    given = {
        section: {name: value for name, value in values.items() if value is not None}
        for section, values in sections.items()
    }
    try:
        settings = base.changed(in_file).changed(given)
        resolve_device(settings.training.device)
        return settings
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(str(error)) from error


def with_sampler_of(
    settings: SearchSettings,
    found: StudyConfig | None,
    config: Mapping[str, Any],
    option: Sampler | None,
) -> SearchSettings:
    """Return settings with the sampler of the study, unless the command names one.

    The command that made a study before there was a choice, or before another sampler became the
    usual one, goes on with it.
    """
    if found is None or option is not None or "sampler" in config.get("search", {}):
        return settings
    try:
        return settings.changed({"search": {"sampler": found.sampler_name}})
    except ValueError:  # one that this version does not have: whoever joins is told
        return settings


def op_list(text: str | None) -> tuple[str, ...] | None:
    """Return the operations that an option names."""
    return tuple(op.strip() for op in text.split(",")) if text else None


def import_modules(modules: list[str] | None) -> None:
    """Import the user's modules, which register operations."""
    for module in modules or ():
        sys.path.insert(0, str(Path.cwd()))  # a module beside the data, as `python -m` finds it
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise DataError(f"cannot import the module {module!r}: {error}.") from error
        finally:
            sys.path.pop(0)
