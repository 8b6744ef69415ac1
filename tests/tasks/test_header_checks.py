"""What transformers says of headers is asked once, kept in the home that is given, and its absence is said."""

import pytest

from engine.checkpoint.checkpoint import open_checkpoint
from engine.errors import MachineError
from engine.plan.check import check_plan
from engine.plan.rules import CheckContext
from engine.tasks import header_checks as module
from engine.tasks.header_checks import NO_LIBRARIES, header_checks, headers_of
from tests.tiny import write_llama


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("DLEC_HOME", str(tmp_path / "usual"))
    return open_checkpoint(write_llama(tmp_path / "m"))


def checked(checkpoint, opened):
    plan = (
        f"slices:\n- sources: [{{model: m, layer_range: [0, {checkpoint.layer_count}]}}]\nmerge_method: passthrough\n"
    )
    return check_plan(plan, lambda _: checkpoint, CheckContext(opened=opened))


def failing(monkeypatch, error):
    def child(_arguments):
        raise error

    monkeypatch.setattr("engine.tasks.process.conversation", child)


def test_answers_are_kept_in_the_home_that_is_given(checkpoint, tmp_path):
    headers = headers_of(checkpoint)
    header_checks(tmp_path / "other").cache.keep(headers.key, {"architecture": "LlamaForCausalLM"})
    stack = checked(checkpoint, header_checks().known).stack
    assert headers.key in {each.key for each in header_checks().lacking(stack)}
    assert headers.key not in {each.key for each in header_checks(tmp_path / "other").lacking(stack)}
    assert list((tmp_path / "other" / module.FOLDER).iterdir())
    assert not (tmp_path / "usual").exists()


def test_without_torch_a_plan_is_checked_by_structure_and_says_so(checkpoint, monkeypatch):
    monkeypatch.setattr(module, "library_versions", lambda: ())
    found = checked(checkpoint, header_checks().checked)
    assert found.ok
    (note,) = [problem.message for problem in found.problems if problem.rule == "loads"]
    assert f": {NO_LIBRARIES}" in note


def test_a_child_that_fails_is_said_and_not_asked_again(checkpoint, monkeypatch, tmp_path):
    failing(monkeypatch, MachineError("engine.inference.loadcheck was killed", why="probably because memory ran out"))
    checks = header_checks(tmp_path / "home")
    found = checked(checkpoint, checks.checked)
    assert any("memory ran out" in problem.message for problem in found.problems if problem.rule == "loads")


def test_a_child_that_takes_too_long_is_given_up(checkpoint, monkeypatch):
    class Slow:
        def __enter__(self):
            def answer(_request, on_tick):
                while True:
                    on_tick()

            return answer

        def __exit__(self, *_):
            return False

    monkeypatch.setattr("engine.tasks.process.conversation", lambda _arguments: Slow())
    checks = header_checks()
    checks.make([headers_of(checkpoint)], seconds=0)
    assert checks.cache.find(headers_of(checkpoint).key)["unavailable"] == "transformers took more than 0 s"
