"""What README promises exists."""

import re
import shlex
from pathlib import Path

import click
import pytest

from dlec_tui.cli.exit_codes import MEANINGS
from dlec_tui.cli.main import dlec

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"^dlec(?: \S.*?)?(?=\s+#|$)", README, flags=re.MULTILINE)))

SHARED = ("dlec sweep",)
"""Groups whose verbs have most options in common, and show them together."""


def parsed(command: click.Command, words: list[str]) -> click.Context:
    """Parse as click does, without running anything."""
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        subcommand = command.get_command(click.Context(command), words[0])
        assert subcommand is not None, f"no verb {words[0]}"
        return parsed(subcommand, words[1:])
    return command.make_context(command.name, list(words))


def leaves(command: click.Command, name: str) -> list[tuple[str, click.Command]]:
    """Every verb that runs something, by its full name."""
    if not isinstance(command, click.Group):
        return [(name, command)]
    context = click.Context(command)
    subcommands = [(word, command.get_command(context, word)) for word in command.list_commands(context)]
    return [leaf for word, subcommand in subcommands for leaf in leaves(subcommand, f"{name} {word}")]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_the_readme_is_understood(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("plan.yaml", "items.jsonl", "gains.safetensors"):
        Path(file).touch()
    for directory in ("checkpoints", "SmolLM2-152M", "out/.dlec-slurm", "node1", "node2"):
        Path(directory).mkdir(parents=True)
    Path("node2/dlec.sqlite").touch()
    assert parsed(dlec, shlex.split(line)[1:])


@pytest.mark.parametrize(("name", "verb"), leaves(dlec, "dlec"))
def test_every_verb_and_option_is_shown_in_the_readme(name: str, verb: click.Command) -> None:
    family = next((shared for shared in SHARED if name.startswith(shared)), " ".join(name.split()[:3]))
    examples = [shlex.split(line) for line in COMMANDS if line.startswith(family)]
    used = {word for example in examples for word in example}
    options = [parameter.opts for parameter in verb.params if isinstance(parameter, click.Option)]
    assert any(line.startswith(name) for line in COMMANDS)
    assert not [spellings for spellings in options if not used & set(spellings)]


def test_every_exit_code_is_listed_with_its_meaning() -> None:
    listed = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", README, flags=re.MULTILINE)}
    assert listed == dict(MEANINGS)
