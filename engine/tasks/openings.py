"""What transformers says of checkpoints by their headers: asked of a child process once, remembered beside the store.

The child takes 3 s and more; an answer depends on nothing but config, headers and versions, so it is kept by those.
"""

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.families import is_known_family, library_versions
from engine.checkpoint.load_check import LoadCheck, load_check_of
from engine.errors import CheckpointError, MachineError
from engine.files import write_whole
from engine.plan.loading import Opened
from engine.plan.outputs import output_config, output_tensors
from engine.plan.stack import Stack
from engine.store.location import store_path

FOLDER = "openings"
"""Beside the store. What is in it can be deleted at any time."""
MOST_REMEMBERED = 500
"""Answers, of about a kilobyte each; the oldest are forgotten first."""
CHECK_SECONDS = 60.0
"""How long a plan check waits for transformers: the largest checkpoints take that long."""
_MODULE = "engine.inference.loadcheck"
_FORMAT = "2"


class OutOfTimeError(Exception):
    """The child was not done in time."""


@dataclass(frozen=True)
class Headers:
    """A checkpoint without its weights: what transformers is asked about."""

    what: str
    """For messages."""
    config: str
    """The text of its config.json."""
    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    """Name to dtype and shape."""
    model_type: str

    @cached_property
    def key(self) -> str:
        """The same for the same headers under the same versions."""
        digest = hashlib.sha256("\0".join((_FORMAT, *library_versions(), self.config)).encode())
        for name in sorted(self.tensors):
            dtype, shape = self.tensors[name]
            digest.update(f"\0{name} {dtype} {shape}".encode())
        return digest.hexdigest()

    @property
    def request(self) -> dict[str, Any]:
        return {"config": self.config, "tensors": self.tensors, "what": self.what}


def headers_of(checkpoint: Checkpoint) -> Headers:
    tensors = {name: (tensor.dtype, tensor.shape) for name, tensor in checkpoint.tensors.items()}
    return Headers(checkpoint.reference, checkpoint.config.text, tensors, _outer_type(checkpoint))


def planned_headers(stack: Stack) -> Headers | None:
    """Headers of the checkpoint that a merge would write; None where no config describes it."""
    try:
        config = output_config(stack).text
    except CheckpointError:
        return None
    tensors = {tensor.name: (tensor.dtype, tensor.shape) for tensor in output_tensors(stack)}
    return Headers("the new model", config, tensors, _outer_type(stack.config_donor))


def known_sources(stack: Stack) -> Opened:
    """What is remembered of the sources. Starts nothing: it is asked at every keystroke."""
    found = {checkpoint: remembered(checkpoint_key(checkpoint)) for checkpoint in stack.checkpoints}
    return Opened({checkpoint: each for checkpoint, each in found.items() if each is not None})


def known(stack: Stack) -> Opened:
    """What is remembered of the sources and of the new model."""
    planned = planned_headers(stack)
    return Opened(known_sources(stack).sources, None if planned is None else remembered(planned.key))


def asked(stack: Stack, seconds: float = CHECK_SECONDS, on_tick: Callable[[], None] = lambda: None) -> Opened:
    """The same, and whatever is not remembered asked of a child process, which may take so many seconds.

    What cannot be found out here (no torch, too little memory or time) is left out or unavailable.
    """
    ask(lacking(stack), seconds, on_tick)
    return known(stack)


def lacking(stack: Stack) -> list[Headers]:
    """What transformers has not been asked about yet, and can be asked about here."""
    planned = planned_headers(stack)
    wanted = [headers_of(checkpoint) for checkpoint in stack.checkpoints] + ([planned] if planned else [])
    return [each for each in wanted if _can_be_asked(each) and remembered(each.key) is None]


def lacking_sources(stack: Stack) -> list[Headers]:
    """Headers of the sources that are not cached and can be opened here."""
    lacking_ones = [each for each in stack.checkpoints if remembered(checkpoint_key(each)) is None]
    return [headers for headers in map(headers_of, lacking_ones) if _can_be_asked(headers)]


def _can_be_asked(headers: Headers) -> bool:
    return bool(library_versions()) and is_known_family(headers.model_type)


def ask(wanted: Sequence[Headers], seconds: float = CHECK_SECONDS, on_tick: Callable[[], None] = lambda: None) -> None:
    """Have one child process open all of these, and remember what it says."""
    from engine.tasks.child import conversation  # late: most checks start no process

    if not wanted:
        return
    deadline = time.monotonic() + seconds

    def give_up() -> None:
        on_tick()
        if time.monotonic() > deadline:
            raise OutOfTimeError

    with contextlib.suppress(MachineError), conversation([_MODULE]) as child:
        for headers in wanted:
            try:
                remember(headers.key, load_check_of(child(headers.request, on_tick=give_up)))
            except OutOfTimeError:
                remember(headers.key, LoadCheck(unavailable=f"transformers was not done after {seconds:.0f} s"))
                return


@lru_cache(maxsize=8)
def checkpoint_key(checkpoint: Checkpoint) -> str:
    """Worked out once for each opened checkpoint: large ones have 90,000 tensors."""
    return headers_of(checkpoint).key


def remembered(key: str) -> LoadCheck | None:
    """What was said of the headers with this key; None when that is not known."""
    try:
        return load_check_of(json.loads(_file(key).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def remember(key: str, found: LoadCheck) -> None:
    """Best effort: where nothing can be written it is asked again."""
    with contextlib.suppress(OSError):
        _file(key).parent.mkdir(parents=True, exist_ok=True)
        write_whole(_file(key), json.dumps(asdict(found)))
        for old in _oldest(_file(key).parent):
            old.unlink(missing_ok=True)


def _oldest(folder: Path) -> Iterator[Path]:
    """Cached files beyond the maximum number, oldest first."""
    files = sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
    yield from files[: max(0, len(files) - MOST_REMEMBERED)]


def _file(key: str) -> Path:
    return store_path().with_name(FOLDER) / f"{key}.json"


def _outer_type(checkpoint: Checkpoint) -> str:
    """The model type by which transformers chooses the class: the outermost one."""
    return str(checkpoint.config.data.get("model_type", ""))
