"""A study behind Optuna's gRPC server."""

from __future__ import annotations

from collections.abc import Callable
import functools
from importlib import import_module
from typing import Any
from typing import final

from optuna.storages import GrpcStorageProxy


_DEADLINE_S = 60.0  # of one call
_OPTIONS = [
    ("grpc.max_receive_message_length", -1),  # as Optuna has it: a study may be large
    ("grpc.max_reconnect_backoff_ms", 10_000),  # gRPC would wait for up to two minutes
]


@final
class BoundedGrpcProxy(GrpcStorageProxy):
    """Optuna's client, but no call lasts for ever when the network swallows what is sent."""

    def _setup(self) -> None:
        super()._setup()
        self._channel.close()
        address = f"{self._host}:{self._port}"
        self._channel = import_module("grpc").insecure_channel(address, options=_OPTIONS)
        stub: Any = _Deadline(type(self._stub)(self._channel))  # called just as the one inside
        self._stub = self._cache.grpc_client = stub


class _Deadline:
    """The calls of a gRPC client, each with a time limit."""

    def __init__(self, stub: object) -> None:
        self._stub = stub

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(getattr(self._stub, name), timeout=_DEADLINE_S)
