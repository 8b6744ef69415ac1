"""Engine processes that are forked from one that has imported torch and transformers: 0.1 s each instead of 4 s.

A forked process has its own session, pipes, environment and working directory, and runs the module as `python -m` does.
What libraries read from the environment when they are imported was read when the first process started.
"""

import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from json import dumps, loads
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.processes import die_with_parent
from engine.tasks.process import environment

LONGEST = 1 << 17
"""Bytes of the largest message: the variables of a process."""
PRELOADED = ("torch", "transformers.models.llama.modeling_llama", "transformers.models.auto.tokenization_auto")
COMMAND = [sys.executable, "-P", "-m"]
"""Beginning of every command of an EngineProcess."""


class Forked:
    """What an EngineProcess uses of a `Popen`."""

    def __init__(self, server: Path, arguments: Sequence[str], stderr: Any, variables: Mapping[str, str]) -> None:
        its_stdin, own_stdin = os.pipe()
        own_stdout, its_stdout = os.pipe()
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(str(server))
        message = dumps({"arguments": arguments, "variables": dict(variables), "directory": str(Path.cwd())}).encode()
        descriptors = [its_stdin, its_stdout, 2 if stderr is None else stderr.fileno()]
        socket.send_fds(self._connection, [message], descriptors)
        os.close(its_stdin)
        os.close(its_stdout)
        self.stdin, self.stdout = os.fdopen(own_stdin, "wb"), os.fdopen(own_stdout, "rb")
        self.pid = int(self._connection.recv(LONGEST))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._received(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        code = self._received(0)
        assert code is not None
        return code

    def _received(self, flags: int) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = int(self._connection.recv(LONGEST, flags))
            except BlockingIOError:
                return None
            self._connection.close()
        return self.returncode


@contextmanager
def warm_engine() -> Iterator[Callable[[], AbstractContextManager[None]]]:
    """Yield a context in which engine processes that stay offline are forked. The first of them starts the server."""
    with tempfile.TemporaryDirectory() as directory:
        path, servers = Path(directory) / "server", list[subprocess.Popen[bytes]]()

        def started(command: Sequence[str], *, env: Mapping[str, str], stderr: Any, **rest: Any) -> Any:
            if env.get("HF_HUB_OFFLINE") != "1" or list(command[:3]) != COMMAND:
                return subprocess.Popen(command, env=env, stderr=stderr, **rest)
            if not servers:
                servers.append(_started_server(path))
            return Forked(path, command[3:], stderr, env)

        @contextmanager
        def forking() -> Iterator[None]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("engine.tasks.process.subprocess", SimpleNamespace(Popen=started, PIPE=subprocess.PIPE))
                yield

        yield forking
        for server in servers:
            server.kill()
            server.communicate()


def _started_server(path: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.warm_engine", str(path)]
    root = Path(__file__).parents[1]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(online=False), cwd=root)
    assert server.stdout is not None
    assert server.stdout.readline() == b"listening\n"
    return server


def serve(path: Path) -> None:
    """Fork a process for every connection to the socket at `path`."""
    die_with_parent()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # its children are reaped by the system
    for name in PRELOADED:
        __import__(name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(64)
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                return _watch(connection)
            connection.close()


def _watch(connection: socket.socket) -> None:
    """Fork the process that is asked for, report its pid and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, descriptors, _, _ = socket.recv_fds(connection, LONGEST, 3)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        connection.send(str(os.getpid()).encode())
        connection.close()
        return _become(loads(message), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    ending = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert ending is not None
    code = ending.si_status if ending.si_code == os.CLD_EXITED else -ending.si_status
    connection.send(str(code).encode())
    connection.recv(1)  # until it is received, the pid must not be used again
    os._exit(0)


def _become(process: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(process["variables"])
    os.chdir(process["directory"])
    sys.argv = list(process["arguments"])
    sys.path[:0] = process["variables"]["PYTHONPATH"].split(os.pathsep)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
