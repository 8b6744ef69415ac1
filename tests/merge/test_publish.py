"""What publishing promises: the old checkpoint or the new one, whole, wherever the process dies."""

import shutil

import pytest

from engine.errors import UsageError
from engine.merge import publish as publishing
from engine.merge.manifest import MANIFEST_FILE
from engine.merge.partial import locked, partial_of
from engine.merge.publish import check_output, publish, recover
from tests.merge.stacks import leftovers


class Killed(BaseException):
    """What no handler catches."""


@pytest.fixture
def partial(tmp_path):
    """A whole checkpoint that waits for its name."""
    found = partial_of(tmp_path / "out")
    found.model.mkdir(parents=True)
    (found.model / "config.json").write_text("new")
    (found.model / "deep").mkdir()
    found.journal.write_text("signature x\n")
    return found


def occupy(partial):
    partial.out.mkdir()
    (partial.out / "config.json").write_text("old")
    (partial.out / MANIFEST_FILE).write_text("{}")


def without_exchange(monkeypatch):
    monkeypatch.setattr(publishing, "exchange", lambda *_: False)


def killing_after(monkeypatch, count):
    """Die instead of the step that follows `count` steps."""
    left = [count]

    def counted(step):
        def run(*arguments, **settings):
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return step(*arguments, **settings)

        return run

    for owner, name in (
        (publishing.Path, "rename"),
        (publishing.Path, "unlink"),
        (publishing, "exchange"),
        (publishing, "sync_directory"),
        (publishing, "write_whole"),
        (shutil, "rmtree"),
    ):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    return left


def content(directory):
    return (directory / "config.json").read_text() if directory.exists() else None


def test_the_name_appears_and_nothing_else_remains(partial):
    publish(partial, "request", overwrite=True)
    assert content(partial.out) == "new"
    assert not list(partial.root.iterdir())


@pytest.mark.parametrize("is_exchanged", [True, False])
def test_an_old_checkpoint_is_replaced(partial, monkeypatch, is_exchanged):
    occupy(partial)
    if not is_exchanged:
        without_exchange(monkeypatch)
    publish(partial, "request", overwrite=True)
    assert content(partial.out) == "new"
    assert not list(partial.root.iterdir())


@pytest.mark.parametrize("steps", range(14))
@pytest.mark.parametrize("case", ["free", "exchanged", "set aside"])
def test_a_death_between_any_two_steps_is_finished_by_the_next_run(partial, monkeypatch, case, steps):
    if case != "free":
        occupy(partial)
    if case == "set aside":
        without_exchange(monkeypatch)
    with monkeypatch.context() as patch:
        killing_after(patch, steps)
        try:
            publish(partial, "request", overwrite=True)
        except Killed:
            assert content(partial.out) in ({None} if case == "free" else {"old", None}) | {"new"}
    with locked(partial):
        if recover(partial) is None and content(partial.out) != "new":
            assert content(partial.model) == "new"
            assert content(partial.out) == (None if case == "free" else "old")
            publish(partial, "request", overwrite=True)
    assert content(partial.out) == "new"
    assert leftovers(partial.out) == []


def test_recovery_says_which_request_was_published(partial, monkeypatch):
    with monkeypatch.context() as patch:
        killing_after(patch, 2)
        with pytest.raises(Killed):
            publish(partial, "request", overwrite=True)
    assert content(partial.out) == "new"
    assert recover(partial) == "request"


def test_recovery_leaves_a_stranger_at_the_name_alone(partial):
    partial.record.write_text('{"inode": 1, "request": "request"}')
    occupy(partial)
    assert recover(partial) is None
    assert content(partial.out) == "old"
    assert content(partial.model) == "new"


def test_a_garbled_record_is_no_record(partial):
    partial.record.write_text("{")
    assert recover(partial) is None


def test_an_empty_directory_is_free(tmp_path):
    (tmp_path / "out").mkdir()
    check_output(tmp_path / "out", overwrite=False)


def test_a_directory_with_something_in_it_is_taken(partial):
    occupy(partial)
    with pytest.raises(UsageError, match="out exists and is not empty.*2 entries"):
        check_output(partial.out, overwrite=False)
    check_output(partial.out, overwrite=True)


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.tex": "years of work"},
        {"config.json": '{"port": 3000}', "package.json": "{}"},
        {"config.json": '{"num_hidden_layers": 3}', "pytorch_model.bin": ""},
        {"config.json": '{"port": 3000}', "model.safetensors": ""},
    ],
)
def test_only_a_model_directory_is_overwritten(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match="is not overwritten.*no config.json of a language model"):
        check_output(tmp_path, overwrite=True)


@pytest.mark.parametrize(
    "files", [{"dlec_manifest.json": "{}"}, {"config.json": '{"num_hidden_layers": 3}', "model.safetensors": ""}]
)
def test_what_is_a_model_or_of_ours_is_overwritten(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    check_output(tmp_path, overwrite=True)


def test_a_directory_that_appears_meanwhile_is_not_replaced_unasked(partial):
    occupy(partial)
    with pytest.raises(UsageError, match=r"has appeared(.|\n)*--overwrite"):
        publish(partial, "request", overwrite=False)
    assert (content(partial.out), content(partial.model)) == ("old", "new")
    assert recover(partial) is None
    publish(partial, "request", overwrite=True)
    assert content(partial.out) == "new"


@pytest.mark.parametrize("name", ["out", "out/thesis.tex"])
def test_what_appears_meanwhile_and_is_no_model_is_not_replaced_even_when_asked(partial, name):
    path = partial.root.parent / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("years of work")
    with pytest.raises(UsageError):
        publish(partial, "request", overwrite=True)
    assert path.read_text() == "years of work"
    assert content(partial.model) == "new"


def test_a_file_is_no_output(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="is not a directory"):
        check_output(tmp_path / "out", overwrite=True)


def test_half_written_temporaries_of_a_dead_run_are_tidied_up(partial):
    (partial.root / ".journal.123.tmp").write_text("signat")
    publish(partial, "request", overwrite=True)
    assert not list(partial.root.iterdir())
