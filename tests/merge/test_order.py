"""What survives a power cut is decided by the order of system calls; strace shows it."""

import re
import shutil
import subprocess
import sys

import pytest

from engine.merge.partial import partial_of

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

CALLS = (
    "openat,write,pwrite64,sendfile,copy_file_range,fallocate,fsync,fdatasync,rename,renameat,renameat2,unlink,rmdir"
)
CHILD = """
import sys
from pathlib import Path
from tests.merge.stacks import merged, stack_of
merged(stack_of(sys.argv[1]), Path(sys.argv[2]), max_shard_size=4000, overwrite=True, hash_sums=True)
"""
WRITES = ("write", "pwrite64", "sendfile", "copy_file_range", "fallocate")
SYNCS = ("fsync", "fdatasync")
RENAMES = ("rename", "renameat", "renameat2")


@pytest.fixture(scope="module", params=["free", "taken"])
def trace(request, base, tmp_path_factory):
    """(call, arguments) in the order in which a merge began them, and the output's path."""
    directory = tmp_path_factory.mktemp("traced")
    out = directory / "out"
    if request.param == "taken":
        shutil.copytree(base, out)
    log = directory / "log"
    strace = ["strace", "-f", "-y", "-s", "64", "-e", f"trace={CALLS}", "-o", str(log)]
    done = subprocess.run([*strace, sys.executable, "-c", CHILD, str(base), str(out)], capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    matches = (re.match(r"\d+\s+(\w+)\((.*)", line) for line in log.read_text().splitlines())
    return [(match[1], match[2]) for match in matches if match], out


def places(trace, names, *texts):
    """Positions of calls of these names whose arguments hold all texts."""
    return [at for at, (name, rest) in enumerate(trace) if name in names and all(text in rest for text in texts)]


def test_every_file_is_synced_after_its_last_write_and_before_the_rename(trace):
    calls, out = trace
    model = str(partial_of(out).model)
    (*_, published) = places(calls, RENAMES, f'"{model}"', f'"{out}"')
    for path in out.iterdir():
        name = f"<{model}/{path.name}>"
        written = [at for at, (call, rest) in enumerate(calls) if call in WRITES and is_target(call, rest, name)]
        assert written, path.name
        assert written[-1] < places(calls, SYNCS, name)[-1] < published, path.name


def is_target(call, rest, name):
    """Whether a write goes to the file: copy_file_range names its source first."""
    return rest.split(", ")[2 if call == "copy_file_range" else 0].endswith(name)


def test_directories_are_synced_before_and_after_the_rename(trace):
    calls, out = trace
    model, parent = partial_of(out).model, out.parent
    (*_, published) = places(calls, RENAMES, f'"{model}"', f'"{out}"')
    assert places(calls, SYNCS, f"<{model}>")[-1] < published
    assert published < places(calls, SYNCS, f"<{parent}>")[-1]


def test_old_things_are_removed_only_after_the_new_name_is_durable(trace):
    calls, out = trace
    durable = places(calls, SYNCS, f"<{out.parent}>")[-1]
    removals = places(calls, ("unlink", "rmdir", "unlinkat"), str(partial_of(out).journal))
    assert removals
    assert durable < removals[-1]


def test_a_watermark_is_written_only_after_its_shards_are_synced(trace):
    calls, out = trace
    model, journal = partial_of(out).model, partial_of(out).journal
    (*_, marked) = places(calls, ("write",), f"<{journal}>", "done")
    last_write = max(places(calls, ("copy_file_range",), f"<{model}/model-"))
    shards = {path.name for path in out.glob("*.safetensors")}
    synced = {shard for shard in shards for at in places(calls, SYNCS, f"/{shard}>") if last_write < at < marked}
    assert synced == shards
    assert places(calls, SYNCS, f"<{journal}>")[-1] > marked
