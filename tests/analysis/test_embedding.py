"""Values with and without an operation on the embedding."""

from __future__ import annotations

from optuna_xmcnas.analysis import embedding_readers
from tests.analysis.histories import make_history
from tests.analysis.histories import make_row


def test_op_counts_only_where_it_reads_the_embedding() -> None:
    rows = [
        make_row(0, 0.6, "conv3(0) bilstm(0)"),
        make_row(1, 0.5, "conv3(0) bilstm(1)"),
        make_row(2, 0.4, "conv3(0)"),
    ]
    found = embedding_readers(make_history(rows))
    assert found.values == (((0, 0.6),), ((1, 0.5), (2, 0.4)))
    assert found.gap is not None
    assert not found.gap.is_clear
    assert "1 with bilstm on the embedding, 2 without" in found.sentence


def test_clear_difference_is_told() -> None:
    rows = [make_row(i, 0.6 + 0.001 * i) for i in range(5)]
    rows += [make_row(5 + i, 0.5 + 0.001 * i, "conv3(0)") for i in range(5)]
    assert embedding_readers(make_history(rows)).sentence == (
        "Children with bilstm on the embedding have a mean P@5 of 60.20 ± 0.20 % (5 children), "
        "better than those without, 50.20 ± 0.20 % (5 children): a clear difference."
    )


def test_better_means_less_where_values_are_minimised() -> None:
    rows = [make_row(i, 6.0 + i) for i in range(5)]
    rows += [make_row(5 + i, 5.0 + i, "conv3(0)") for i in range(5)]
    sentence = embedding_readers(make_history(rows, maximize=False)).sentence
    assert "not better than those without" in sentence
    assert "chance alone" in sentence


def test_other_ops_can_be_asked_for() -> None:
    rows = [make_row(0, 0.6), make_row(1, 0.5, "conv3(0)")]
    found = embedding_readers(make_history(rows), op="conv3")
    assert found.having is not None
    assert found.having.mean == 0.5


def test_nothing_is_compared_with_nothing() -> None:
    found = embedding_readers(make_history([make_row(0), make_row(1, 0.5, None)]))
    assert (found.having, found.lacking, found.gap) == (None, None, None)
    assert found.sentence == "No child has finished."
