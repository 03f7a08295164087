"""Presets are what they are named after; files and studies change them by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
import json
from types import SimpleNamespace
from typing import Any
from typing import cast

import pytest

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.genome import Node
from optuna_xmcnas.study import StudyConfig
from optuna_xmcnas.training import TrainingConfig
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import SearchSettings


QUICK = PRESETS["quick"]


def test_paper_preset_is_table_2_on_eurlex() -> None:
    paper = PRESETS["paper"]
    assert (paper.population_size, paper.sample_size, paper.n_trials) == (20, 10, 20 + 50)
    assert paper.sampler == "evolution"
    assert (paper.child.hidden, paper.child.fully_connected) == (256, (256,))
    assert (paper.training.epochs, paper.training.learning_rate) == (30, 1e-3)
    assert (paper.training.patience, paper.training.evaluate_every) == (50, 100)
    assert paper.data.validation_documents == 200
    assert (paper.child.attention, paper.child.combine) == ("label", "sum")


@pytest.mark.parametrize("wrong", [{"n_trials": 0}, {"timeout_s": 0.0}])
def test_impossible_budgets_are_refused(wrong: dict[str, float]) -> None:
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=name):
        replace(PRESETS["quick"], **wrong)  # type: ignore[arg-type]  # the point of the test


def test_what_is_not_named_stays() -> None:
    changed = QUICK.changed({"child": {"hidden": 7}, "search": {"n_trials": 3}})
    assert changed == replace(QUICK, n_trials=3, child=replace(QUICK.child, hidden=7))
    assert QUICK.changed({}) == QUICK


def test_one_seed_is_that_of_everything() -> None:
    changed = QUICK.changed({"search": {"seed": 5}})
    assert (changed.seed, changed.data.seed, changed.training.seed) == (5, 5, 5)


def test_a_part_may_have_a_seed_of_its_own() -> None:
    changed = QUICK.changed({"search": {"seed": 5}, "data": {"seed": 1}})
    assert (changed.seed, changed.data.seed, changed.training.seed) == (5, 1, 5)
    alone = QUICK.changed({"training": {"seed": 9}})
    assert (alone.seed, alone.data.seed, alone.training.seed) == (0, 0, 9)


def test_no_documents_means_all() -> None:
    assert QUICK.changed({"data": {"train_documents": 0}}).data.train_documents is None


def test_frozen_nodes_are_written_as_tables() -> None:
    space = {"frozen": [{"op": "conv3", "source": 0}]}
    assert QUICK.changed({"space": space}).space.frozen == (Node("conv3", 0),)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"sampler": {}}, r"no section \[sampler\]; there are search, space, data, child, train"),
        ({"child": 3}, r"\[child\] must hold settings by name; got 3"),
        ({"child": {"width": 3}}, r"\[child\] has no setting 'width'; it has .*hidden"),
        ({"search": {"space": 3}}, r"\[search\] has no setting 'space'; it has n_trials"),
        ({"child": {"hidden": 0}}, r"\[child\].*hidden"),
        ({"child": {"hidden": "wide"}}, r"\[child\]"),
        ({"training": {"epochs": "3"}}, r"\[training\].*epochs"),
        ({"data": {"max_tokens": 1.5}}, r"\[data\].*max_tokens"),
        ({"space": {"ops": "conv1"}}, r"\[space\].*ops"),
        ({"space": {"min_layers": 9}}, r"\[space\].*layers"),
        ({"space": {"frozen": [{"op": "conv3"}]}}, r"\[space\].*source"),
        ({"search": {"n_trials": 0}}, r"n_trials.*got 0"),
        ({"search": {"n_trials": "many"}}, r"\[search\].*n_trials"),
        ({"search": {"n_trials": 2.5}}, r"\[search\].*n_trials"),
        ({"search": {"n_trials": True}}, r"\[search\].*n_trials"),
        ({"search": {"timeout_s": "1h"}}, r"\[search\].*timeout_s"),
        ({"search": {"timeout_s": float("nan")}}, r"timeout_s"),
        ({"search": {"seed": "x"}}, r"seed"),
        ({"search": {"seed": 1.5}}, r"seed"),
        ({"search": {"seed": -1}}, r"seed"),
        ({"search": {"population_size": "x"}}, r"\[search\]"),
        ({"search": {"sample_size": 50}}, r"sample_size"),
        ({"search": {"sampler": "best"}}, r"`sampler` must be 'guided' or .* or 'nsgaii'; got 'b"),
        ({"search": {"sampler": "tpe", "seed": -1}}, r"seed"),
        ({"search": {"sampler": "nsgaii", "population_size": 1}}, r"population_size"),
    ],
)
def test_mistakes_are_named(sections: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        QUICK.changed(sections)


@pytest.mark.parametrize("name", PRESETS)
def test_settings_are_read_back_from_a_study(name: str) -> None:
    settings = PRESETS[name].changed(
        {"search": {"seed": 3}, "data": {"validation_documents": 30}, "child": {"hidden": 8}}
    )
    data = prepare(synthetic_dataset(n_train=100), settings.data)
    config = settings.study_config(data)
    written = json.loads(json.dumps(config.to_record()))  # as a storage does
    written.pop("format")
    for base in PRESETS.values():
        found = base.as_in(StudyConfig(written))
        same = replace(found, n_trials=settings.n_trials)
        assert same == settings
        assert found.study_config(data).fingerprint == config.fingerprint


@pytest.mark.parametrize("sampler", ["guided", "evolution", "tpe", "random", "nsgaii"])
def test_the_sampler_is_read_back_from_a_study(sampler: str) -> None:
    settings = QUICK.changed(
        {"search": {"sampler": sampler}, "data": {"validation_documents": 30}}
    )
    data = prepare(synthetic_dataset(n_train=100), settings.data)
    written = settings.study_config(data).to_record()
    written.pop("format")
    for base in PRESETS.values():
        assert base.as_in(StudyConfig(written)).sampler == sampler


def test_a_study_without_the_name_of_its_sampler_was_made_by_evolution() -> None:
    old = StudyConfig({"sampler": {"population_size": 9, "sample_size": 4, "seed": 2}})
    found = QUICK.as_in(old)
    assert QUICK.sampler == "guided"
    assert found == replace(
        QUICK,
        sampler="evolution",
        population_size=9,
        sample_size=4,
        seed=2,
        data=replace(QUICK.data, seed=2),
        training=replace(QUICK.training, seed=2),
    )


def test_the_name_is_all_that_is_new_in_a_record() -> None:
    data = prepare(synthetic_dataset(n_train=100), replace(QUICK.data, validation_documents=30))
    guided, tpe, evolution = (
        replace(QUICK, sampler=name).study_config(data).to_record()["sampler"]
        for name in ("guided", "tpe", "evolution")
    )
    assert evolution == {"population_size": 6, "sample_size": 3, "seed": 0}
    assert guided == {"name": "guided", **evolution}
    assert tpe == {"name": "tpe", **evolution}


def test_a_sampler_that_takes_no_sample_needs_none_that_fits() -> None:
    assert replace(QUICK, sampler="nsgaii", population_size=2).sample_size == 3


def test_studies_of_earlier_versions_keep_their_fingerprint() -> None:
    settings = SearchSettings(
        n_trials=12,
        population_size=6,
        sample_size=3,
        data=DataConfig(max_tokens=32, train_documents=8_000, validation_documents=1_000),
        child=ChildConfig(hidden=64, fully_connected=(256,), attention="self"),
        training=TrainingConfig(epochs=4, batch_size=64, learning_rate=4e-3, patience=1),
    )
    data = SimpleNamespace(fingerprint="of the texts", vectors_origin="of the vectors")
    config = settings.study_config(cast(XmcDataset, data))
    # as version 0.1 computed it: settings that came later are not in it while at their defaults
    assert config.fingerprint == "78488745cfc6b6ad"


def test_a_training_setting_that_a_study_does_not_name_is_at_its_default() -> None:
    data = prepare(synthetic_dataset(n_train=100), replace(QUICK.data, validation_documents=30))
    old = QUICK.study_config(data)
    later = {"select_by": "nDCG@5", "average_from_epoch": 2, "clipping": "adaptive"}
    assert QUICK.changed({"training": later}).as_in(old).training == QUICK.training


def test_devices_are_not_read_from_a_study() -> None:
    data = prepare(synthetic_dataset(n_train=100), replace(QUICK.data, validation_documents=30))
    config = QUICK.study_config(data)
    here = QUICK.changed({"training": {"device": "cpu", "precision": "float32"}})
    assert here.as_in(config).training == here.training


def test_settings_that_nobody_knows_are_refused() -> None:
    config = StudyConfig({"child": {"width": 3}})
    with pytest.raises(ValueError, match="has no setting 'width'"):
        QUICK.as_in(config)
