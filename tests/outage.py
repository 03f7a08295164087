"""A server that goes away and comes back: a port that forwards to it, or does not."""

from __future__ import annotations

from contextlib import suppress
import socket
import threading
from types import TracebackType
from typing import Self

from sqlalchemy.engine import make_url


class Outage:
    """Forwards a port to a server, until it is told to stop.

    Used with ``with``. While the line is cut, connections are refused.

    Args:
        url: Address of the server.
    """

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._pipes: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = _listener(0)
        self._port = self._listener.getsockname()[1]
        self._is_cut = False
        self._accepter = self._accept()

    @property
    def url(self) -> str:
        """The server's address through the port."""
        url = self._server.set(host="127.0.0.1", port=self._port)
        return url.render_as_string(hide_password=False)

    def cut(self) -> None:
        """Drop all connections and refuse new ones."""
        with self._lock:
            self._is_cut = True
        self._listener.close()
        with suppress(OSError):  # wakes `accept`, which holds the closed port open
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        self._accepter.join()
        with self._lock:
            for pipe in self._pipes:
                with suppress(OSError):
                    pipe.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for pipe in self._pipes:
            pipe.close()
        self._pipes, self._threads = [], []

    def mend(self) -> None:
        """Forward again."""
        self._is_cut = False
        self._listener = _listener(self._port)
        self._accepter = self._accept()

    def cut_for(self, seconds: float) -> threading.Timer:
        """Cut the line, and mend it after some seconds; wait for it with ``join``."""
        self.cut()
        timer = threading.Timer(seconds, self.mend)
        timer.start()
        return timer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._is_cut:
            self.cut()

    def _accept(self) -> threading.Thread:
        thread = threading.Thread(target=self._accept_all, args=(self._listener,), daemon=True)
        thread.start()
        return thread

    def _accept_all(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self._is_cut:
                    client.close()
                    return
                try:
                    server = socket.create_connection((self._server.host, self._server.port))
                except OSError:
                    client.close()
                    continue
                self._pipes += [client, server]
                for ends in ((client, server), (server, client)):
                    thread = threading.Thread(target=_pour, args=ends, daemon=True)
                    self._threads.append(thread)
                    thread.start()


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
