"""A model as one module that PyTorch can trace: from word numbers to the best labels.

Letters: B texts, T words of the longest, C width of an input, H units per direction, L labels,
k places.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import copy
from dataclasses import dataclass
from typing import Any
from typing import final
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch import Tensor

from optuna_xmcnas.child.embedding import padding_mask
from optuna_xmcnas.child.recurrence import Recurrence
from optuna_xmcnas.tagger.model import share_vectors
from optuna_xmcnas.training.ensemble import logit_of_mean
from optuna_xmcnas.training.predict import labels_and_scores
from optuna_xmcnas.training.predict import merge_top_k
from optuna_xmcnas.training.predict import no_labels


if TYPE_CHECKING:
    from optuna_xmcnas.child import ChildNetwork


MAX_CHUNKS = 64
"""Chunks of labels in a graph: each is a copy of the head's operations (ours)."""

_UNKNOWN = 1  # number of a word that has no number of its own
_GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}  # PyTorch's i f g o -> i o f g, r z n -> z r n


@dataclass(frozen=True)
class Dialect:
    """What must be said differently in one kind of graph.

    Attributes:
        best: From logits (B, L) and k to the labels and logits of the best, both (B, k).
        translations: What takes the place of a module of this type.
    """

    best: Callable[[Tensor, int], tuple[Tensor, Tensor]]
    translations: Mapping[type[nn.Module], Callable[[Any], nn.Module]]


@final
class DeployedModel(nn.Module):
    """Every member, their ensemble and the choice of the best labels.

    The members' weights are used where they are, unless they are on a GPU: then they are copied.

    Args:
        members: Children that score the same labels. They are not changed.
        k: Places; fewer if there are fewer labels.
        dialect: The kind of graph this becomes.
    """

    def __init__(self, members: Sequence[ChildNetwork], k: int, dialect: Dialect) -> None:
        super().__init__()
        self.k = min(k, members[0].n_labels)
        self._best = dialect.best
        self._children = tuple(_sharing_weights(members))
        for child in self._children:
            if not child.config.train_embedding:  # then the vectors are one table, of the data
                share_vectors(child, self._children[0].embedding.vectors)
            child.head.chunk = label_chunk(child)
        self.members = nn.ModuleList(self._children)
        _translate(self.members, dialect.translations)
        self.eval()

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the best labels, best first, their scores and their logits.

        Args:
            tokens: Word numbers, shape (B, T), int64; those beyond a text are ignored.
            lengths: Words of each text, shape (B,), int64. A text without words is read as one
                unknown word.

        Returns:
            Label numbers, (B, k), int64: of equal logits the lower number comes first; scores,
            (B, k), float32: the sigmoid of the logits; logits, (B, k), float32: they rank the
            labels also where scores round to 1.
        """
        tokens = torch.where(lengths[:, None] < 1, _UNKNOWN, tokens)
        padding = padding_mask(lengths.clamp(min=1), tokens.shape[1])  # (B, T)
        tokens = tokens.masked_fill(padding, 0)
        logits = logit_of_mean([_logits(child, tokens, padding) for child in self._children])
        labels, best = self._best(logits, self.k)
        return labels, best.sigmoid(), best


def label_chunk(child: ChildNetwork) -> int:
    """Return how many labels a graph scores at a time: what training does, unless it is too few.

    Attention over them takes memory for B x T numbers per label.
    """
    n_chunks = len(list(child.head.chunks()))
    return child.head.chunk * -(-n_chunks // MAX_CHUNKS)


def _logits(child: ChildNetwork, tokens: Tensor, padding: Tensor) -> Tensor:
    """Return what `ChildNetwork.forward` does; T is the width of the tokens, whatever they are."""
    hidden: Tensor = child.mix(child.graph(child.embedding(tokens), padding))
    prepared = child.head.prepare(hidden, padding)
    return torch.cat([child.head.score(prepared, *chunk) for chunk in child.head.chunks()], dim=1)


@final
class OnnxRecurrence(nn.Module):
    """A recurrence as the one operation that ONNX has for it.

    That operation knows the length of each text and reads it from both of its ends, so nothing
    has to be turned around, and no step of it depends on T.

    Args:
        op: The recurrence.
    """

    def __init__(self, op: Recurrence) -> None:
        super().__init__()
        self._kind = op.kind
        self._hidden = op.layer.hidden_size
        for name, parts in (
            ("inputs_weight", ["weight_ih_l0"]),
            ("states_weight", ["weight_hh_l0"]),
            ("bias", ["bias_ih_l0", "bias_hh_l0"]),
        ):
            tensors = [_in_onnx_order(op, part) for part in parts]  # (2, gates H, ...)
            self.register_buffer(name, torch.cat(tensors, dim=1))
        self.register_buffer("initial", op.initial.detach())

    def forward(self, inputs: Tensor, mask: Tensor) -> Tensor:
        """See `Op.forward`."""
        n_texts, n_tokens, _ = inputs.shape
        states = [state.expand(-1, n_texts, -1) for state in self.get_buffer("initial")]
        weights = [self.get_buffer(name) for name in ("inputs_weight", "states_weight", "bias")]
        lengths = mask.sum(dim=1).to(torch.int32)
        attributes: dict[str, Any] = {
            "direction": "bidirectional",
            "hidden_size": self._hidden,
        }
        if self._kind == "gru":
            attributes["linear_before_reset"] = 1  # as in PyTorch and cuDNN
        outputs: Tensor = torch.onnx.ops.symbolic(
            self._kind.upper(),
            [inputs.transpose(0, 1), *weights, lengths, *states],
            attributes,
            dtype=inputs.dtype,
            shape=(n_tokens, 2, n_texts, self._hidden),
        )
        return outputs.permute(2, 0, 1, 3).flatten(2)  # (T, 2, B, H) -> (B, T, 2 H)


def _in_onnx_order(op: Recurrence, name: str) -> Tensor:
    """Return one parameter of both directions with its gates in the order of ONNX."""
    gates = _GATES[op.kind]
    directions = []
    for suffix in ("", "_reverse"):
        parts = op.layer.get_parameter(name + suffix).detach().chunk(len(gates))
        directions.append(torch.cat([parts[gate] for gate in gates]))
    return torch.stack(directions)


def _sharing_weights(members: Sequence[ChildNetwork]) -> list[ChildNetwork]:
    """Return copies whose modules may be exchanged; the weights are the same memory."""
    known = {
        id(tensor): nn.Parameter(value, requires_grad=False)
        if isinstance(tensor, nn.Parameter)
        else value
        for tensor in _tensors(members)
        for value in (tensor.detach().cpu(),)
    }
    return copy.deepcopy(list(members), known)  # takes what is known instead of copying it


def _tensors(members: Sequence[ChildNetwork]) -> Iterator[Tensor]:
    for member in members:
        yield from member.parameters()
        yield from member.buffers()


def _translate(
    module: nn.Module, translations: Mapping[type[nn.Module], Callable[[Any], nn.Module]]
) -> None:
    for name, child in module.named_children():
        if type(child) in translations:
            setattr(module, name, translations[type(child)](child))
        else:
            _translate(child, translations)


def _by_keys(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """PyTorch's own `topk` takes any of equal logits."""
    return labels_and_scores(merge_top_k(no_labels(logits.shape[0], k), logits, 0))


def _by_value(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The TopK of ONNX promises the lower index of equal values."""
    values, labels = logits.topk(k, dim=1)
    return labels, values


TORCH = Dialect(best=_by_keys, translations={})
ONNX = Dialect(best=_by_value, translations={Recurrence: OnnxRecurrence})
