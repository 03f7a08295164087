"""A study keeps its settings, and refuses others."""

from __future__ import annotations

import optuna
import pytest

from optuna_xmcnas.exceptions import ConfigMismatchError
from optuna_xmcnas.study import config_of
from optuna_xmcnas.study import join_study
from optuna_xmcnas.study import StudyConfig


def test_same_settings_join_again() -> None:
    study = optuna.create_study(direction="maximize")
    config = StudyConfig({"space": {"ops": ("conv1", "bilstm")}, "child": {"hidden": 8}})
    join_study(study, config)
    join_study(study, config)  # tuples have become lists in the storage


def test_every_difference_is_shown() -> None:
    study = optuna.create_study(study_name="tags", direction="maximize")
    join_study(study, StudyConfig({"child": {"hidden": 8}, "training": {"epochs": 3}}))
    with pytest.raises(ConfigMismatchError, match="tags") as caught:
        join_study(study, StudyConfig({"child": {"hidden": 9}, "training": {"epochs": 3, "x": 1}}))
    assert "child.hidden: the study has 8, asked for 9" in str(caught.value)
    assert "training.x: the study has null, asked for 1" in str(caught.value)
    assert "epochs" not in str(caught.value)


OLD = {"sampler": {"population_size": 6, "sample_size": 3, "seed": 0}}  # as before the choice
EVOLUTION = {"sampler": {"name": "evolution", **OLD["sampler"]}}
GUIDED = {"sampler": {"name": "guided", **OLD["sampler"]}}


def test_a_study_from_before_there_was_a_choice_is_one_of_evolution() -> None:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("xmcnas:config:old", {"format": 2, **OLD})
    found = config_of(study)
    assert found is not None
    assert found.sampler_name == "evolution"
    assert found.fingerprint == StudyConfig(EVOLUTION).fingerprint
    assert found.fingerprint != StudyConfig(GUIDED).fingerprint


@pytest.mark.parametrize("first", [OLD, EVOLUTION])
@pytest.mark.parametrize("second", [OLD, EVOLUTION])
def test_evolution_joins_by_its_name_and_without(
    first: dict[str, dict[str, object]], second: dict[str, dict[str, object]]
) -> None:
    study = optuna.create_study(direction="maximize")
    join_study(study, StudyConfig(first))
    join_study(study, StudyConfig(second))
    with pytest.raises(ConfigMismatchError) as caught:
        join_study(study, StudyConfig(GUIDED))
    assert str(caught.value).splitlines()[1:-1] == [
        '  sampler.name: the study has "evolution", asked for "guided"'
    ]


def test_another_format_is_refused() -> None:
    study = optuna.create_study(direction="maximize")
    study.set_user_attr("xmcnas:config", {"format": 99})
    with pytest.raises(ConfigMismatchError, match="format: the study has 99"):
        join_study(study, StudyConfig({}))


def test_a_study_that_minimises_is_refused() -> None:
    with pytest.raises(ConfigMismatchError, match="has the direction minimize"):
        join_study(optuna.create_study(), StudyConfig({}))


def test_a_study_made_by_something_else_is_refused() -> None:
    study = optuna.create_study(direction="maximize")
    study.add_trial(optuna.create_trial(value=1.0))
    with pytest.raises(ConfigMismatchError, match="made by something else"):
        join_study(study, StudyConfig({}))


@pytest.mark.parametrize("size", [None, 0, True, "6", 2.5])
def test_what_is_no_size_is_no_population(size: object) -> None:
    config = StudyConfig({"sampler": {"name": "guided", "population_size": size}})
    assert config.population_size is None
