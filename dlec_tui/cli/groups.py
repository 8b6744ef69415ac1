"""Groups of verbs, whose modules are imported on demand, and the report of every failure."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from dlec_tui.cli.examples import EXAMPLES
from dlec_tui.cli.failures import failures_reported

WORDS = "dlec.words"
"""Key of click's `meta`: arguments of `dlec`."""
_NO_LIMIT = 1_000


class VerbGroup(click.Group):
    """Group that imports the module of a verb on demand."""

    def __init__(self, *args: Any, verbs: Mapping[str, str], **settings: Any) -> None:
        """verbs: "module:attribute" of the command of each verb, by name."""
        super().__init__(*args, **settings)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._verbs:
            return None
        module, _, attribute = self._verbs[cmd_name].partition(":")
        return with_example(getattr(import_module(module), attribute), f"{ctx.command_path} {cmd_name}")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if meant := self._verbs_like(ctx, args[0]):
                vars(error).update(message=f"{error.message} Did you mean {' or '.join(meant)}?")
            raise

    def _verbs_like(self, ctx: click.Context, name: str) -> list[str]:
        """Return full names of verbs with a similar spelling, in this group or one level below."""
        names = {f"{ctx.command_path} {verb}": verb for verb in self.list_commands(ctx)}
        for verb in self.list_commands(ctx):
            command = self.get_command(ctx, verb)
            if isinstance(command, click.Group):
                below = click.Context(command, ctx, info_name=verb)
                names |= {f"{below.command_path} {each}": each for each in command.list_commands(below)}
        close = get_close_matches(name, set(names.values()), n=2, cutoff=0.7)
        return [full for verb in close for full, each in names.items() if each == verb]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the complete summary of each verb."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(_NO_LIMIT)) for name, command in commands if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class CommandLine(VerbGroup):
    """The command `dlec`: any exception ends the process with a message and its exit code."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        words: Sequence[str] = tuple(args)
        with failures_reported(words, {}):
            ctx = super().make_context(info_name, args, parent, **extra)
        ctx.meta[WORDS] = words
        return ctx

    def invoke(self, ctx: click.Context) -> Any:
        with failures_reported(ctx.meta[WORDS], ctx.meta):
            return super().invoke(ctx)


def with_example(command: click.Command, name: str) -> click.Command:
    """Return the command with an example at the end of its help. name: full name, such as "dlec plan check"."""
    if name in EXAMPLES:
        command.epilog = f"\b\nExample:\n  {EXAMPLES[name]}"
    return command
