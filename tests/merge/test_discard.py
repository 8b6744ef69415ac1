"""What giving up a merge promises: nothing of it remains, and nothing else is touched."""

import errno
import os

import pytest

from engine.errors import MachineError, UsageError
from engine.merge.partial import locked, partial_of
from engine.merge.publish import discard
from tests.merge.stacks import leftovers, merged, settled_bytes, stack_of


class Killed(BaseException):
    """What no handler catches."""


def die(*_arguments):
    raise Killed


def killed(base, out, **options):
    with pytest.raises(Killed):
        merged(stack_of(base), out, **({"progress": die} | options))


def test_an_unfinished_merge_leaves_nothing(base, tmp_path):
    killed(base, tmp_path / "out")
    assert leftovers(tmp_path / "out") != []
    discard(tmp_path / "out")
    assert leftovers(tmp_path / "out") == []
    assert not (tmp_path / "out").exists()


def test_the_checkpoint_that_was_to_be_replaced_stays(base, tmp_path):
    merged(stack_of(base, (0, 1)), tmp_path / "out")
    before = settled_bytes(tmp_path / "out")
    killed(base, tmp_path / "out", overwrite=True)
    discard(tmp_path / "out")
    assert settled_bytes(tmp_path / "out") == before
    assert leftovers(tmp_path / "out") == []


def test_a_publication_that_was_begun_is_finished(base, tmp_path, monkeypatch):
    """The old checkpoint is out of the way, the new one has no name yet: dropping either would lose both."""
    merged(stack_of(base), tmp_path / "expected")
    merged(stack_of(base, (0, 1)), tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr("engine.merge.publish.exchange", lambda *_: False)
        patch.setattr("engine.merge.publish._replace", set_aside)
        killed(base, tmp_path / "out", overwrite=True, progress=lambda *_: None)
    assert not (tmp_path / "out").exists()
    discard(tmp_path / "out")
    assert settled_bytes(tmp_path / "out") == settled_bytes(tmp_path / "expected")
    assert leftovers(tmp_path / "out") == []


def set_aside(partial):
    partial.out.rename(partial.replaced)
    raise Killed


def test_somebody_elses_merge_is_left_alone(base, tmp_path):
    killed(base, tmp_path / "out")
    with locked(partial_of(tmp_path / "out")):
        with pytest.raises(UsageError, match="is being merged already"):
            discard(tmp_path / "out")
        assert partial_of(tmp_path / "out").journal.exists()


def test_where_nothing_is_nothing_is_made(tmp_path):
    discard(tmp_path / "deep/out")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_said(base, tmp_path, monkeypatch):
    killed(base, tmp_path / "out")

    def forbidden(*_arguments, **_settings):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "model")

    monkeypatch.setattr("shutil.rmtree", forbidden)
    with pytest.raises(MachineError, match="model cannot be removed: Permission denied"):
        discard(tmp_path / "out")


@pytest.mark.parametrize(("began", "gives_up"), [("", "a-job"), ("a-job", ""), ("a-job", "another")])
def test_what_somebody_else_began_stays(base, tmp_path, began, gives_up):
    """A job that was queued for an output into which a direct merge is half written may be cancelled."""
    killed(base, tmp_path / "out")
    partial_of(tmp_path / "out").owner.write_text(began)
    before = leftovers(tmp_path / "out")
    discard(tmp_path / "out", gives_up)
    assert leftovers(tmp_path / "out") == before
    discard(tmp_path / "out", began)
    assert leftovers(tmp_path / "out") == []


def test_who_begins_anew_owns_what_is_written_and_who_continues_does_not(base, tmp_path):
    partial = partial_of(tmp_path / "out")
    killed(base, tmp_path / "out")
    assert partial.owner.read_text() == ""
    partial.owner.write_text("a-job")
    killed(base, tmp_path / "out")
    assert partial.owner.read_text() == "a-job"
    with pytest.raises(Killed):
        merged(stack_of(base, (0, 1)), tmp_path / "out", progress=die)
    assert partial.owner.read_text() == ""
