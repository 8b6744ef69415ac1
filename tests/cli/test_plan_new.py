"""`dlec plan new`."""

import errno
import json
import os
from pathlib import Path

import click
import pytest

from dlec_tui.cli.plan_new import new
from engine.errors import PlanError
from engine.plan.recipes.registry import MEASURED, RECIPES

SMALL = ("--tokens", "256", "--seq-len", "16", "--device", "cpu", "--batch-size", "8")


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        (["repeat"], 7),
        (["repeat", "--layers", "2:4"], 8),
        (["repeat", "--layers", "2:4", "--times", "2"], 10),
        (["overlap", "--slice-size", "4", "--backward-jump", "2", "--last-slice", "4"], 8),
        (["growing", "--first-slice", "2", "--growth", "1", "--backward-jump", "1"], 7),
        (["double-each", "--layers", "1:5", "--run", "2"], 10),
        (["attenuated", "--layers", "2:4", "--times", "3", "--run", "2", "--convention", "correlated"], 10),
        (["attenuated", "--scaled", "residual"], 10),
        (["solar", "--drop", "2"], 8),
        (["llama-pro", "--groups", "3"], 9),
        (["expand-end", "--copies", "2"], 8),
        (["zeroed-middle", "--layers", "2:4", "--copies", "1"], 8),
        (["interleave", "--layers", "2:4", "--copies", "1", "--scale", "0.5"], 8),
        (["prune", "--layers", "2", "--protect-first", "3", "--protect-last", "1"], 4),
        (["prune", "--drop", "1:2,3:4"], 4),
    ],
)
def test_what_a_recipe_writes_checks_without_errors(dlec, tiny_llama: Path, options: list[str], layers: int) -> None:
    assert dlec("plan", "new", *options, tiny_llama, "-o", "new.yaml").exit_code == 0
    report = json.loads(dlec("plan", "check", "new.yaml", "--json").stdout)
    assert (report["ok"], report["layers"]) == (True, layers)


def test_without_a_file_the_plan_goes_to_stdout(dlec, tiny_llama: Path) -> None:
    result = dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4")
    assert result.stdout.startswith("# ")
    assert "layer_range: [0, 4]" in result.stdout


