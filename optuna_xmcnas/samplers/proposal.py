"""What a sampler proposed for one trial: written to the trial before anything slow happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The parameters of one trial and where they come from.

    Args:
        params: Trial parameters by name.
        identity: Equal for equal children; what duplicates are found by.
        parent: Number of the trial that was mutated; None for a random or given proposal.
        mutation: Name of the mutation; None for a random proposal, "enqueued" for a given one.
        attempt: Which draw this is; above 1, the earlier ones were known already.
        expected: The merit that a guide expected of the child; None if it had no opinion.
        guided: Whether the guide chose the child.
    """

    params: dict[str, Any]
    identity: str
    parent: int | None = None
    mutation: str | None = None
    attempt: int = 1
    expected: float | None = None
    guided: bool = False

    def to_record(self) -> dict[str, Any]:
        """Return the proposal as a JSON-serialisable trial attribute."""
        return {
            "format": _FORMAT,
            "params": self.params,
            "identity": self.identity,
            "parent": self.parent,
            "mutation": self.mutation,
            "attempt": self.attempt,
            "expected": self.expected,
            "guided": self.guided,
        }

    @classmethod
    def from_record(cls, record: object) -> Proposal | None:
        """Return the proposal in a trial attribute, or None if there is none to be trusted.

        Example:
            >>> proposal = Proposal(params={"x": 1}, identity="1")
            >>> Proposal.from_record(proposal.to_record()) == proposal
            True
            >>> Proposal.from_record({"format": 99}) is None
            True
        """
        if not isinstance(record, Mapping) or record.get("format") != _FORMAT:
            return None
        params, identity = record.get("params"), record.get("identity")
        if not isinstance(params, Mapping) or not isinstance(identity, str):
            return None
        parent, mutation = record.get("parent"), record.get("mutation")
        attempt, expected = record.get("attempt"), record.get("expected")
        return cls(
            params=dict(params),
            identity=identity,
            parent=parent if isinstance(parent, int) else None,
            mutation=mutation if isinstance(mutation, str) else None,
            attempt=attempt if isinstance(attempt, int) else 1,
            expected=_number(expected),
            guided=record.get("guided") is True,
        )


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return None
