"""Architectures that people know by name, and whatever else names a genome."""

from __future__ import annotations

from collections.abc import Mapping
import os
from pathlib import Path
from types import MappingProxyType

from optuna_xmcnas.exceptions import InvalidGenomeError
from optuna_xmcnas.genome.genome import Genome
from optuna_xmcnas.genome.genome import Node
from optuna_xmcnas.genome.ops import XML_CNN_OPS


KNOWN_GENOMES: Mapping[str, Genome] = MappingProxyType(
    {
        "attentionxml": Genome((Node("bilstm", 0),)),
        "xmcnas": Genome((Node("bilstm", 0), Node("bilstm", 0))),
        "xml-cnn": Genome(tuple(Node(op, 0) for op in XML_CNN_OPS)),
    }
)
"""By name: `attentionxml` is AttentionXML-1 (You et al., NeurIPS 2019), one BiLSTM; `xmcnas` is
what XMC-NAS found (ICONIP 2020, figure 5), two BiLSTMs that both read the embedding; `xml-cnn` is
XML-CNN (Liu et al., SIGIR 2017). The other parts of their networks:
:data:`~optuna_xmcnas.child.KNOWN_CHILDREN`."""


def read_genome(name: str) -> Genome:
    """Return the genome that a name, a file or a text stands for.

    Args:
        name: A name in :data:`KNOWN_GENOMES`, a file of :meth:`Genome.to_json` or of
            ``str(genome)``, or such a text itself: ``1:bilstm(0) 2:conv3(1)``.

    Raises:
        InvalidGenomeError: If it is none of them; the message says what would be.

    Example:
        >>> print(read_genome("xmcnas"))
        1:bilstm(0) 2:bilstm(0)
        >>> read_genome("1:bilstm(0)") == read_genome("attentionxml")
        True
    """
    if name in KNOWN_GENOMES:
        return KNOWN_GENOMES[name]
    if is_genome_text(name):
        return Genome.from_text(name)
    try:
        text = Path(name).read_text("utf-8")
    except (OSError, ValueError) as error:  # of the other kind: no UTF-8, a zero in the name
        known = ", ".join(KNOWN_GENOMES)
        raise InvalidGenomeError(
            f"{name!r} is none of the known architectures ({known}), no genome written as "
            f"'1:bilstm(0) 2:conv3(1)', and no file that can be read: {error}."
        ) from error
    try:
        return Genome.from_text(text) if is_genome_text(text) else Genome.from_json(text)
    except InvalidGenomeError as error:
        raise InvalidGenomeError(f"{name}: {error}") from error


def is_genome_text(text: str) -> bool:
    """Return whether a text is meant to be one for :meth:`Genome.from_text`; no file is.

    Example:
        >>> is_genome_text("1:bilstm(0)"), is_genome_text("xmcnas")
        (True, False)
    """
    begin, colon, rest = text.partition(":")
    has_parts = bool(colon) and "(" in rest and not begin.lstrip().startswith("{")
    return has_parts and not os.path.isfile(text)