def test_json_holds_the_plan_and_its_file(dlec, tiny_llama: Path) -> None:
    result = dlec("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "--out", "new.yaml", "--json")
    assert json.loads(result.stdout) == {"plan": Path("new.yaml").read_text(), "out": "new.yaml"}


def test_a_file_is_overwritten_only_by_force(dlec, tiny_llama: Path) -> None:
    Path("mine.yaml").write_text("mine")
    write = ("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o", "mine.yaml")
    refused = dlec(*write)
    assert (refused.exit_code, Path("mine.yaml").read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert dlec(*write, "--force").exit_code == 0
    assert Path("mine.yaml").read_text() != "mine"


def test_a_write_that_fails_leaves_what_was_there(dlec, tiny_llama: Path, monkeypatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("engine.files.os.fsync", full)
    Path("mine.yaml").write_text("mine")
    write = ("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "-o")
    assert dlec(*write, "mine.yaml", "--force").exit_code == 3
    assert dlec(*write, "new.yaml").exit_code == 3
    assert [(path.name, path.read_text()) for path in Path().iterdir()] == [("mine.yaml", "mine")]


def test_force_writes_through_a_link_but_not_over_a_device(dlec, tiny_llama: Path) -> None:
    write = ("plan", "new", "repeat", tiny_llama, "--layers", "2:4", "--force", "-o")
    Path("link.yaml").symlink_to("plan.yaml")
    os.mkfifo("pipe.yaml")
    assert dlec(*write, "link.yaml").exit_code == 0
    assert Path("link.yaml").is_symlink()
    assert Path("plan.yaml").read_text().startswith("# ")
    assert dlec(*write, "pipe.yaml").exit_code == 2
    assert Path("pipe.yaml").is_fifo()


def test_a_model_whose_path_is_not_text_is_no_traceback(dlec, tiny_llama: Path) -> None:
    name = os.fsdecode(b"mod\xe9l")
    Path(name).symlink_to(tiny_llama)
    Path("mine.yaml").write_text("mine")
    write = ("plan", "new", "repeat", name, "--layers", "2:4")
    assert dlec(*write, "-o", "mine.yaml", "--force").exit_code == dlec(*write).exit_code == 2
    assert Path("mine.yaml").read_text() == "mine"


def test_two_models_take_turns(dlec, tiny_llama: Path, tmp_path: Path) -> None:
    Path("other").symlink_to(tiny_llama)
    write = ("plan", "new", "alternate", tiny_llama, tmp_path / "other", "--slice-size", "4", "--backward-jump", "2")
    assert dlec(*write, "-o", "new.yaml").exit_code == 0
    report = json.loads(dlec("plan", "check", "new.yaml", "--json").stdout)
    assert (report["ok"], report["layers"]) == (True, 8)
    assert f"- model: {tmp_path / 'other'}" in Path("new.yaml").read_text()


def test_every_recipe_is_a_verb_with_an_option_for_each_of_its_fields() -> None:
    context = click.Context(new)
    assert set(new.list_commands(context)) == {*RECIPES, *MEASURED}
    assert new.get_command(context, "no-such-recipe") is None
    for name, recipe in RECIPES.items():
        command = new.get_command(context, name)
        assert command
        assert command.help == recipe.summary
        asked = {parameter.name: getattr(parameter, "help", None) for parameter in command.params}
        assert {field.name: None if field.is_model else field.help for field in recipe.fields}.items() <= asked.items()


@pytest.mark.slow
def test_prune_by_what_is_measured(dlec, tiny_llama: Path) -> None:
    prune = ("plan", "new", "prune", tiny_llama, "--layers", "2", *SMALL, "--json")
    by_angle = json.loads(dlec(*prune, "--by", "angle").stdout)
    assert by_angle["plan"].splitlines()[1].startswith("# The block with the smallest angular distance, 0.")
    ((start, end),) = by_angle["drop"]
    assert (end - start, start >= 2, end <= 5) == (2, True, True)
    by_influence = json.loads(dlec(*prune, "--by", "influence").stdout)
    assert sum(end - start for start, end in by_influence["drop"]) == 2
    assert "lowest block influence" in by_influence["plan"]


def test_dlec_hands_on_what_to_leave_alone_and_how_many_to_measure(dlec, tiny_llama: Path, monkeypatch) -> None:
    asked: dict[str, object] = {}

    def run_task(_name: str, request: dict[str, object], _report: object) -> None:
        asked.update(request)
        raise PlanError("enough")

    monkeypatch.setattr("dlec_tui.cli.plan_new_measured.run_task", run_task)
    ends = ("--protect-first", "1", "--protect-last", "3", "--shortlist", "4")
    dlec("plan", "new", "dlec", tiny_llama, "--layers", "2", *ends)
    assert [asked[name] for name in ("layers", "protect_first", "protect_last", "shortlist")] == [2, 1, 3, 4]


def test_prune_does_not_measure_what_cannot_be_or_is_given(dlec, tiny_llama: Path) -> None:
    assert dlec("plan", "new", "prune", tiny_llama, "--by", "angle", "--layers", "6").exit_code == 2
    assert dlec("plan", "new", "prune", tiny_llama, "--by", "angle", "--drop", "2:3").exit_code == 2


@pytest.mark.parametrize(
    ("recipe", "option", "value", "said"),
    [
        ("overlap", "--slice-size", "many", "many is not a whole number"),
        ("interleave", "--scale", "nan", "nan is not a number such as 0.5"),
        ("attenuated", "--convention", "none", "none is not one of uncorrelated, correlated"),
        ("prune", "--drop", "4", "4 is not a list of blocks such as 12:17,20:22, with exclusive ends"),
    ],
)
def test_a_value_that_is_none_is_named(dlec, tiny_llama: Path, recipe: str, option: str, value: str, said: str) -> None:
    result = dlec("plan", "new", recipe, tiny_llama, option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"'{option}': {said}" in result.stderr


@pytest.mark.parametrize("layers", ["4:2", "2", "a:b", "0:7", "1:2:3"])
def test_a_block_that_is_none_is_a_usage_error(dlec, tiny_llama: Path, layers: str) -> None:
    result = dlec("plan", "new", "repeat", tiny_llama, "--layers", layers)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_directory_that_is_no_checkpoint_is_an_error_of_the_checkpoint(dlec, tmp_path: Path) -> None:
    result = dlec("plan", "new", "repeat", tmp_path, "--layers", "2:4")
    assert result.exit_code == 1
    assert "config.json" in result.stderr
