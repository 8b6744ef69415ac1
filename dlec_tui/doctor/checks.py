"""Table of all checks, in the order of the report."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from dlec_tui.doctor import (
    clipboard,
    connection,
    disk,
    encoding,
    graphics,
    libraries,
    logout,
    memory,
    python,
    store,
    terminal,
    tmux,
)
from dlec_tui.doctor.runner import Check
from engine.machine.torch_devices import SECONDS as TORCH_SECONDS


def checks(store_path: Path) -> Mapping[str, tuple[Check, ...]]:
    """All checks by heading."""
    home = store_path.parent.absolute()
    return {
        "Terminal and session": (
            Check("terminal", terminal.look),
            Check("tmux", tmux.look),
            Check("clipboard", clipboard.look),
            Check("locale", encoding.look),
            Check("connection", connection.look),
            Check("logout", logout.look),
        ),
        "Compute": (
            Check("Python", python.look),
            Check("torch", libraries.look_at_torch, TORCH_SECONDS + 1),
            Check("transformers", libraries.look_at_transformers),
            Check("GPUs", graphics.look),
            Check("memory", memory.look),
        ),
        "Storage": (
            Check("home", partial(disk.look_at_home, home)),
            Check("file system", partial(disk.look_at_file_system, home)),
            Check("store", partial(store.look, store_path)),
            Check("current directory", disk.look_here),
            Check("hub cache", disk.look_at_hub_cache),
        ),
    }
