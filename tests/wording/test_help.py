"""Every help page has a one-sentence summary, and every option says what it is in whole sentences."""

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

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


CONTEXTS = list(commands(click.Context(dlec, info_name="dlec")))
NO_SENTENCE_INSIDE = re.compile(r"(?!.*\.\s)[^\n]*[^.]\.")
SENTENCES = re.compile(r"(?:[A-Z0-9]|\w+: ).*\.", re.DOTALL)


def summary_and_rest(context: click.Context) -> tuple[str, str]:
    summary, _, rest = cleandoc(context.command.help or "").partition("\n\n")
    return summary, rest


def is_short_sentence(summary: str) -> bool:
    is_sentence = VERB_OR_NOUN.match(summary) and NO_SENTENCE_INSIDE.fullmatch(summary)
    return bool(is_sentence) and len(summary) <= MOST_SUMMARY


def test_every_summary_is_one_short_sentence() -> None:
    summaries = {context.command_path: summary_and_rest(context)[0] for context in CONTEXTS}
    assert {path: summary for path, summary in summaries.items() if not is_short_sentence(summary)} == {}


def test_lists_of_commands_show_whole_summaries() -> None:
    assert [
        context.command_path
        for context in CONTEXTS
        if context.command.get_short_help_str(1000).rstrip(".") != summary_and_rest(context)[0].rstrip(".")
    ] == []


def test_what_follows_a_summary_begins_a_paragraph() -> None:
    rests = {context.command_path: summary_and_rest(context)[1] for context in CONTEXTS}
    begins = ("\b", "keymap.toml")
    assert {
        path: rest for path, rest in rests.items() if rest and not (rest.startswith(begins) or rest[0].isupper())
    } == {}


def test_the_help_of_every_option_is_whole_sentences() -> None:
    options = {
        f"{context.command_path} {option.opts[-1]}": option.help or ""
        for context in CONTEXTS
        for option in context.command.params
        if isinstance(option, click.Option)
    }
    assert len(options) > 100
    assert {name: text for name, text in options.items() if not SENTENCES.fullmatch(text)} == {}
