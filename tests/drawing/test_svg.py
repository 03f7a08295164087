"""An SVG is XML that stands by itself."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from optuna_xmcnas.drawing import draw_svg
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from tests.drawing.genomes import CHAIN
from tests.drawing.genomes import families
from tests.drawing.genomes import shares


SVG = "{http://www.w3.org/2000/svg}"
NASTY = 'a <b> & "c" \x00\x1b\ud800 ünïcode 中文 ]]>'


def test_every_drawing_is_xml() -> None:
    for i, (child, parent) in enumerate(families(60)):
        weights = shares(child.n_layers, i)
        root = ElementTree.fromstring(draw_svg(child, weights, parent=parent, title=f"trial {i}"))
        assert root.tag == f"{SVG}svg"
        texts = {element.text for element in root.iter(f"{SVG}text")}
        assert {f"{weight:.2f}" for weight in weights} <= texts
        assert {str(position) for position in range(1, child.n_layers + 1)} <= texts


def test_it_says_what_it_shows_to_people_who_do_not_see_it() -> None:
    parent = CHAIN.with_node(2, Node("bigru", 1))
    root = ElementTree.fromstring(draw_svg(CHAIN, shares(6), parent=parent, title="trial 17"))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert title is not None
    assert title.text == "trial 17"
    assert description is not None
    assert description.text is not None
    assert description.text.startswith("Node 1, conv1, reads the embedding; share 0.")
    assert description.text.endswith("Changes from the parent: 2 conv3 was bigru.")


def test_without_a_title_the_genome_is_named() -> None:
    root = ElementTree.fromstring(draw_svg(Genome.from_text("1:bilstm(0)")))
    assert root.findtext(f"{SVG}title") == "Architecture 1:bilstm(0)"


def test_any_text_can_be_a_title() -> None:
    root = ElementTree.fromstring(draw_svg(CHAIN, title=NASTY, caption=NASTY))
    assert root.findtext(f"{SVG}title") == 'a <b> & "c" ??? ünïcode 中文 ]]>'


def test_two_can_stand_on_one_page() -> None:
    assert " id=" not in draw_svg(CHAIN, shares(6), parent=Genome(CHAIN.nodes[:5]), title="a")


def test_it_brings_a_white_page() -> None:
    root = ElementTree.fromstring(draw_svg(CHAIN))
    page = next(iter(root.iter(f"{SVG}rect")))
    assert page.get("fill") == "#FFFFFF"
    assert float(page.get("width", 0)) == pytest.approx(float(root.get("width", 0)) - 1, abs=0.1)


def test_the_same_genome_is_the_same_text() -> None:
    assert draw_svg(CHAIN, shares(6)) == draw_svg(CHAIN, shares(6))


def test_a_drawing_takes_little_space() -> None:
    parent, weights = Genome(CHAIN.nodes[:5]), shares(6)
    svg = draw_svg(CHAIN, weights, parent=parent, title="trial 17", caption="child of trial 3")
    assert len(svg) < 10_000
