"""Write docs/command-line.md from the help of every command: python -m docs.write_command_line."""

import textwrap
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from dlec_tui.cli.examples import EXAMPLES
from dlec_tui.cli.exit_codes import MEANINGS
from dlec_tui.cli.main import dlec

PAGE = Path(__file__).with_name("command-line.md")
_WIDTH = 120

_INTRODUCTION = """\
# Command line

<!-- Written by docs/write_command_line.py; change the help texts instead. -->

Every command has `--help`, and `--json` for a result that scripts read. Results go to standard output, messages to
standard error. `--home` names the store, before or after the command. `NO_COLOR` is honoured. Options that exclude each
other, files that cannot be written and missing GPUs are reported before any work starts.

Completion of commands, options, files and job numbers in bash (`zsh_source` and `fish_source` for the other shells):

```sh
eval "$(_DLEC_COMPLETE=bash_source dlec)"
```
"""

_COMMANDS = """
## Commands

| command | purpose |
|---|---|
"""

_EXIT_CODES = """
## Exit codes

| code | meaning |
|---|---|
"""

_ERRORS = """
With `--json`, a failure is also an object on standard output. It has `path`, `line` and `column` if they are known:

```json
{"error": {"kind": "PlanError", "what": "plan.yaml cannot be run", "why": "1 error",
           "fix": "Fix the problems listed above.", "exit_code": 1, "path": "plan.yaml", "line": 10, "column": 22}}
```

Commands whose result is a list of problems (`plan check`, `verify`, `doctor`, `batch --dry-run`, `jobs wait`) print it
whatever the exit code is. An unexpected error is one line that names the file with its traceback: in `logs` in
the store directory, else in the user cache directory.
"""


def page() -> str:
    """Markdown of the whole page."""
    contexts = list(_contexts(click.Context(dlec, info_name="dlec")))
    rows = "".join(_row(context) for context in contexts if not isinstance(context.command, click.Group))
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in MEANINGS.items())
    sections = "\n".join(part for context in contexts for part in _section(context))
    return f"{_INTRODUCTION}{_COMMANDS}{rows}{_EXIT_CODES}{codes}{_ERRORS}\n{sections}"


def _row(context: click.Context) -> str:
    """Row of a command in the list, linked to its section."""
    path = context.command_path
    return f"| [{path}](#{path.replace(' ', '-')}) | {context.command.get_short_help_str(1000)} |\n"


def _contexts(context: click.Context) -> Iterator[click.Context]:
    """A command and everything below it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None:
                yield from _contexts(click.Context(command, context, info_name=name))


def _section(context: click.Context) -> Iterator[str]:
    """Lines about one command."""
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}\n\n```text\n{usage}\n```\n"
    yield from (f"{paragraph}\n" for paragraph in _paragraphs(command.help or ""))
    if rows := list(_options(context)):
        yield "\n".join(["| option | description |", "|---|---|", *rows]) + "\n"
    if example := EXAMPLES.get(context.command_path):
        yield f"```sh\n{example}\n```\n"


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a help text; what click prints as it is becomes a block."""
    for paragraph in cleandoc(text).split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        yield f"```text\n{rest}\n```" if first == "\b" else textwrap.fill(paragraph, _WIDTH)


def _options(context: click.Context) -> Iterator[str]:
    for parameter in context.command.params:
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            spelling, description = (text.replace("|", "\\|") for text in record)
            yield f"| `{spelling}` | {description} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
