"""The child: a whole network built from a genome.

Letters: B texts, T tokens, W width after the combination, L labels.
"""

from __future__ import annotations

from typing import final
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from optuna_xmcnas.child.dag import NodeGraph
from optuna_xmcnas.child.dropout import Dropout
from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.child.embedding import WordEmbedding
from optuna_xmcnas.child.heads import make_head
from optuna_xmcnas.child.layer_mix import make_layer_mix


if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from optuna_xmcnas.child.config import ChildConfig
    from optuna_xmcnas.genome import Genome


@final
class ChildNetwork(nn.Module):
    """Embedding, the nodes of a genome, their combination, attention, label scores.

    What a text scores depends on its own tokens only, not on the batch around it.

    Args:
        genome: The searched part.
        vectors: Word vectors, shape (words, width), float32; row 0, the padding, is zero.
        n_labels: L.
        config: The fixed parts.

    Raises:
        InvalidGenomeError: If an op of the genome is not registered.
        ValueError: If ``vectors`` or ``n_labels`` cannot be used.

    Example:
        >>> import numpy as np
        >>> from optuna_xmcnas.child import ChildConfig
        >>> from optuna_xmcnas.genome import Genome, Node
        >>> vectors = np.ones((10, 4), np.float32)
        >>> vectors[0] = 0
        >>> genome = Genome((Node("conv3", 0), Node("bilstm", 0)))
        >>> child = ChildNetwork(genome, vectors, 6, ChildConfig(hidden=8))
        >>> with torch.no_grad():
        ...     child(torch.tensor([[2, 3, 5], [4, 0, 0]]), torch.tensor([3, 1])).shape
        torch.Size([2, 6])
        >>> child.node_weights()
        (0.5, 0.5)
    """

    def __init__(
        self,
        genome: Genome,
        vectors: npt.NDArray[np.float32],
        n_labels: int,
        config: ChildConfig,
    ) -> None:
        super().__init__()
        if n_labels < 1:
            raise ValueError(f"`n_labels` must be at least 1; got {n_labels}.")
        self.genome = genome
        self.n_labels = n_labels
        self.config = config
        self.embedding = WordEmbedding(vectors, is_trained=config.train_embedding)
        self.embedding_dropout = Dropout(config.embedding_dropout)
        self.graph = NodeGraph(genome, self.embedding.width, config.width)
        self.mix = make_layer_mix(config.combine, genome.n_layers, config.width)
        self.dropout = Dropout(config.dropout)
        self.head = make_head(self.mix.width, n_labels, config)

    @property
    def n_parameters(self) -> int:
        """How many numbers training changes; frozen word vectors are not among them."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def node_weights(self) -> tuple[float, ...] | None:
        """Return the share of each node in the weighted sum; None if they are concatenated."""
        return self.mix.node_weights()

    def padding(self, lengths: Tensor) -> Tensor:
        """Return where texts of these lengths are padded, True if so, on the child's device.

        Args:
            lengths: Tokens of each text, shape (B,), int64. On the host they cost no waiting.

        Returns:
            Shape (B, T), where T is the largest length.
        """
        n_tokens = int(lengths.max())
        device = next(self.parameters()).device
        return padding_mask(lengths.to(device, non_blocking=True), n_tokens)

    def encode(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return the states of the tokens, shape (B, T, W), zero where padded.

        Args:
            tokens: Word numbers, shape (B, at least T), int64; those beyond a text are ignored.
            lengths: Tokens of each text, shape (B,), int64, each at least 1; T is the largest.

        Raises:
            ValueError: If the lengths do not fit the tokens.
        """
        n_tokens = _longest(tokens, lengths)
        padding = self.padding(lengths)  # (B, T)
        tokens = tokens[:, :n_tokens].masked_fill(padding, 0)
        embedded = self.embedding_dropout(self.embedding(tokens))  # (B, T, E)
        hidden: Tensor = self.dropout(self.mix(self.graph(embedded, padding)))
        return hidden

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Return the logits of all labels, shape (B, L); arguments as in `encode`.

        For a gradient, the attention of each chunk of labels is computed again in the backward
        pass, so that one chunk is in memory at a time.
        """
        prepared = self.head.prepare(self.encode(tokens, lengths), self.padding(lengths))
        score = self._score_again if torch.is_grad_enabled() else self.head.score
        return torch.cat([score(prepared, start, stop) for start, stop in self.head.chunks()], 1)

    def _score_again(self, prepared: tuple[Tensor, ...], start: int, stop: int) -> Tensor:
        """Score labels now, and once more when their gradient is wanted."""
        logits: Tensor = checkpoint(
            self.head.score,
            prepared,
            start,
            stop,
            use_reentrant=False,
            preserve_rng_state=False,  # there is no randomness in a head
        )
        return logits


def _longest(tokens: Tensor, lengths: Tensor) -> int:
    if tokens.ndim != 2 or lengths.shape != tokens.shape[:1] or not len(lengths):
        raise ValueError(
            "`tokens` must have shape (texts, tokens) and `lengths` shape (texts,), for at least "
            f"one text; got {tuple(tokens.shape)} and {tuple(lengths.shape)}."
        )
    shortest, longest = (int(length) for length in lengths.aminmax())
    if shortest < 1 or longest > tokens.shape[1]:
        raise ValueError(
            f"`lengths` must be within 1..{tokens.shape[1]}, the columns of `tokens`; "
            f"got {shortest}..{longest}."
        )
    return longest
