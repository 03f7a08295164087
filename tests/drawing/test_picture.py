"""Whatever is drawn: nothing overlaps, nothing is cut off, and no edge crosses a box."""

from __future__ import annotations

from itertools import combinations
from itertools import pairwise

import pytest

from optuna_xmcnas.drawing.picture import picture_of
from optuna_xmcnas.drawing.shapes import Box
from optuna_xmcnas.drawing.shapes import Label
from optuna_xmcnas.drawing.shapes import Line
from optuna_xmcnas.drawing.shapes import Picture
from optuna_xmcnas.drawing.shapes import Point
from optuna_xmcnas.drawing.shapes import Polygon
from optuna_xmcnas.drawing.shapes import text_width
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from tests.drawing.genomes import CHAIN
from tests.drawing.genomes import families
from tests.drawing.genomes import shares
from tests.drawing.genomes import STAR


Area = tuple[float, float, float, float]  # left, top, right, bottom


def drawn(i: int, child: Genome, parent: Genome) -> Picture:
    """Return a picture with more or less in it."""
    return picture_of(
        child,
        shares(child.n_layers, i) if i % 2 else None,
        parent=parent if i % 4 > 1 else None,
        title=[None, "trial 17 · P@5 41.20", "a very long name " * i][i % 3],
        caption="child of trial 3 by change_source" * (i % 5),
    )


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [drawn(i, *family) for i, family in enumerate(families(120))]


def area(shape: Box | Label) -> Area:
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    width = text_width(shape.text, shape.size, is_bold=shape.is_bold)
    left = shape.x - width / 2 if shape.is_centred else shape.x
    return left, shape.y - 0.75 * shape.size, left + width, shape.y + 0.2 * shape.size


