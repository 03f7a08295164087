"""The names of the operations a node may apply; their layers live in the child part."""

from __future__ import annotations


DEFAULT_OPS = (
    "conv1",
    "conv3",
    "conv5",
    "conv7",
    "maxpool3",
    "avgpool3",
    "bilstm",
    "bigru",
)
"""The candidate operations of XMC-NAS (ICONIP 2020, section 3.1)."""

XML_CNN_OPS = ("conv2", "conv4", "conv8")
"""The convolutions of XML-CNN (Liu et al., SIGIR 2017), which a search does not try by default."""
