"""Unexpected exceptions: one line on stderr, a file with the traceback, and an exit code."""

import json
from pathlib import Path

import click
import pytest

from dlec_tui.cli.exit_codes import UNEXPECTED
from tests.cli.tables import cases
from tests.cli.verbs import VERBS, run

STATIC = {name: verb for name, verb in VERBS.items() if "plan new" not in name or "dlec" in name.split()[-1]}
"""Verbs that are one object; those of recipes are made on each call."""


def breaking(verb: click.Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the verb raise an exception unknown to dlec, whatever its arguments."""

    def broken(_ctx: click.Context) -> None:
        raise ZeroDivisionError("foreign\x1b[2J")

    def unparsed(ctx: click.Context, _args: list[str]) -> list[str]:
        ctx.params = {}
        return []

    monkeypatch.setattr(verb, "parse_args", unparsed)
    monkeypatch.setattr(verb, "invoke", broken)


def test_an_unexpected_exception_is_one_line_a_file_and_a_code_in_every_verb(directory, monkeypatch) -> None:
    with cases() as table:
        for name, verb in STATIC.items():
            breaking(verb, monkeypatch)
            with table.case(name):
                result = run(*name.split()[1:])
                [file] = directory.rglob("crash-*.log")
                assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (UNEXPECTED, "", 1)
                assert result.stderr.startswith("Error: unexpected error: ZeroDivisionError: foreign\\x1b[2J")
                assert str(file) in result.stderr
                assert "in broken" in file.read_text()
            for file in directory.rglob("crash-*.log"):
                file.unlink()


def test_an_unexpected_exception_as_json_is_an_error_object(directory, monkeypatch) -> None:
    breaking(VERBS["dlec jobs list"], monkeypatch)
    result = run("jobs", "list", "--json")
    [file] = directory.rglob("crash-*.log")
    error = json.loads(result.stdout)["error"]
    assert (error["kind"], error["exit_code"], error["traceback"]) == ("UnexpectedError", UNEXPECTED, str(file))
    assert {"what", "why", "fix"} < error.keys()


@pytest.mark.parametrize("home", ["mine", "away"])
def test_the_traceback_is_written_below_an_existing_home_or_else_the_cache(directory, monkeypatch, home) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    Path("mine").mkdir()
    monkeypatch.setattr("dlec_tui.cli.jobs_list.read_jobs", broken)
    assert run("jobs", "list", "--home", home).exit_code == UNEXPECTED
    [file] = directory.rglob("crash-*.log")
    assert file.parent == (directory / "mine/logs" if home == "mine" else directory / "cache/dlec")
    assert file.stat().st_mode & 0o077 == 0
    assert not Path("away").exists()


def test_an_unexpected_exception_where_nothing_can_be_written_is_still_one_line(directory, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("dlec_tui.cli.jobs_list.read_jobs", broken)
    monkeypatch.setattr("dlec_tui.cli.failures._directories", lambda _home: iter(()))
    result = run("jobs", "list")
    assert (result.exit_code, result.stderr.count("\n")) == (UNEXPECTED, 1)
    assert not list(directory.rglob("crash-*.log"))


def test_the_traceback_of_a_task_is_in_the_file(directory, monkeypatch) -> None:
    from engine.errors import UnexpectedError

    def broken(*_: object) -> None:
        error = UnexpectedError("an unexpected error ended the task", why="KeyError: 'rope'")
        error.add_note("Traceback of the task")
        raise error

    monkeypatch.setattr("dlec_tui.cli.jobs_list.read_jobs", broken)
    result = run("jobs", "list")
    assert result.exit_code == UNEXPECTED
    assert result.stderr.startswith("Error: an unexpected error ended the task: KeyError: 'rope'; traceback in ")
    assert "Traceback of the task" in next(directory.rglob("crash-*.log")).read_text()
