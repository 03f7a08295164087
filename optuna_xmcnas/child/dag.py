"""The searched part of a child: the nodes of its genome, run in order.

Letters: B texts, T tokens, E width of a word vector, D width of a node, N nodes.
"""

from __future__ import annotations

from typing import final
from typing import TYPE_CHECKING

from torch import nn
from torch import Tensor

from optuna_xmcnas.child.ops import make_op


if TYPE_CHECKING:
    from optuna_xmcnas.genome import Genome


@final
class NodeGraph(nn.Module):
    """Applies every node of a genome to the output it reads.

    Args:
        genome: The nodes.
        in_width: Width E of the word vectors, the output 0.
        width: Width D of the output of every node.

    Raises:
        InvalidGenomeError: If an op of the genome is not registered.
    """

    def __init__(self, genome: Genome, in_width: int, width: int) -> None:
        super().__init__()
        self.genome = genome
        self.width = width
        self.ops = nn.ModuleList(
            make_op(node.op, width if node.source else in_width, width) for node in genome.nodes
        )

    def forward(self, embedded: Tensor, padding: Tensor) -> list[Tensor]:
        """Return the outputs of nodes 1 to N.

        Args:
            embedded: Word vectors, shape (B, T, E), zero where padded.
            padding: Shape (B, T); True where padded.

        Returns:
            N tensors of shape (B, T, D), zero where padded.

        Raises:
            ValueError: If an op returns another shape.
        """
        mask = ~padding
        outputs = [embedded]
        for position, (node, op) in enumerate(zip(self.genome.nodes, self.ops, strict=True), 1):
            output: Tensor = op(outputs[node.source], mask)
            expected = (*padding.shape, self.width)
            if output.shape != expected:
                raise ValueError(
                    f"node {position} ({node.op}) must return shape {expected}; "
                    f"got {tuple(output.shape)}."
                )
            outputs.append(output.masked_fill(padding[:, :, None], 0.0))
        return outputs[1:]