def overlap(one: Area, other: Area) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def within(inner: Area, outer: Area) -> bool:
    return (
        inner[0] >= outer[0]
        and inner[1] >= outer[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )


def stroke(line: Line, begin: Point, end: Point) -> Area:
    """Return what a piece of a line covers; all of them are level or upright."""
    assert begin[0] == end[0] or begin[1] == end[1]
    half = line.width / 2
    (x, y), (end_x, end_y) = begin, end
    if y == end_y:
        return min(x, end_x), y - half, max(x, end_x), y + half
    return x - half, min(y, end_y), x + half, max(y, end_y)


def solid(picture: Picture) -> list[Box]:
    """Return the boxes, without the page and the rings around changed nodes."""
    boxes = [shape for shape in picture.shapes[1:] if isinstance(shape, Box)]
    return [box for box in boxes if box.fill is not None]


def labels(picture: Picture) -> list[Label]:
    return [shape for shape in picture.shapes if isinstance(shape, Label)]


def test_no_two_boxes_overlap(pictures: list[Picture]) -> None:
    for picture in pictures:
        for one, other in combinations(solid(picture), 2):
            assert not overlap(area(one), area(other)), picture.title


def test_no_two_labels_overlap(pictures: list[Picture]) -> None:
    for picture in pictures:
        for one, other in combinations(labels(picture), 2):
            assert not overlap(area(one), area(other)), (one.text, other.text)


def test_everything_is_on_the_page(pictures: list[Picture]) -> None:
    for picture in pictures:
        page = (0.0, 0.0, picture.width, picture.height)
        for shape in picture.shapes:
            if isinstance(shape, Box | Label):
                assert within(area(shape), page), shape
            else:
                assert all(within((x, y, x, y), page) for x, y in shape.points), shape


def test_a_label_is_within_its_box_or_beside_all(pictures: list[Picture]) -> None:
    for picture in pictures:
        for label in labels(picture):
            touched = [box for box in solid(picture) if overlap(area(label), area(box))]
            assert all(within(area(label), area(box)) for box in touched), label
            assert len(touched) <= 1


def test_no_edge_passes_through_a_box_that_it_does_not_join(pictures: list[Picture]) -> None:
    for picture in pictures:
        for line in picture.shapes:
            if not isinstance(line, Line):
                continue
            ends = [(x - 6, y - 6, x + 6, y + 6) for x, y in (line.points[0], line.points[-1])]
            foreign = [b for b in solid(picture) if not any(overlap(area(b), e) for e in ends)]
            for begin, end in pairwise(line.points):
                piece = stroke(line, begin, end)
                assert not any(overlap(piece, area(box)) for box in foreign), line


def test_no_edge_passes_through_a_label(pictures: list[Picture]) -> None:
    for picture in pictures:
        lines = [shape for shape in picture.shapes if isinstance(shape, Line)]
        pieces = [stroke(line, *ends) for line in lines for ends in pairwise(line.points)]
        for label in labels(picture):
            assert not any(overlap(area(label), piece) for piece in pieces), label


def test_the_way_to_the_largest_share_is_stronger() -> None:
    picture = picture_of(STAR, [0.1, 0.1, 0.1, 0.5, 0.1, 0.1])
    outlines = {box.outline_width for box in solid(picture)}
    strong = [box for box in solid(picture) if box.outline_width == max(outlines)]
    assert len(outlines) == 2
    assert len(strong) == 1
    bold = [label.text for label in labels(picture) if label.is_bold]
    assert "0.50" in bold
    assert "0.10" not in bold


def test_nothing_is_stronger_without_a_largest_share() -> None:
    for weights in (None, [1 / 6] * 6):
        assert len({box.outline_width for box in solid(picture_of(CHAIN, weights))}) == 1


def test_a_larger_share_has_a_wider_line() -> None:
    weights = [0.3, 0.2, 0.05, 0.25, 0.15, 0.05]
    lines = [shape for shape in picture_of(STAR, weights).shapes if isinstance(shape, Line)]
    level = {line.points[0][1]: line.width for line in lines if len(line.points) == 2}
    widths = [width for _, width in sorted(level.items())]
    assert sorted(range(6), key=widths.__getitem__) == sorted(range(6), key=weights.__getitem__)


def said(picture: Picture) -> set[str]:
    return {label.text for label in labels(picture)}


def test_differences_are_marked_and_explained() -> None:
    parent = STAR.with_node(2, Node("bigru", 1)).with_node(4, Node("conv7", 2))
    picture = picture_of(STAR, parent=parent)
    assert {"was bigru, read 1", "read 2", "what it read in the parent"} <= said(picture)
    assert sum(isinstance(s, Line) and s.is_dashed for s in picture.shapes) == 3  # one explains
    assert sum(isinstance(s, Box) and s.fill is None for s in picture.shapes) == 2


def test_a_removed_node_is_named() -> None:
    picture = picture_of(Genome(CHAIN.nodes[:5]), parent=CHAIN)
    assert "removed from the parent: 6 bilstm" in said(picture)


def test_there_is_no_legend_without_a_difference() -> None:
    assert picture_of(CHAIN, parent=CHAIN).shapes == picture_of(CHAIN).shapes


def test_a_long_name_is_cut_and_still_told() -> None:
    name = "a" * 200
    boxes = solid(picture_of(Genome((Node(name, 0),))))
    assert name in {box.hint for box in boxes}
    assert max(box.width for box in boxes) < 260


@pytest.mark.parametrize("weights", [[1.0], [0.5, 0.5, 0.0], [float("nan"), 0.5]])
def test_weights_must_be_one_number_per_node(weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"`node_weights` must (have one share|be finite)"):
        picture_of(Genome.from_text("1:bilstm(0) 2:conv3(0)"), weights)


def test_arrows_end_where_they_point() -> None:
    """At each tip there is a box, or the ring around one, right of it or below it."""
    picture = picture_of(STAR, parent=STAR.with_node(4, Node("conv7", 2)))
    places = [area(box) for box in picture.shapes[1:] if isinstance(box, Box)]
    arrows = [shape for shape in picture.shapes if isinstance(shape, Polygon)]
    in_legend = arrows.pop()
    assert in_legend.points[0][1] > max(arrow.points[0][1] for arrow in arrows)
    for arrow in arrows:
        x, y = arrow.points[0]
        tip = (x - 0.5, y - 0.5, x + 1.5, y + 0.5)
        assert any(overlap(tip, place) for place in places), arrow
