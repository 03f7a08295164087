"""The peak of a training, in parts that can be understood and changed.

On the CPU it is the resident size of the whole process, on CUDA what PyTorch's allocator hands
out: the two that :class:`~optuna_xmcnas.training.PeakMemory` measures. The CUDA side follows from
the same rehearsal, but has not been compared with a device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from optuna_xmcnas.planning.constants import HEAP_SLACK
from optuna_xmcnas.planning.constants import MAPPED_FROM
from optuna_xmcnas.planning.constants import MAPPED_SLACK
from optuna_xmcnas.planning.constants import TRAINING_LIBRARIES


if TYPE_CHECKING:
    from optuna_xmcnas.planning.parameters import ParameterCount
    from optuna_xmcnas.planning.rehearsal import Rehearsal
    from optuna_xmcnas.training import TrainingConfig


_FLOAT = 4  # bytes
_EVALUATION_FACTOR = 2  # documents that are scored together, against a training step


@dataclass(frozen=True, kw_only=True)
class MemoryParts:
    """Bytes at the peak of a training; the parts sum up to `total`.

    Attributes:
        process: The interpreter, the libraries, what they need to train. None of it on CUDA.
        data: Documents, labels and word vectors, as this process holds them. None of it on CUDA.
        vectors: The child's own copy of the word vectors, if they are not trained.
        weights: What is trained, the two moments of Adam and the best version so far (which is on
            the host where the child is on CUDA), and their mean if weights are averaged.
        encoder: What the encoder keeps of a batch of the longest documents, for the way back.
        head: Gradients, and what one chunk of labels takes.
        evaluation: What scoring twice as many documents takes beyond encoder and head.
        slack: Holes in the heap. None on CUDA.
    """

    process: int
    data: int
    vectors: int
    weights: int
    encoder: int
    head: int
    evaluation: int
    slack: int

    @property
    def total(self) -> int:
        """The peak."""
        return self.process + self.data + self.of_child

    @property
    def of_child(self) -> int:
        """What is gone again when the child is."""
        step = self.encoder + self.head + self.evaluation + self.slack
        return self.vectors + self.weights + step


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What memory depends on besides the child.

    Attributes:
        process: Resident bytes of this process before the data was read.
        data: Bytes that reading and preparing the data added.
        n_words: Rows of the word vectors.
        vector_width: Their columns.
        n_labels: Labels.
        longest_train: Tokens of the longest train document.
        longest_validation: Tokens of the longest validation document.
        n_train: Train documents.
        n_validation: Validation documents.
    """

    process: int
    data: int
    n_words: int
    vector_width: int
    n_labels: int
    longest_train: int
    longest_validation: int
    n_train: int
    n_validation: int


def memory_parts(
    parameters: ParameterCount,
    rehearsal: Rehearsal,
    sizes: Sizes,
    training: TrainingConfig,
    *,
    is_on_host: bool,
) -> MemoryParts:
    """Return what the training of a child takes at its peak.

    Args:
        parameters: Of the child.
        rehearsal: Of the child.
        sizes: Of the data.
        training: The batch size, and whether weights are averaged.
        is_on_host: Whether the child is trained on the CPU.
    """
    n_documents = min(training.batch_size, sizes.n_train)
    n_scored = min(_EVALUATION_FACTOR * training.batch_size, sizes.n_validation)
    batch = (n_documents, sizes.longest_train, sizes.n_labels)
    step = rehearsal.step_peak(*batch)
    encoder = min(step, rehearsal.kept(*batch))
    scoring = rehearsal.evaluation_peak(n_scored, sizes.longest_validation, sizes.n_labels)
    is_averaging = training.average_from_epoch is not None
    copies = 3 + is_on_host + is_averaging  # the weights, two moments, the best; the mean
    if is_averaging:  # an evaluation lends the mean to the child and keeps its own weights
        scoring += parameters.total * _FLOAT
    table = sizes.n_words * sizes.vector_width * _FLOAT
    # the gradient of a trained table is of its size, and the rehearsal had one of a few words
    of_table = table if parameters.embedding else 0
    return MemoryParts(
        process=sizes.process + TRAINING_LIBRARIES if is_on_host else 0,
        data=sizes.data if is_on_host else 0,
        vectors=0 if parameters.embedding else table,
        weights=copies * parameters.total * _FLOAT,
        encoder=encoder,
        head=step - encoder + of_table,
        evaluation=max(0, scoring - step - of_table),
        slack=_slack(rehearsal, *batch[:2], encoder, step - encoder) if is_on_host else 0,
    )


def _slack(rehearsal: Rehearsal, n_documents: int, n_tokens: int, encoder: int, head: int) -> int:
    """Return by how much the process grows beyond its tensors."""
    of_node = _FLOAT * n_documents * n_tokens * rehearsal.node_width
    is_mapped = of_node >= MAPPED_FROM or rehearsal.is_unrolled
    return int((MAPPED_SLACK if is_mapped else HEAP_SLACK) * encoder + MAPPED_SLACK * head)
