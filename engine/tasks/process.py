"""Processes of the engine that answer requests: torch's memory and crashes stay there."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import engine
from engine.errors import MachineError, UnexpectedError, machine_error, shown
from engine.protocol import Report, from_data, no_report

TICK = 0.25
"""Interval in seconds of checks on a silent process."""
_CHUNK = 1 << 16
_LAST_LINES = 3
_LAST_BYTES = 1 << 16


class EngineProcess:
    """Process `python -m MODULE` that answers requests until its context ends."""

    def __init__(self, arguments: Sequence[str], talk: IO[Any] | None, *, online: bool = False) -> None:
        """arguments: module and its arguments; talk: file for its stderr, None for that of this process.

        online: whether it may use the model hub. Raises MachineError if it cannot be started.
        """
        self._name = arguments[-1]
        # -P: a gguf.py or torch.py in the user's working directory must not be taken for the library.
        command = [sys.executable, "-P", "-m", *arguments]
        pipe = subprocess.PIPE
        try:
            # A session of its own: one signal reaches the processes that it starts too, a terminal's signals do not.
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=talk, env=environment(online=online), start_new_session=True
            )
        except OSError as error:
            raise machine_error(f"{self._name} cannot be started", error) from error

    def __enter__(self) -> "EngineProcess":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def answer(
        self,
        request: Mapping[str, Any],
        on_progress: Report = no_report,
        on_tick: Callable[[], None] = lambda: None,
        last_words: Callable[[], str] = lambda: "",
    ) -> dict[str, Any]:
        """Return the answer of the process. on_tick is called every TICK seconds, and may raise to end the request.

        last_words: returns what the process wrote on stderr, for an ending without an answer. Raises the DlecError that
        it reports, or MachineError when it crashes. After any exception but a reported DlecError the process has ended.
        """
        try:
            said = self._conversation(request, on_progress, on_tick)
        except BaseException:
            self.kill()
            raise
        if said is None:
            raise _failure(self._name, self._process.wait(), last_words())
        if "error" in said:
            raise from_data(said["error"])
        answer: dict[str, Any] = said["answer"]
        return answer

    def kill(self) -> None:
        """Kill the process and its children; files that it writes are as complete as after a power cut."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)

    def _conversation(
        self, request: Mapping[str, Any], on_progress: Report, on_tick: Callable[[], None]
    ) -> dict[str, Any] | None:
        """Return the final message about the request; None if the process ends before it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(dict(request)).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self._lines(on_tick):
            said: dict[str, Any] = json.loads(line)
            if "progress" not in said:
                return said
            on_progress(*said["progress"])
        return None

    def _lines(self, on_tick: Callable[[], None]) -> Iterator[bytes]:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        rest, looked_at = b"", time.monotonic()
        while True:
            is_speaking = bool(select.select([descriptor], [], [], TICK)[0])
            if time.monotonic() - looked_at >= TICK:
                on_tick()
                looked_at = time.monotonic()
            if not is_speaking:
                continue
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


def tail_of(file: Path, offset: int = 0) -> str:
    """Return the end of a log, without what is before `offset`."""
    with file.open("rb") as log:
        log.seek(max(offset, file.stat().st_size - _LAST_BYTES))
        return log.read().decode(errors="replace")


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):  # something was still to be written
        pipe.close()


def environment(*, online: bool) -> dict[str, str]:
    """Return the environment of a process of the engine: offline unless `online`, with this engine importable.

    Its threads sleep while they wait for each other: on a busy machine, threads that spin instead take two to three
    times as long for a layer. CUDA numbers GPUs as NVIDIA's tools do, by their place on the bus; its own order
    is the fastest first, which the user cannot see.
    """
    engine_root = str(Path(engine.__file__).parent.parent)
    paths = [engine_root, os.environ.get("PYTHONPATH", "")]
    offline = {} if online else {"HF_HUB_OFFLINE": "1"}
    usual = {"OMP_WAIT_POLICY": "PASSIVE", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return {**usual, **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **offline}


def _failure(name: str, code: int, talk: str) -> MachineError:
    """Return the error for a process without an answer, from its exit code and its stderr."""
    if code == -signal.SIGKILL:
        return MachineError(f"{name} was killed", why="probably because memory ran out", fix="Free some memory.")
    if code < 0:
        return MachineError(f"{name} crashed", why=f"{signal_name(-code)}; {_last_lines(talk)}")
    return MachineError(f"{name} {'failed' if code else 'gave no answer'}", why=_last_lines(talk))


def signal_name(number: int) -> str:
    """Return the name of a signal: "SIGSEGV", "SIGRTMIN+3". Python has no names for most real-time signals."""
    try:
        return signal.Signals(number).name
    except ValueError:
        first = getattr(signal, "SIGRTMIN", number)
        return f"SIGRTMIN+{number - first}" if number > first else f"signal {number}"


def _last_lines(talk: str) -> str:
    lines = [shown(line.strip()) for line in talk.splitlines() if line.strip()]
    return " / ".join(lines[-_LAST_LINES:]) or "it said nothing"


TASK_MODULE = "engine.tasks"


def run_task(name: str, request: Mapping[str, Any], on_progress: Report = no_report) -> dict[str, Any]:
    """Return the answer of the task `name` to `request`. Raises like `run_child`."""
    return _answer([TASK_MODULE, name], {"task": name, "request": request}, on_progress)


def run_child(module: str, request: Mapping[str, Any], on_progress: Report = no_report) -> dict[str, Any]:
    """Return the answer of `python -m module` to `request`.

    Raises the DlecError that the child reports, or MachineError if it crashes or is killed. What the child wrote on
    stderr is a note of an UnexpectedError.
    """
    return _answer([module], request, on_progress)


@contextmanager
def conversation(arguments: Sequence[str]) -> Iterator[Callable[..., dict[str, Any]]]:
    """Provide the `answer` of a process that answers several requests; it raises like `run_child`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as talk:

        def last_words() -> str:
            talk.seek(0)
            return talk.read()

        with EngineProcess(arguments, talk) as process:
            try:
                yield partial(process.answer, last_words=last_words)
            except UnexpectedError as error:
                error.add_note(last_words())
                raise


def _answer(arguments: Sequence[str], request: Mapping[str, Any], on_progress: Report) -> dict[str, Any]:
    with conversation(arguments) as answer:
        return answer(request, on_progress)
