"""Runs commands in processes that have everything imported already.

Importing PyTorch takes seconds, and the pages have dozens of commands. So a server imports it once
and waits at a socket. Each client, a few lines named like the command, brings its command line,
folder, environment and standard streams; the command runs in a fork of the server, which is a
process like any other.

    python -m tests.docs.forking_server SOCKET
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import json
import os
from pathlib import Path
import signal
import socket
import sys
import traceback

from tests.docs.commands import COMMANDS
from tests.docs.commands import import_once


CLIENT = """\
#!{python} -IS
import json, os, signal, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
request = [os.path.basename(sys.argv[0]), *sys.argv[1:]], os.getcwd(), dict(os.environ)
socket.send_fds(connection, [b"\\n"], [0, 1, 2])
connection.sendall(json.dumps(request).encode())
connection.shutdown(socket.SHUT_WR)
process = int.from_bytes(connection.recv(8), "big")
signal.signal(signal.SIGINT, lambda number, _: os.kill(process, number))
signal.signal(signal.SIGTERM, lambda number, _: os.kill(process, number))
code = connection.recv(1)
sys.exit(code[0] if code else 1)
"""


def write_clients(folder: Path, address: Path) -> None:
    """Write a program for each command that the server knows."""
    folder.mkdir()
    for name in COMMANDS:
        client = folder / name
        client.write_text(CLIENT.format(python=sys.executable, address=str(address)))
        client.chmod(0o755)


def serve(address: str, commands: Mapping[str, Callable[[], object]]) -> None:
    """Run one command per connection, until killed."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        sys.stdout.write("ready\n")  # whoever started the server waits for it
        sys.stdout.flush()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the forks
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                code = _run(connection, commands)
                connection.send(bytes([code]))
                os._exit(code)
            connection.close()


def _run(connection: socket.socket, commands: Mapping[str, Callable[[], object]]) -> int:
    """Take over what the client sent, run its command, and return the exit code."""
    _, streams, _, _ = socket.recv_fds(connection, 1, 3)
    arguments, folder, environment = json.loads(_read_all(connection))
    connection.send(os.getpid().to_bytes(8, "big"))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    try:
        commands[arguments[0]]()
        code: object = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    for said in (sys.stdout, sys.stderr):
        if not said.closed:
            said.flush()
    if isinstance(code, str):
        os.write(2, code.encode())
    return code if isinstance(code, int) else int(code is not None)


def _read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


if __name__ == "__main__":
    import_once()
    serve(sys.argv[1], COMMANDS)
