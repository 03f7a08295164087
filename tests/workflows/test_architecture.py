"""Which architecture a training in full takes."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from optuna_xmcnas import Genome
from optuna_xmcnas import Node
from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import KNOWN_GENOMES
from optuna_xmcnas.workflows import architecture_of_trial
from optuna_xmcnas.workflows import FULL_PRESETS
from optuna_xmcnas.workflows import named_architecture
from optuna_xmcnas.workflows import PRESETS


@pytest.mark.parametrize("name", KNOWN_GENOMES)
def test_known_architectures_bring_what_belongs_to_them(name: str) -> None:
    found = named_architecture(name)
    assert found.genome == KNOWN_GENOMES[name]
    ChildConfig(**found.child)
    assert found.child["attention"] == ("maxpool" if name == "xml-cnn" else "label")


def test_an_architecture_is_read_from_a_file(tmp_path: Path) -> None:
    genome = Genome((Node("bigru", 0), Node("conv3", 1)))
    (tmp_path / "mine.json").write_text(genome.to_json())
    assert named_architecture(str(tmp_path / "mine.json")).genome == genome


def test_an_architecture_is_read_from_a_text() -> None:
    found = named_architecture("1:bigru(0) 2:conv3(1)")
    assert found.genome == Genome((Node("bigru", 0), Node("conv3", 1)))
    assert found.name != named_architecture("1:bigru(0) 2:conv3(0)").name
    assert len(found.name) < 30  # it becomes part of a folder's name
    with pytest.raises(InvalidGenomeError, match="without a layer: no-such-op"):
        named_architecture("1:no-such-op(0)")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "none of the known architectures .attentionxml, xmcnas, xml-cnn., .* and no file"),
        ("{}", "format version"),
        ('{"format": 1, "nodes": [["no-such-op", 0]]}', "without a layer: no-such-op"),
    ],
)
def test_what_is_no_architecture_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "mine.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidGenomeError, match=message):
        named_architecture(str(path))


def test_a_trial_that_is_not_there_is_named() -> None:
    study = optuna.create_study(study_name="empty")
    with pytest.raises(InvalidGenomeError, match="study 'empty' has no trial 3; its trials: none"):
        architecture_of_trial(study, 3)


@pytest.mark.parametrize(
    ("name", "widths", "validation_documents", "average_from_epoch"),
    [
        ("eurlex-4k", (256, (256,)), 200, 11),
        ("wiki10-31k", (256, (256,)), 200, 5),
        ("amazoncat-13k", (512, (1024, 512, 256)), 4000, 3),
    ],
)
def test_presets_are_those_of_the_papers(
    name: str,
    widths: tuple[int, tuple[int, ...]],
    validation_documents: int,
    average_from_epoch: int,
) -> None:
    settings = PRESETS["quick"].changed(FULL_PRESETS[name])
    assert (settings.child.hidden, settings.child.fully_connected) == widths
    assert settings.child.combine == "concat"
    assert settings.data.validation_documents == validation_documents
    assert settings.data.train_documents is None
    assert settings.training.average_from_epoch == average_from_epoch
    assert (settings.training.select_by, settings.training.clipping) == ("nDCG@5", "adaptive")
    assert settings.training.evaluate_every == 100
