"""Every help page has a one-sentence summary, and every option says what it is in whole sentences."""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click
import pytest

from dlec_tui.cli.main import dlec

MOST_SUMMARY = 90
"""Characters, so that the list of commands has one line for each."""
VERB_OR_NOUN = re.compile(r"[A-Z][\w-]*")


def commands(context: click.Context) -> Iterator[click.Context]:
    """The command of a context and everything below it."""
    yield context
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(click.Context(below, context, info_name=name))


CONTEXTS = {context.command_path: context for context in commands(click.Context(dlec, info_name="dlec"))}
OPTIONS = {
    f"{path} {option.opts[-1]}": option.help or ""
    for path, context in CONTEXTS.items()
    for option in context.command.params
    if isinstance(option, click.Option)
}


@pytest.mark.parametrize("path", CONTEXTS)
def test_a_summary_is_one_short_sentence(path: str) -> None:
    summary, _, rest = cleandoc(CONTEXTS[path].command.help or "").partition("\n\n")
    assert VERB_OR_NOUN.match(summary), summary
    assert len(summary) <= MOST_SUMMARY, summary
    assert re.fullmatch(r"[^\n]*[^.]\.", summary), summary
    assert not re.search(r"\.\s", summary), summary
    assert CONTEXTS[path].command.get_short_help_str(1000).rstrip(".") == summary.rstrip(".")
    assert not rest or rest.startswith(("\b", "keymap.toml")) or rest[0].isupper(), rest


@pytest.mark.parametrize("option", OPTIONS)
def test_the_help_of_an_option_is_whole_sentences(option: str) -> None:
    text = OPTIONS[option]
    assert re.match(r"[A-Z0-9]|\w+: ", text), text
    assert text.endswith((".", ").")), text
