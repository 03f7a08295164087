"""What cannot be read off the code or the data: fitted to measurements, here with which.

All on Linux with glibc and PyTorch 2.13 on two busy cores, from the cases of
`examples/benchmarks/plan_accuracy.py`: what the peak had beyond the parts that are known. None of
them matters on CUDA, where only PyTorch's allocator counts; nothing was compared there.
"""

from __future__ import annotations


TRAINING_LIBRARIES = 90 * 2**20
"""Bytes that the first training adds to a process and that no tensor of it holds: modules imported
late, stacks of threads, compiled kernels (the case `tiny`, whose tensors take 4 MiB, had 100 MiB
more than its process and data)."""

MAPPED_FROM = 20 * 2**20
"""Bytes of a node's output from which most tensors of a step get pages of their own, which go back
to the system with them; smaller ones lie in the heap. glibc's own limit is 32 MiB (mallopt(3),
M_MMAP_THRESHOLD), and what a recurrence keeps is larger than its output."""

HEAP_SLACK = 2.4
"""Share of what the encoder keeps by which the process grows beyond it where it lies in the heap,
among tensors that live longer: the holes fit no batch of another length (1.2 to 3.6)."""

MAPPED_SLACK = 0.35
"""The same where tensors have pages of their own, or are many and tiny, and of all that is not
the encoder's (0.15 to 0.35)."""

TOUCHED_SHARE = {"aten::mkldnn_rnn_layer": 0.5}
"""Share of the workspace (uint8) of oneDNN's recurrences that counts: it asks for 16 numbers per
unit and token and writes 4 of them on the way there, more on the way back; what is never written
is not resident (0.53 in two trainings of AttentionXML's size)."""

MARGIN = 0.25
"""How far a prediction may be off, as a share; what is nearer to the limit is called tight."""
