"""`python -m engine.jobs STORE SLOT`: a background worker. Its output goes to its log."""

import os
import sys
from pathlib import Path

from engine.errors import DlecError
from engine.jobs.settings import job_settings
from engine.jobs.slots import parse_slot
from engine.jobs.worker import Outcome, work


def main(store: Path, slot: str) -> int:
    try:
        outcome = work(store, parse_slot(slot), idle_seconds=job_settings(store).idle_seconds)
    except DlecError as error:
        print(error, file=sys.stderr)
        return os.EX_UNAVAILABLE
    return os.EX_TEMPFAIL if outcome is Outcome.ASKED else os.EX_OK


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
