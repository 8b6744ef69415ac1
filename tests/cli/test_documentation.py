"""Commands, options, links and pages of the documentation exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from dlec_tui.cli.exit_codes import MEANINGS
from dlec_tui.cli.main import dlec
from docs import write_command_line
from tests.cli.tables import cases

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)
EXAMPLES = "\n".join(re.findall(r"^```sh\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL))
COMMANDS = sorted(set(re.findall(r"^dlec(?: \S.*?)?(?=\s+#|$)", EXAMPLES, flags=re.MULTILINE)))

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


def test_every_documented_command_parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for file in ("plan.yaml", "items.jsonl", "gains.safetensors", "a.yaml", "b.yaml"):
        Path(file).touch()
    for directory in ("checkpoints", "SmolLM2-152M", "out/.dlec-slurm", "node1", "node2"):
        Path(directory).mkdir(parents=True)
    Path("node2/dlec.sqlite").touch()
    with cases() as table:
        for line in COMMANDS:
            with table.case(line):
                assert parsed(dlec, shlex.split(line)[1:])


def test_every_verb_and_option_is_documented_in_an_example() -> None:
    with cases() as table:
        for name, verb in leaves(dlec, "dlec"):
            with table.case(name):
                family = next((shared for shared in SHARED if name.startswith(shared)), " ".join(name.split()[:3]))
                examples = [shlex.split(line) for line in COMMANDS if line.startswith(family)]
                used = {word for example in examples for word in example}
                options = [parameter.opts for parameter in verb.params if isinstance(parameter, click.Option)]
                assert any(line.startswith(name) for line in COMMANDS)
                assert not [spellings for spellings in options if not used & set(spellings)]


def test_every_exit_code_is_listed_with_its_meaning() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    listed = {int(code): meaning for code, meaning in re.findall(r"^\| (\d+) \| (.*) \|$", page, flags=re.MULTILINE)}
    assert listed == dict(MEANINGS)


def test_the_page_of_the_command_line_is_what_its_script_writes() -> None:
    assert write_command_line.page() == write_command_line.PAGE.read_text(), "run `make docs`"


def test_every_link_and_picture_of_a_page_exists() -> None:
    with cases() as table:
        for page in PAGES:
            with table.case(page.name):
                targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
                assert not [target for target in targets if not (page.parent / target).exists()]


def test_the_index_and_the_site_list_every_page() -> None:
    names = {page.name for page in (ROOT / "docs").glob("*.md")}
    index = (ROOT / "docs" / "index.md").read_text()
    site = (ROOT / "mkdocs.yml").read_text()
    assert not [name for name in names - {"index.md"} if f"]({name})" not in index]
    assert set(re.findall(r"\S+\.md", site)) == names


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
