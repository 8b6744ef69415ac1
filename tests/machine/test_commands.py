"""Other programs are asked for a moment only, and whatever they do has words."""

import sys
import time

import pytest

from engine.errors import MachineError
from engine.machine.commands import output_of


def test_the_answer_is_what_the_program_prints():
    assert output_of(["echo", "two words"]) == "two words\n"


def test_a_missing_program_is_reported():
    with pytest.raises(MachineError, match="no-such-program cannot be run: No such file"):
        output_of(["no-such-program"])


def test_a_failure_is_reported_with_the_last_line_of_stderr():
    with pytest.raises(MachineError, match="sh failed: no bus$"):
        output_of(["sh", "-c", "echo first >&2; echo no bus >&2; exit 1"])


def test_a_silent_failure_is_reported_with_its_exit_code():
    with pytest.raises(MachineError, match="sh failed: exit code 7"):
        output_of(["sh", "-c", "exit 7"])


def test_a_program_that_hangs_times_out():
    began = time.monotonic()
    with pytest.raises(MachineError, match="timed out after 0.2 s"):
        output_of([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.2)
    assert time.monotonic() - began < 10


def test_bytes_that_are_not_utf8_are_replaced():
    assert output_of(["printf", r"\377"]) == "\N{REPLACEMENT CHARACTER}"
