"""Results of opening checkpoints with transformers from their headers alone, in a child process; they are cached."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.load_check import LoadCheck, is_known_family, library_versions, load_check_of
from engine.errors import CheckpointError, MachineError
from engine.plan.outputs import output_config, output_tensors
from engine.plan.source_defects import Opened
from engine.plan.stack import Stack
from engine.tasks.answer_cache import AnswerCache, answer_cache

FOLDER = "header_checks"
CHECK_SECONDS = 60.0
"""Seconds that a plan check waits for transformers; the largest checkpoints take that long."""
NO_LIBRARIES = "torch and transformers are not both installed"
_MODULE = "engine.inference.loadcheck"
_FORMAT = "2"


class OutOfTimeError(Exception):
    """The child process did not answer in time."""


@dataclass(frozen=True)
class Headers:
    """Checkpoint without weights, as a request to the child process."""

    what: str
    """Name for messages."""
    config: str
    """The text of config.json."""
    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    """Name to dtype and shape."""
    model_type: str

    @cached_property
    def key(self) -> str:
        """Digest of the headers and of the library versions."""
        digest = hashlib.sha256("\0".join((_FORMAT, *library_versions(), self.config)).encode())
        for name in sorted(self.tensors):
            dtype, shape = self.tensors[name]
            digest.update(f"\0{name} {dtype} {shape}".encode())
        return digest.hexdigest()

    @property
    def request(self) -> dict[str, Any]:
        return {"config": self.config, "tensors": self.tensors, "what": self.what}

    @property
    def can_be_checked(self) -> bool:
        """Return True if transformers is installed and has the model's family."""
        return bool(library_versions()) and is_known_family(self.model_type)


def headers_of(checkpoint: Checkpoint) -> Headers:
    tensors = {name: (tensor.dtype, tensor.shape) for name, tensor in checkpoint.tensors.items()}
    return Headers(checkpoint.reference, checkpoint.config.text, tensors, _outer_type(checkpoint))


def planned_headers(stack: Stack) -> Headers | None:
    """Return the headers of the checkpoint that a merge would write; None if no config describes it."""
    try:
        config = output_config(stack).text
    except CheckpointError:
        return None
    tensors = {tensor.name: (tensor.dtype, tensor.shape) for tensor in output_tensors(stack)}
    return Headers("the new model", config, tensors, _outer_type(stack.config_donor))


@dataclass(frozen=True)
class HeaderChecks:
    """Cache of header checks, and the child process that makes missing ones."""

    cache: AnswerCache

    def known_sources(self, stack: Stack) -> Opened:
        """Return the cached checks of a stack's sources. Starts no process: it is called at every keystroke."""
        checks = {checkpoint: self._find(checkpoint_key(checkpoint)) for checkpoint in stack.checkpoints}
        return Opened({checkpoint: each for checkpoint, each in checks.items() if each is not None})

    def known(self, stack: Stack) -> Opened:
        """Return the cached checks of a stack's sources and of the new model."""
        planned = planned_headers(stack)
        return Opened(self.known_sources(stack).sources, None if planned is None else self._find(planned.key))

    def checked(
        self, stack: Stack, seconds: float = CHECK_SECONDS, on_tick: Callable[[], None] = lambda: None
    ) -> Opened:
        """Return the checks of a stack's sources and of the new model; a child process makes missing ones.

        seconds: time limit of the child process. A check that cannot be made is `unavailable`, with the reason.
        """
        self.make(self.lacking(stack), seconds, on_tick)
        return self.with_unavailable(stack, self.known(stack))

    def with_unavailable(self, stack: Stack, opened: Opened) -> Opened:
        """Return the checks with every source that is not cached unavailable if torch or transformers is missing."""
        if library_versions():
            return opened
        return replace(opened, sources={c: LoadCheck(unavailable=NO_LIBRARIES) for c in stack.checkpoints})

    def lacking(self, stack: Stack) -> list[Headers]:
        """Return the headers of the sources and of the new model that are not cached and can be checked here."""
        planned = planned_headers(stack)
        headers = [headers_of(checkpoint) for checkpoint in stack.checkpoints] + ([planned] if planned else [])
        return [headers for headers in headers if headers.can_be_checked and self._find(headers.key) is None]

    def make(
        self, requests: Sequence[Headers], seconds: float = CHECK_SECONDS, on_tick: Callable[[], None] = lambda: None
    ) -> None:
        """Check all of these in one child process and cache the results."""
        from engine.tasks.process import conversation  # late: most plan checks start no process

        if not requests:
            return
        deadline = time.monotonic() + seconds

        def tick() -> None:
            on_tick()
            if time.monotonic() > deadline:
                raise OutOfTimeError

        headers = requests[0]
        try:
            with conversation([_MODULE]) as child:
                for headers in requests:
                    self._keep(headers, load_check_of(child(headers.request, on_tick=tick)))
        except OutOfTimeError:
            self._keep(headers, LoadCheck(unavailable=f"transformers took more than {seconds:.0f} s"))
        except MachineError as error:
            self._keep(headers, LoadCheck(unavailable=error.line))

    def _find(self, key: str) -> LoadCheck | None:
        try:
            answer = self.cache.find(key)
            return None if answer is None else load_check_of(dict(answer))
        except TypeError:
            return None

    def _keep(self, headers: Headers, check: LoadCheck) -> None:
        self.cache.keep(headers.key, asdict(check))


def header_checks(home: Path | None = None) -> HeaderChecks:
    """Return the header checks of the store's directory `home`; None for the default."""
    return HeaderChecks(answer_cache(FOLDER, home))


@lru_cache(maxsize=8)
def checkpoint_key(checkpoint: Checkpoint) -> str:
    """Return the key of an open checkpoint's headers, computed once: large ones have 90,000 tensors."""
    return headers_of(checkpoint).key


def _outer_type(checkpoint: Checkpoint) -> str:
    """Return the outermost model type, by which transformers chooses the class."""
    return str(checkpoint.config.data.get("model_type", ""))
