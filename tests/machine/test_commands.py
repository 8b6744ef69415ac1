"""Other programs are asked for a moment only, and whatever they do has words."""

import sys
import time

import pytest

from engine.errors import MachineError
from engine.machine.commands import answer_of


def test_the_answer_is_what_the_program_prints():
    assert answer_of(["echo", "two words"]) == "two words\n"


def test_a_missing_program_is_said_to_be_missing():
    with pytest.raises(MachineError, match="no-such-program cannot be run: No such file"):
        answer_of(["no-such-program"])


def test_a_failure_is_told_in_the_programs_own_last_words():
    with pytest.raises(MachineError, match="sh failed: no bus$"):
        answer_of(["sh", "-c", "echo first >&2; echo no bus >&2; exit 1"])


def test_a_silent_failure_is_told_by_its_exit_code():
    with pytest.raises(MachineError, match="sh failed: exit code 7"):
        answer_of(["sh", "-c", "exit 7"])


def test_nobody_waits_for_a_program_that_hangs():
    began = time.monotonic()
    with pytest.raises(MachineError, match="timed out after 0.2 s"):
        answer_of([sys.executable, "-c", "import time; time.sleep(60)"], seconds=0.2)
    assert time.monotonic() - began < 10


def test_bytes_that_are_no_text_are_no_trouble():
    assert answer_of(["printf", r"\377"]) == "\N{REPLACEMENT CHARACTER}"
