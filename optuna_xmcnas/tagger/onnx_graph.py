"""From a traced module to an ONNX graph."""

from __future__ import annotations

from typing import Any
from typing import TYPE_CHECKING

import torch

from optuna_xmcnas.exceptions import ExportError
from optuna_xmcnas.exceptions import MissingExtraError
from optuna_xmcnas.tagger.tracing import any_number_of_words
from optuna_xmcnas.tagger.tracing import quiet


if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch.export import ExportedProgram


INPUTS = ("tokens", "lengths")
OUTPUTS = ("labels", "scores", "logits")
EXTERNAL_ENDING = ".data"
"""What follows the name of the graph in the name of the file that holds large weights."""

_AXES = ({0: "texts", 1: "words"}, {0: "texts"})
_LARGE = 1_500_000_000  # bytes of weights; a file of ONNX itself holds at most 2 GiB


def check_exporter() -> None:
    """Raise `MissingExtraError` unless everything is there that writes ONNX."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f"ONNX needs a package that is not installed ({error.name}): "
            "python -m pip install 'optuna-xmcnas[export]'."
        ) from error
    if not hasattr(torch.onnx, "ops"):
        raise MissingExtraError(
            f"ONNX needs PyTorch 2.8 or later; this is {torch.__version__}: "
            "python -m pip install --upgrade torch."
        )


def write_onnx(
    program: ExportedProgram, path: Path, *, opset: int | None, facts: Mapping[str, str]
) -> None:
    """Write a traced `DeployedModel`; large weights go to a second file beside it.

    Args:
        program: What `trace` returned.
        path: The file.
        opset: Version of the ONNX operators; None takes PyTorch's choice.
        facts: Metadata of the file.

    Raises:
        ExportError: If an op of the model has no counterpart in ONNX.
    """
    try:
        with quiet(), any_number_of_words():
            found = torch.onnx.export(
                program,
                input_names=INPUTS,
                output_names=OUTPUTS,
                dynamic_shapes=_AXES,
                opset_version=opset,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = error.__cause__ or error
        raise ExportError(f"the model cannot be written as ONNX: {reason}") from error
    assert found is not None  # it is None for TorchScript alone
    model: Any = found.model
    _cut_weights(model.graph)
    _forget_origins(model)
    model.metadata_props.update(facts)
    n_bytes = sum(value.const_value.nbytes for value in model.graph.initializers.values())
    with quiet():
        found.save(path, external_data=n_bytes > _LARGE)


def _cut_weights(graph: Any) -> None:
    """Cut weights into the chunks that the graph would cut them into whenever it runs."""
    import onnx_ir

    for node in [node for node in graph if node.op_type == "Split"]:
        weight = node.inputs[0]
        if weight.name not in graph.initializers or node.attributes["axis"].value != 0:
            continue
        array, start = weight.const_value.numpy(), 0
        for output in node.outputs:
            size = output.shape[0]
            piece = onnx_ir.tensor(array[start : start + size], name=output.name)
            value = onnx_ir.Value(
                name=output.name, type=output.type, shape=output.shape, const_value=piece
            )
            graph.initializers[output.name] = value
            output.replace_all_uses_with(value)
            start += size
        inputs = node.inputs
        graph.remove(node, safe=True)
        for value in inputs:  # the sizes of the pieces, too
            if not value.uses() and value.name in graph.initializers:
                del graph.initializers[value.name]


def _forget_origins(model: Any) -> None:
    """Take what the exporter notes for its own developers out of a graph."""
    for node in model.graph.all_nodes():
        node.metadata_props.clear()
        node.doc_string = None
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()
    model.metadata_props.clear()
    model.graph.metadata_props.clear()
