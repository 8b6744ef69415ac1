"""Kills real merges at random moments and looks at what is left."""

import random
import shutil
import signal
import subprocess
import sys
import time

from engine.merge.partial import partial_of
from tests.merge.stacks import leftovers, merged, settled_bytes, stack_of

CHILD = """
import sys
from pathlib import Path
import engine.merge.planned_operations, engine.merge.writer
from tests.merge.stacks import merged, stack_of
engine.merge.planned_operations.MAX_COPY = 2**16      # hundreds of operations and watermarks in a small checkpoint
engine.merge.writer.SYNC_BYTES = 2**18
stack = stack_of(sys.argv[1], levels=((("o_proj", 0.0),),))
print("ready", flush=True)
merged(stack, Path(sys.argv[2]), max_shard_size=2**20, overwrite=bool(sys.argv[3]))
"""


class Killing:
    """Merges of one checkpoint, killed; `base` is its directory, `room` a directory to work in."""

    def __init__(self, base, room, seed):
        self.base, self.room = base, room
        self.random = random.Random(seed)
        self.expected = self._undisturbed()
        self.old = self._old()
        self.longest = self._longest()

    def _undisturbed(self):
        assert self._started(self.room / "undisturbed", is_overwriting=False).wait() == 0
        return settled_bytes(self.room / "undisturbed")

    def _old(self):
        merged(stack_of(self.base, (0, 1)), self.room / "old")
        return settled_bytes(self.room / "old")

    def _longest(self):
        """Seconds that a merge in a child process takes."""
        child = self._started(self.room / "timed", is_overwriting=False)
        began = time.monotonic()
        child.wait()
        return time.monotonic() - began

    def _started(self, out, *, is_overwriting):
        """A child process that is about to merge."""
        command = [sys.executable, "-c", CHILD, str(self.base), str(out), "yes" if is_overwriting else ""]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stdout.readline() == "ready\n"
        return child

    def kill(self, count):
        """Kill `count` merges; one that was done before the signal came does not count."""
        killed, attempts = 0, 0
        while killed < count:
            attempts += 1
            assert attempts < 10 * count, "merges are done before they can be killed"
            if self._once(attempts):
                killed += 1
            else:
                self.longest *= 0.9

    def _once(self, number):
        """Kill one merge, look, let the next run finish, look again. False when the signal came too late."""
        out = self.room / f"out{number}"
        is_overwriting = bool(number % 2)
        if is_overwriting:
            shutil.copytree(self.room / "old", out)
        child = self._started(out, is_overwriting=is_overwriting)
        time.sleep(self.random.uniform(0, self.longest))
        child.send_signal(signal.SIGKILL)
        was_killed = child.wait() == -signal.SIGKILL
        self._look(out, is_overwriting=is_overwriting)
        self._finish(out, is_overwriting=is_overwriting)
        shutil.rmtree(out)
        return was_killed

    def _look(self, out, *, is_overwriting):
        """Under the final name: what was there before, or the whole new checkpoint."""
        found = settled_bytes(out) if out.exists() else None
        assert found in (self.old if is_overwriting else None, self.expected)

    def _finish(self, out, *, is_overwriting):
        """Run the merge again. One killed after its last step is told that its output is there."""
        is_done = out.exists() and settled_bytes(out) == self.expected and not partial_of(out).record.exists()
        _, complaint = self._started(out, is_overwriting=is_overwriting).communicate()
        assert ("exists and is not empty" in complaint) == (is_done and not is_overwriting), complaint
        assert settled_bytes(out) == self.expected
        assert leftovers(out) == []
