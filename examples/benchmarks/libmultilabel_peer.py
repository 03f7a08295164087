"""AttentionXML as LibMultiLabel has it, for `attentionxml_step.py`; not a script of its own.

Measured with LibMultiLabel 0.10.0, which is not among this package's requirements: install it in
an environment of its own, without the libraries that its networks do not need,

    python -m venv peer
    peer/bin/pip install torch==2.13.0 lightning torchmetrics==0.10.3 transformers
    peer/bin/pip install --no-deps libmultilabel==0.10.0

The network is its ``AttentionXML_0``, the one it uses where labels are few or are clusters, with
frozen word vectors, in its ``Model``: made by ``init_model``, trained by ``training_step`` and
``configure_optimizers``. The step is Lightning's (forward pass, gradients to zero, backward pass,
Adam), without its trainer around it, and there is no clipping, because LibMultiLabel asks for
none. The batch with its dense target is made beforehand, as by its data loader.
"""

from __future__ import annotations

import sys

from libmultilabel.nn.nn_utils import init_model  # type: ignore[import-not-found]
from safetensors.torch import load_file
import torch
from turns import autocast  # type: ignore[import-not-found]  # a file beside this one
from turns import random_documents
from turns import random_vectors
from turns import serve
from turns import served
from turns import Settings
from turns import Sizes


class Peer:
    """Its network, its loss and its optimiser."""

    def __init__(self, sizes: Sizes, settings: Settings, weights: dict[str, torch.Tensor]) -> None:
        self._autocast = autocast(settings)
        self._model = init_model(
            "AttentionXML_0",
            {
                "rnn_dim": 2 * sizes.hidden,
                "linear_size": [sizes.fully_connected],
                "freeze_embed_training": True,
                "embed_dropout": 0.2,
                "post_encoder_dropout": 0.5,
            },
            classes=list(range(sizes.labels)),
            embed_vecs=random_vectors(sizes),
            init_weight="xavier_uniform",
            learning_rate=1e-3,
            silent=True,
        )
        # named as in the plain formulation, but for the initial state, which this one lacks
        names = {
            "encoder.rnn": "recurrence",
            "attention.attention": "queries",
            "output.linears.0": "first",
            "output.output": "last",
        }
        for name, parameter in self._model.network.named_parameters():
            module, _, leaf = name.rpartition(".")
            if module in names:
                parameter.data.copy_(weights[f"{names[module]}.{leaf}"])
        self._model.to(settings.device)
        documents = random_documents(sizes, 5)
        self._batch = {
            "text": documents.tokens.to(settings.device),
            "label": documents.dense_targets(sizes.labels).int().to(settings.device),
        }
        self._optimizer = self._model.configure_optimizers()

    def measure_loss(self) -> float:
        """Return the loss without dropout."""
        self._model.eval()
        with torch.no_grad(), self._autocast:
            loss, _ = self._model.shared_step(self._batch)
        self._model.train()
        return float(loss)

    def step(self) -> None:
        """Take a step in Lightning's order."""
        self._model.train()
        with self._autocast:
            loss = self._model.training_step(self._batch, 0)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()


def main() -> None:
    """Take part."""
    sizes, settings, weights, _ = served(sys.argv[1])
    serve(Peer(sizes, settings, load_file(weights)), settings)


if __name__ == "__main__":
    main()
