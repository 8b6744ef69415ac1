"""Plan files."""

import os
from pathlib import Path

from engine.errors import PlanError, UsageError, machine_error, shown
from engine.files import open_regular

MAX_PLAN_BYTES = 2_000_000


def plan_text(plan: str | os.PathLike[str]) -> str:
    """Return `plan` itself if it is the text of a plan (any string with a line break), else the text of the file.

    Raises like `plan_text_of`.
    """
    return plan if isinstance(plan, str) and "\n" in plan else plan_text_of(Path(plan))


def plan_text_of(path: Path) -> str:
    """Return the text of the plan at `path`.

    Raises PlanError for a file that is not UTF-8 text or too long to be a plan, MachineError when it cannot be read.
    """
    try:
        with open_regular(path) as file:
            raw = file.read(MAX_PLAN_BYTES + 1)
        if len(raw) > MAX_PLAN_BYTES:
            raise PlanError(f"{shown(path)} is refused", why=f"a plan has at most {MAX_PLAN_BYTES:,} bytes")
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PlanError(f"{shown(path)} is not UTF-8 text", why=str(error.reason)) from error
    except OSError as error:
        raise machine_error(f"{shown(path)} cannot be read", error) from error
    except ValueError as error:
        raise UsageError(f"{shown(path)} cannot be read", why=str(error)) from error
