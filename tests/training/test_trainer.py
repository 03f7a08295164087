from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
import math
from typing import Any

import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.data import DataConfig
from optuna_xmcnas.data import label_matrix
from optuna_xmcnas.data import prepare
from optuna_xmcnas.data import synthetic_dataset
from optuna_xmcnas.data import XmcDataset
from optuna_xmcnas.exceptions import ChildOutOfMemoryError
from optuna_xmcnas.exceptions import NonFiniteLossError
from optuna_xmcnas.metrics import evaluate
from optuna_xmcnas.training import Evaluation
from optuna_xmcnas.training import fit
from optuna_xmcnas.training import predict_top_k
from optuna_xmcnas.training import TrainingConfig


MakeChild = Callable[..., ChildNetwork]


def _config(**settings: Any) -> TrainingConfig:
    quick = {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, "device": "cpu"}
    return TrainingConfig(**{**quick, **settings})


def _weights(child: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in child.parameters()]


def _are_equal(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("attention", ["self", "label"])
def test_training_learns(data: XmcDataset, make_child: MakeChild, attention: str) -> None:
    evaluations: list[Evaluation] = []
    child = make_child(data, attention=attention, dropout=0.0, embedding_dropout=0.0)
    result = fit(
        child,
        data,
        _config(epochs=15, learning_rate=0.03),
        on_evaluation=evaluations.append,
    )
    assert evaluations[-1].loss < 0.7 * evaluations[0].loss
    assert result.best.report["P@1"] > 0.7


def test_the_result_says_what_happened(data: XmcDataset, make_child: MakeChild) -> None:
    evaluations: list[Evaluation] = []
    result = fit(make_child(data), data, _config(epochs=2), on_evaluation=evaluations.append)
    n_steps = math.ceil(len(data.train) / 16)
    assert [(e.epoch, e.step) for e in evaluations] == [(1, n_steps), (2, 2 * n_steps)]
    assert 0 < evaluations[0].seconds < evaluations[1].seconds <= result.seconds
    assert (result.epochs, result.steps, result.stop_reason) == (2, 2 * n_steps, "epochs")
    assert result.best in evaluations
    assert result.peak_memory_bytes > 2**20
    assert result.best.report.n_documents == len(data.validation)


def test_the_same_seed_gives_the_same_weights(data: XmcDataset, make_child: MakeChild) -> None:
    children = [make_child(data, "bilstm", dropout=0.5) for _ in range(3)]
    children[1].eval()  # dropout is on in training, whatever the mode was before
    for child, seed in zip(children, (1, 1, 2), strict=True):
        torch.rand(7)  # the state of the caller's generator does not matter
        fit(child, data, _config(seed=seed))
    first, second, other = (_weights(child) for child in children)
    assert _are_equal(first, second)
    assert not _are_equal(first, other)


def test_how_often_is_evaluated_does_not_change_the_training(
    data: XmcDataset, make_child: MakeChild
) -> None:
    seen: dict[int | None, list[Tensor]] = {}
    for every in (None, 4):
        child = make_child(data, dropout=0.5)
        keep_last: Callable[[Evaluation], None] = lambda _, c=child, e=every: seen.update(  # type: ignore[misc]  # noqa: E731
            {e: _weights(c)}
        )
        fit(child, data, _config(evaluate_every=every), on_evaluation=keep_last)
    assert _are_equal(seen[None], seen[4])


def test_the_random_generator_of_the_caller_is_left_alone(
    data: XmcDataset, make_child: MakeChild
) -> None:
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    fit(make_child(data), data, _config(epochs=1))
    torch.testing.assert_close(torch.rand(4), expected)


def test_evaluations_come_every_so_many_steps_and_at_the_end(
    data: XmcDataset, make_child: MakeChild
) -> None:
    steps: list[int] = []
    result = fit(
        make_child(data),
        data,
        _config(epochs=2, evaluate_every=5),
        on_evaluation=lambda evaluation: steps.append(evaluation.step),
    )
    assert steps == [*range(5, result.steps, 5), result.steps]


def test_a_training_shorter_than_the_interval_is_evaluated_once(
    data: XmcDataset, make_child: MakeChild
) -> None:
    result = fit(make_child(data), data, _config(epochs=1, evaluate_every=1000))
    assert result.best.step == result.steps


def test_patience_counts_evaluations(data: XmcDataset, make_child: MakeChild) -> None:
    steps: list[int] = []
    result = fit(
        make_child(data),
        data,
        # steps too small to change any ranking: only the first evaluation is a gain
        _config(epochs=9, learning_rate=1e-12, evaluate_every=2, patience=3),
        on_evaluation=lambda evaluation: steps.append(evaluation.step),
    )
    assert steps == [2, 4, 6, 8]
    assert (result.stop_reason, result.best.step) == ("patience", 2)
    assert (result.epochs, result.steps) == (1, 8)


def test_a_gain_starts_the_patience_anew(data: XmcDataset, make_child: MakeChild) -> None:
    scores: list[tuple[float, float]] = []
    result = fit(
        make_child(data),
        data,
        _config(epochs=30, learning_rate=0.03, patience=2),
        on_evaluation=lambda e: scores.append((e.report["P@5"], e.report["nDCG@5"])),
    )
    best, without_gain = (-1.0, -1.0), 0
    for number, score in enumerate(scores, start=1):  # slow and obvious
        without_gain = 0 if score > best else without_gain + 1
        best = max(best, score)
        assert (without_gain == 2) == (number == len(scores) and result.stop_reason == "patience")
    assert (result.best.report["P@5"], result.best.report["nDCG@5"]) == best


def test_the_child_ends_with_its_best_weights(data: XmcDataset, make_child: MakeChild) -> None:
    child = make_child(data)
    seen: dict[int, list[Tensor]] = {}
    result = fit(
        child,
        data,
        # a step size at which the score goes up and down
        _config(epochs=6, learning_rate=0.3),
        on_evaluation=lambda evaluation: seen.update({evaluation.step: _weights(child)}),
    )
    assert result.best.step < result.steps  # else the test shows nothing
    assert _are_equal(_weights(child), seen[result.best.step])
    assert not child.training
    top = predict_top_k(child, data.validation, 5, device="cpu")
    assert evaluate(top.labels, data.validation.labels) == result.best.report


def _set(child: nn.Module, weights: list[Tensor]) -> None:
    with torch.no_grad():
        for parameter, weight in zip(child.parameters(), weights, strict=True):
            parameter.copy_(weight)


def test_the_mean_of_the_weights_is_evaluated_and_kept(
    data: XmcDataset, make_child: MakeChild
) -> None:
    config = _config(epochs=5, evaluate_every=4, learning_rate=0.1, average_from_epoch=3)
    child = make_child(data)
    raw: list[list[Tensor]] = []
    evaluations: list[Evaluation] = []

    def watch(evaluation: Evaluation) -> None:
        raw.append(_weights(child))
        evaluations.append(evaluation)

    result = fit(child, data, config, on_evaluation=watch)

    other = make_child(data)
    kept: dict[int, list[Tensor]] = {}
    members: list[list[Tensor]] = []
    for weights, evaluation in zip(raw, evaluations, strict=True):  # slow and obvious
        members = [*members, weights] if evaluation.epoch >= 3 else [weights]
        kept[evaluation.step] = [torch.stack(all_).mean(0) for all_ in zip(*members, strict=True)]
        _set(other, kept[evaluation.step])
        top = predict_top_k(other, data.validation, 5, device="cpu")
        assert evaluate(top.labels, data.validation.labels) == evaluation.report
        if evaluation.epoch < 3:
            members = []
    assert result.best.epoch > 3  # else the test shows nothing
    for weight, expected in zip(_weights(child), kept[result.best.step], strict=True):
        torch.testing.assert_close(weight, expected)


def test_averaging_changes_what_is_evaluated_and_not_the_training(
    data: XmcDataset, make_child: MakeChild
) -> None:
    raw: dict[int | None, list[list[Tensor]]] = {None: [], 2: []}
    reports: dict[int | None, list[Any]] = {None: [], 2: []}
    for first in raw:
        child = make_child(data, dropout=0.5)

        def watch(
            evaluation: Evaluation, first: int | None = first, child: ChildNetwork = child
        ) -> None:
            raw[first].append(_weights(child))
            reports[first].append(evaluation.report)

        fit(
            child,
            data,
            _config(epochs=4, learning_rate=0.1, average_from_epoch=first),
            on_evaluation=watch,
        )
    assert all(_are_equal(a, b) for a, b in zip(raw[None], raw[2], strict=True))
    assert reports[None][:2] == reports[2][:2]  # of one moment the mean is that moment
    assert reports[None][2:] != reports[2][2:]


@pytest.mark.parametrize("name", ["P@5", "nDCG@5"])
def test_the_metric_that_selects_decides_what_is_kept(
    data: XmcDataset, make_child: MakeChild, name: str
) -> None:
    reports = []
    result = fit(
        make_child(data),
        data,
        _config(epochs=4, learning_rate=0.1, evaluate_every=2, seed=1, select_by=name),
        on_evaluation=lambda evaluation: reports.append(evaluation.report),
    )
    other = {"P@5": "nDCG@5", "nDCG@5": "P@5"}[name]
    assert result.best.report == max(reports, key=lambda report: (report[name], report[other]))
    # else the test shows nothing
    assert result.best.report != max(reports, key=lambda report: (report[other], report[name]))


class _Stop(Exception):
    pass


def test_what_the_callback_raises_reaches_the_caller_and_leaves_no_mess(
    data: XmcDataset, make_child: MakeChild
) -> None:
    def stop(evaluation: Evaluation) -> None:
        if evaluation.epoch == 2:
            raise _Stop

    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    child = make_child(data)
    with pytest.raises(_Stop):
        fit(child, data, _config(epochs=9), on_evaluation=stop)
    torch.testing.assert_close(torch.rand(4), expected)
    assert not child.training
    assert all(parameter.grad is None for parameter in child.parameters())
    fit(child, data, _config(epochs=1))  # and it can be trained on


@pytest.mark.parametrize("attention", ["self", "label"])
def test_a_diverging_training_names_the_step(
    data: XmcDataset, make_child: MakeChild, attention: str
) -> None:
    child = make_child(data, attention=attention)
    with pytest.raises(NonFiniteLossError, match=r"the loss became (nan|inf) at step [23];"):
        fit(child, data, _config(learning_rate=1e30))


def test_weights_that_break_in_the_last_step_are_noticed(
    data: XmcDataset, make_child: MakeChild
) -> None:
    child = make_child(data)
    # the loss is that of the weights before the step, so it is still a number
    with pytest.raises(NonFiniteLossError, match=r"after step 1, .*not a number"):
        fit(child, data, _config(epochs=1, batch_size=1000, learning_rate=1e38))


def test_an_allocation_that_fails_names_the_sizes(data: XmcDataset, make_child: MakeChild) -> None:
    child = make_child(data)

    def exhaust(*arguments: object) -> None:
        torch.empty(2**50)

    child.graph.register_forward_pre_hook(exhaust)
    with pytest.raises(
        ChildOutOfMemoryError,
        match=r"at step 1 \(16 documents of \d+ tokens\); \d+ parameters, 12 labels.*smaller",
    ) as caught:
        fit(child, data, _config())
    # nothing holds on to the tensors of the failed step
    assert caught.value.__context__ is None


def test_other_errors_of_pytorch_are_not_taken_for_a_lack_of_memory(
    data: XmcDataset, make_child: MakeChild
) -> None:
    child = make_child(data)

    def fail(*arguments: object) -> None:
        raise RuntimeError("shapes do not match")

    child.graph.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        fit(child, data, _config())


def test_documents_without_labels_and_labels_without_documents(
    data: XmcDataset, make_child: MakeChild
) -> None:
    train = replace(data.train, labels=label_matrix([[3]] + [[]] * (len(data.train) - 1), 12))
    result = fit(make_child(data), replace(data, train=train), _config(epochs=1))
    assert math.isfinite(result.best.loss)
    validation = data.validation.select(range(4))
    validation = replace(validation, labels=label_matrix([[], [11], [], []], 12))
    result = fit(make_child(data), replace(data, validation=validation), _config(epochs=1))
    assert result.best.report.n_without_labels == 3


def test_batches_of_one(data: XmcDataset, make_child: MakeChild) -> None:
    small = replace(data, train=data.train.select(range(9)))
    result = fit(make_child(data, "bilstm"), small, _config(epochs=1, batch_size=1))
    assert result.steps == 9


def test_the_last_batch_may_be_a_single_document(data: XmcDataset, make_child: MakeChild) -> None:
    small = replace(data, train=data.train.select(range(9)))
    assert fit(make_child(data, "conv3"), small, _config(epochs=1, batch_size=4)).steps == 3


def test_trained_word_vectors_change_and_frozen_ones_do_not(
    data: XmcDataset, make_child: MakeChild
) -> None:
    for is_trained in (True, False):
        child = make_child(data, train_embedding=is_trained)
        fit(child, data, _config(epochs=1))
        vectors = child.embedding.vectors.detach()
        assert torch.equal(vectors, torch.from_numpy(data.vectors)) is not is_trained
        assert not vectors[0].any()  # the padding stays zero


def test_bfloat16_on_the_cpu(data: XmcDataset, make_child: MakeChild) -> None:
    scores = {
        precision: fit(
            make_child(data, "conv3", seed=1),
            data,
            _config(epochs=10, learning_rate=0.02, precision=precision),
        ).best.report["P@1"]
        for precision in ("float32", "bfloat16")
    }
    assert scores["bfloat16"] == pytest.approx(scores["float32"], abs=0.1)


def test_a_child_for_other_labels_is_refused(data: XmcDataset, make_child: MakeChild) -> None:
    other = prepare(synthetic_dataset(n_train=40, n_labels=3), DataConfig(vector_size=8))
    with pytest.raises(ValueError, match=r"the child scores 3 labels; the data has 12"):
        fit(make_child(other), data, _config())


@pytest.mark.parametrize("name", ["train", "validation"])
def test_an_empty_split_is_refused(data: XmcDataset, make_child: MakeChild, name: str) -> None:
    empty = replace(data, **{name: getattr(data, name).select([])})
    with pytest.raises(ValueError, match=f"the {name} split has no documents"):
        fit(make_child(data), empty, _config())
