"""All verbs of the command line, and minimal command lines for them."""

import shlex
from collections.abc import Iterator

import click
from click.testing import CliRunner, Result

from dlec_tui.cli.examples import EXAMPLES
from dlec_tui.cli.main import dlec as command


def verbs(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield every command except groups, with its full name."""
    for name in group.list_commands(context):
        verb = group.get_command(context, name)
        if isinstance(verb, click.Group):
            yield from verbs(verb, click.Context(verb, context, info_name=name))
        elif verb is not None:
            yield f"{context.command_path} {name}", verb


VERBS = dict(verbs(command, click.Context(command, info_name="dlec")))


def run(*words: str) -> Result:
    return CliRunner().invoke(command, words, catch_exceptions=False)


def words_for(option: click.Parameter) -> list[str]:
    """An option with a valid value."""
    if isinstance(option, click.Option) and option.is_flag:
        return [option.opts[0]]
    kind = option.type
    if isinstance(kind, click.Choice):
        return [option.opts[0], str(kind.choices[0])]
    if isinstance(kind, click.types.FloatParamType) and not isinstance(kind, click.IntRange):
        return [option.opts[0], "0.5"]
    return [option.opts[0], "1"]


def least_words(name: str, verb: click.Command) -> list[str]:
    """The verb with its required arguments and options, as in its example."""
    words = shlex.split(EXAMPLES[name])[1:]
    return words[: len(name.split()) - 1] + [
        value
        for parameter in verb.params
        if parameter.required
        for value in ([] if isinstance(parameter, click.Argument) else words_for(parameter))
    ]
