"""Exported graphs against the children they are made of, run by ONNX Runtime and by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
import math
from pathlib import Path
import sys

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.child import ChildConfig
from optuna_xmcnas.child import ChildNetwork
from optuna_xmcnas.child import Op
from optuna_xmcnas.child import op_names
from optuna_xmcnas.child import ops
from optuna_xmcnas.child import register_op
from optuna_xmcnas.exceptions import ExportError
from optuna_xmcnas.exceptions import MissingExtraError
from optuna_xmcnas.genome import Genome
from optuna_xmcnas.genome import Node
from optuna_xmcnas.tagger import export_model
from optuna_xmcnas.tagger import Model
from optuna_xmcnas.tagger import onnx_graph
from optuna_xmcnas.tagger.deployed import DeployedModel
from optuna_xmcnas.tagger.deployed import Dialect
from optuna_xmcnas.tagger.deployed import label_chunk
from optuna_xmcnas.tagger.deployed import MAX_CHUNKS
from optuna_xmcnas.tagger.deployed import ONNX
from optuna_xmcnas.tagger.deployed import TORCH
from optuna_xmcnas.tagger.export import check_run
from optuna_xmcnas.tagger.onnx_graph import OUTPUTS
from optuna_xmcnas.tagger.onnx_graph import write_onnx
from optuna_xmcnas.tagger.tracing import trace
from tests.tagger.tiny import tiny_child
from tests.tagger.tiny import tiny_model


Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float32]]
Run = Callable[[Tensor, Tensor], Found]

N_LABELS = 23
N_WORDS = 50
LENGTHS = torch.tensor([5, 1, 17, 9, 2])
HEADS = ("label", "self", "maxpool")


class Gated(Op):
    """An op as a user would write it: PyTorch's own LSTM, and a few plain operations."""

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.layer = nn.LSTM(in_width, out_width, batch_first=True)
        self.gate = nn.Linear(in_width, out_width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(dim=1)[:, None, None]
        states: Tensor = self.layer(inputs)[0]
        gate: Tensor = self.gate(inputs).sigmoid()
        return states * gate + inputs.sum(dim=1, keepdim=True)[..., :1] / lengths


class Choosing(Op):
    """An op that no graph can hold: what it does depends on what it sees."""

    def __init__(self, in_width: int, out_width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(in_width, out_width)

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        outputs: Tensor = self.layer(inputs)
        return outputs if outputs.sum() > 0 else -outputs


@pytest.fixture(scope="module", autouse=True)
def _own_ops() -> Iterator[None]:
    own = {"gated": Gated, "choosing": Choosing}
    for name, factory in own.items():
        register_op(name, factory)
    yield
    for name in own:
        ops._FACTORIES.pop(name)


@pytest.fixture(scope="module")
def members() -> list[ChildNetwork]:
    """Return children that have every op, every head and both combinations between them."""
    torch.manual_seed(0)
    vectors = torch.randn(N_WORDS, 5).numpy()
    vectors[0] = 0.0
    names = [name for name in op_names() if name != "choosing"]
    children = []
    for number, attention in enumerate(HEADS):
        chosen = names[number :: len(HEADS)]
        genome = Genome(tuple(Node(op, place // 2) for place, op in enumerate(chosen)))
        config = ChildConfig(
            hidden=6,
            fully_connected=(8,),
            label_chunk=12,
            attention=attention,  # type: ignore[arg-type]  # a name of HEADS
            combine="sum" if number else "concat",
        )
        child = ChildNetwork(genome, vectors, N_LABELS, config).eval()
        for parameter in child.parameters():  # as if they were trained, biases and states too
            nn.init.normal_(parameter, std=0.5)
        children.append(child)
    return children


@pytest.fixture(scope="module", params=["onnx", "torch"])
def run(
    request: pytest.FixtureRequest,
    members: list[ChildNetwork],
    tmp_path_factory: pytest.TempPathFactory,
) -> Run:
    """Return a written graph of the ensemble of all members."""
    folder = tmp_path_factory.mktemp("graph")
    kind: str = request.param
    return _run(members, N_LABELS, folder, kind)


def _run(members: list[ChildNetwork], k: int, folder: Path, kind: str) -> Run:
    if kind == "onnx":
        write_onnx(
            trace(DeployedModel(members, k, ONNX)), folder / "model.onnx", opset=None, facts={}
        )
        session = onnxruntime.InferenceSession(folder / "model.onnx")

        def run(tokens: Tensor, lengths: Tensor) -> Found:
            inputs = {"tokens": tokens.numpy(), "lengths": lengths.numpy()}
            labels, scores, logits = session.run(OUTPUTS, inputs)
            return labels, scores, logits

        return run
    torch.export.save(trace(DeployedModel(members, k, TORCH)), folder / "model.pt2")
    return _detached(torch.export.load(folder / "model.pt2").module())


def _detached(program: nn.Module) -> Run:
    def run(tokens: Tensor, lengths: Tensor) -> Found:
        with torch.no_grad():
            labels, scores, logits = program(tokens, lengths)
        return labels.numpy(), scores.numpy(), logits.numpy()

    return run


def _texts() -> Tensor:
    torch.manual_seed(1)
    tokens = torch.randint(1, N_WORDS, (len(LENGTHS), int(LENGTHS.max())))
    return tokens.masked_fill(torch.arange(tokens.shape[1]) >= LENGTHS[:, None], 0)


def _expected(members: list[ChildNetwork], tokens: Tensor, lengths: Tensor) -> Tensor:
    """Return the logits (B, L) of the mean probability, by another formula than the graph's."""
    with torch.no_grad():
        logits = [child(tokens, lengths).double() for child in members]
    mean = torch.stack([each.sigmoid() for each in logits]).mean(dim=0)
    return mean.log() - (1 - mean).log()


def test_lists_and_logits_are_those_of_the_members(run: Run, members: list[ChildNetwork]) -> None:
    tokens = _texts()
    expected = _expected(members, tokens, LENGTHS)
    labels, scores, logits = run(tokens, LENGTHS)
    values, order = expected.sort(dim=1, descending=True)
    np.testing.assert_array_equal(labels, order.numpy())
    np.testing.assert_allclose(logits, values.numpy(), atol=1e-4)
    np.testing.assert_allclose(scores, values.sigmoid().numpy(), atol=1e-6)
    assert [str(found.dtype) for found in (labels, scores, logits)] == [
        "int64",
        "float32",
        "float32",
    ]


@pytest.mark.parametrize("number", range(len(LENGTHS)))
def test_a_text_gets_alone_what_it_gets_among_others(run: Run, number: int) -> None:
    tokens = _texts()
    labels, _, logits = run(tokens, LENGTHS)
    length = LENGTHS[number : number + 1]
    own = tokens[number : number + 1, : int(length)]
    alone, _, own_logits = run(own, length)
    np.testing.assert_array_equal(alone[0], labels[number])
    np.testing.assert_allclose(own_logits[0], logits[number], atol=1e-5)


def test_what_follows_a_text_is_ignored(run: Run) -> None:
    tokens = _texts()
    padding = torch.arange(tokens.shape[1]) >= LENGTHS[:, None]
    filled = torch.nn.functional.pad(tokens.masked_fill(padding, 7), (0, 3), value=9)
    labels, _, logits = run(tokens, LENGTHS)
    found_labels, _, found_logits = run(filled, LENGTHS)
    np.testing.assert_array_equal(found_labels, labels)
    np.testing.assert_allclose(found_logits, logits, atol=1e-5)


def test_a_text_without_words_is_an_unknown_word(run: Run) -> None:
    lengths = torch.tensor([0, 3])
    found = run(torch.tensor([[0, 0, 0], [4, 5, 6]]), lengths)
    expected = run(torch.tensor([[1, 0, 0], [4, 5, 6]]), lengths.clamp(min=1))
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_equal_and_sure_labels_keep_their_order(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_graph, "_LARGE", 0)  # so that weights go to a file of their own
    biases = torch.tensor(
        [
            [3.0, -200.0, 120.0, 3.0, 120.0, -90.0, 3.0, 40.0, 120.0, 0.0, -200.0, 3.0],
            [1.0, -150.0, 110.0, 1.0, 110.0, -90.0, 1.0, 40.0, 110.0, 0.0, -150.0, 1.0],
        ]
    )
    members = [tiny_child("conv1", attention="self", seed=seed) for seed in (0, 1)]
    for child, bias in zip(members, biases, strict=True):
        # so the logits are the biases, to the last bit
        child.head.get_parameter("output.weight").data.zero_()
        child.head.get_parameter("output.bias").data.copy_(bias)
    if kind == "onnx":
        run = _run(members, 100, tmp_path, kind)
    else:  # not traced: the graph holds the same operations
        run = _detached(DeployedModel(members, 100, TORCH))
    labels, scores, logits = run(torch.tensor([[3, 4], [5, 0]]), torch.tensor([2, 1]))
    order = [2, 4, 8, 7, 0, 3, 6, 11, 9, 5, 1, 10]
    assert labels.tolist() == [order, order]
    assert scores[0, :4].tolist() == [1.0] * 4
    two = math.log(2)
    expected = {0: 110 + two, 3: 40, 8: 0, 9: -90, 10: -150 - two}
    found = {place: float(logits[0, place]) for place in expected}
    assert found == pytest.approx(expected, abs=1e-4)
    assert (tmp_path / "model.onnx.data").exists() == (kind == "onnx")


@pytest.mark.parametrize("dialect", [ONNX, TORCH])
def test_the_model_stays_as_it_was(members: list[ChildNetwork], dialect: Dialect) -> None:
    before = [(repr(child), child.head.chunk) for child in members]
    weights = [parameter.data_ptr() for child in members for parameter in child.parameters()]
    deployed = DeployedModel(members, 3, dialect)
    assert [(repr(child), child.head.chunk) for child in members] == before
    shared = {parameter.data_ptr() for parameter in deployed.parameters()}
    assert shared <= set(weights)  # no second copy in memory
    assert all(child.graph.ops[0].training == child.training for child in members)


def test_a_graph_has_few_chunks_of_labels() -> None:
    child = ChildNetwork(
        Genome((Node("conv1", 0),)),
        np.eye(4, 3, k=-1, dtype=np.float32),
        1001,
        ChildConfig(hidden=2, fully_connected=(), label_chunk=2),
    )
    deployed = DeployedModel([child], 3, TORCH)
    assert MAX_CHUNKS / 2 < -(-1001 // label_chunk(child)) <= MAX_CHUNKS
    tokens, lengths = torch.tensor([[1, 2], [3, 0]]), torch.tensor([2, 1])
    with torch.no_grad():
        logits = child.eval()(tokens, lengths)
        labels, _, best = deployed(tokens, lengths)
    torch.testing.assert_close(best, logits.gather(1, labels))


@pytest.mark.usefixtures("_own_ops")
def test_an_op_that_looks_at_values_is_refused(tmp_path: Path) -> None:
    model = tiny_model([tiny_child("choosing")])
    with pytest.raises(ExportError, match=r"cannot be traced.*Every op must be PyTorch code"):
        export_model(model, tmp_path / "out", formats=["torch"])
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_does_something_else_is_refused(model: Model) -> None:
    def run(tokens: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        labels, scores, logits = DeployedModel(model.members, 3, TORCH)(tokens, lengths)
        return labels, scores, logits + (0.5 if len(lengths) == 1 else 0.0)

    with pytest.raises(ExportError, match=r"a logit differs by 0\.5, of 1 texts"):
        check_run(model, run, 3, "this")


def test_the_check_says_how_near_a_graph_comes(model: Model) -> None:
    def run(tokens: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        labels, scores, logits = DeployedModel(model.members, 3, TORCH)(tokens, lengths)
        return labels.flip(1) if len(lengths) == 8 else labels, scores, logits + 2**-12

    check = check_run(model, run, 3, "this")
    assert check.n_texts == 16
    assert check.equal_lists == 0.5
    assert check.largest_difference == pytest.approx(2**-12, rel=0.05)


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_a_missing_package_is_named(
    package: str, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'optuna-xmcnas\[export\]'"):
        export_model(model, tmp_path / "out")


def test_nothing_is_replaced_unasked(model: Model, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("an export")
    with pytest.raises(ExportError, match=r"is there already; choose another path, or overwrite"):
        export_model(model, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"no export writes, such as 'notes\.txt'"):
        export_model(model, tmp_path, overwrite=True)
    with pytest.raises(ExportError, match=r"is there and is not a folder"):
        export_model(model, tmp_path / "notes.txt", overwrite=True)
    assert (tmp_path / "model.onnx").read_text() == "an export"


def test_wrong_arguments_are_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`k` must be at least 1; got 0"):
        export_model(model, tmp_path / "out", k=0)
    with pytest.raises(ValueError, match=r"`opset` must be at least 18; got 17"):
        export_model(model, tmp_path / "out", opset=17)
    with pytest.raises(ValueError, match=r"`formats` must be some of .*got \(\)"):
        export_model(model, tmp_path / "out", formats=())
