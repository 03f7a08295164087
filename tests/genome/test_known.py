"""Architectures that people know by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import GenomeSpace
from optuna_xmcnas.genome import KNOWN_GENOMES
from optuna_xmcnas.genome import Node
from optuna_xmcnas.genome import read_genome
from optuna_xmcnas.genome import XML_CNN_OPS


def test_known_genomes_are_those_of_the_papers() -> None:
    assert KNOWN_GENOMES["attentionxml"] == Genome((Node("bilstm", 0),))
    assert KNOWN_GENOMES["xmcnas"] == Genome((Node("bilstm", 0), Node("bilstm", 0)))


def test_known_genomes_can_be_searched() -> None:
    space = GenomeSpace(min_layers=1)
    for name in ("attentionxml", "xmcnas"):
        genome = KNOWN_GENOMES[name]
        assert space.from_params(space.to_params(genome)) == genome


def test_xml_cnn_is_outside_the_default_space() -> None:
    assert KNOWN_GENOMES["xml-cnn"] not in GenomeSpace()
    assert KNOWN_GENOMES["xml-cnn"] in GenomeSpace(ops=XML_CNN_OPS)


MINE = Genome((Node("bigru", 0), Node("conv3", 1)))


def test_a_genome_is_read_from_a_name_a_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(MINE.to_json())
    (tmp_path / "mine.txt").write_text(f"{MINE}\n")
    assert read_genome("xmcnas") == KNOWN_GENOMES["xmcnas"]
    assert read_genome(str(MINE)) == MINE
    assert read_genome(str(tmp_path / "mine.json")) == MINE
    assert read_genome(str(tmp_path / "mine.txt")) == MINE


def test_a_file_may_be_called_like_a_genome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("1:bilstm(0)").write_text(MINE.to_json())
    assert read_genome("1:bilstm(0)") == MINE


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("attention", r"none of the known .*xmcnas.* '1:bilstm\(0\) 2:conv3\(1\)', and no file"),
        ("", "no file that can be read"),
        ("a\0b", "no file that can be read"),
        ("x" * 5000, "no file that can be read"),
        ("1:bilstm(0) 2:conv3(2)", "node 2 .conv3. reads output 2"),
        ("1:bilstm(0) conv3(1)", "node 2 of a genome must be written"),
    ],
)
def test_what_names_no_genome_is_refused(name: str, complaint: str) -> None:
    with pytest.raises(InvalidGenomeError, match=complaint):
        read_genome(name)


@pytest.mark.parametrize("content", [b"{}", b"1:bilstm(7)", b"{:(", b"\xff", b""])
def test_a_file_without_a_genome_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.json").write_bytes(content)
    with pytest.raises(InvalidGenomeError, match="mine.json"):
        read_genome(str(tmp_path / "mine.json"))
