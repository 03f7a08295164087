"""Drawing a genome as a Mermaid flowchart, which Markdown on many sites shows as a picture."""

from __future__ import annotations

from collections.abc import Sequence

from optuna_xmcnas.drawing.colours import op_colour
from optuna_xmcnas.drawing.colours import OUTLINE
from optuna_xmcnas.drawing.weights import check_weights
from optuna_xmcnas.genome import Genome


def draw_mermaid(genome: Genome, node_weights: Sequence[float] | None = None) -> str:
    """Return a genome as the text of a Mermaid flowchart.

    Args:
        genome: What to draw.
        node_weights: Share of each node's output in what the head sees, node 1 first.

    Raises:
        ValueError: If there is not one weight per node.

    Example:
        >>> from optuna_xmcnas.genome import Node
        >>> print(draw_mermaid(Genome((Node("conv3", 0),)), [1.0]))
        flowchart TD
            n0(["embedding"])
            n1["1 conv3"]
            head(["attention + head"])
            n0 --> n1
            n1 -- "1.00" --> head
            classDef op1 fill:#8CBDE8,color:#14181D,stroke:#5A6470
            class n1 op1
    """
    check_weights(genome, node_weights)
    numbered = list(enumerate(genome.nodes, start=1))
    lines = ["flowchart TD", '    n0(["embedding"])']
    lines += [f'    n{i}["{i} {node.op}"]' for i, node in numbered]
    lines.append('    head(["attention + head"])')
    lines += [f"    n{node.source} --> n{i}" for i, node in numbered]
    for i, _ in numbered:
        share = "" if node_weights is None else f'-- "{node_weights[i - 1]:.2f}" '
        lines.append(f"    n{i} {share}--> head")
    ops = dict.fromkeys(node.op for node in genome.nodes)
    for number, op in enumerate(ops, start=1):  # a name could be a word of Mermaid's
        fill, text = op_colour(op).fill, op_colour(op).text
        ids = ",".join(f"n{i}" for i, node in numbered if node.op == op)
        lines.append(f"    classDef op{number} fill:{fill},color:{text},stroke:{OUTLINE}")
        lines.append(f"    class {ids} op{number}")
    return "\n".join(lines)
