"""What the process says when it ends, and the one place where errors become that."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

from dlec_tui.wording import printable
from engine.errors import CheckpointError, DlecError, MachineError, PlanError, UsageError

HAS_ERRORS, USAGE, ENVIRONMENT, JOB_FAILED, JOB_CANCELLED = 1, 2, 3, 4, 5
REQUEUE = 75
"""As sysexits.h has it: a temporary failure, to be tried again."""
INTERRUPTED, NO_READER = 130, 141

CODE_OF: Mapping[type[DlecError], int] = {
    CheckpointError: HAS_ERRORS,
    PlanError: HAS_ERRORS,
    UsageError: USAGE,
    MachineError: ENVIRONMENT,
}

EXPLAINED = """\b
Exit codes:
    0  fine
    1  the plan or the checkpoint has errors, or computes NaN
    2  the command was not understood, or cannot be done as asked
    3  the machine stands in the way: disk, permission, network, a library
    4  a job failed
    5  a job was cancelled
   75  there is work left: run or queue it again
  130  interrupted; a merge, demo, download or sweep continues when it is run again
  141  whoever read the output went away
"""


CONTINUED = ("merge", "demo", "download", "sweep")
"""Verbs and groups of verbs whose work is kept when they are interrupted."""


class VerbGroup(click.Group):
    """A group that imports a verb's module when it is needed, and ends every verb with its exit code."""

    def __init__(self, *args: Any, verbs: Mapping[str, str], **settings: Any) -> None:
        """verbs: each verb's name and where its command is, as "module:attribute"."""
        super().__init__(*args, **settings)
        self._verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._verbs:
            return None
        module, _, attribute = self._verbs[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        with _usage_errors_escaped():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _usage_errors_escaped():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo(_interrupted(ctx.info_name, ctx.invoked_subcommand), err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            forget_stdout()
            ctx.exit(NO_READER)
        except DlecError as error:
            say_error(str(error))
            ctx.exit(code_of(error))
        except OSError as error:
            say_error(f"{error.filename or 'the machine'}: {error.strerror or error}")
            ctx.exit(ENVIRONMENT)


def code_of(error: DlecError) -> int:
    """Of the kind it is; an error of a kind of its own tells of the checkpoint."""
    return next((code for kind, code in CODE_OF.items() if isinstance(error, kind)), HAS_ERRORS)


def say_error(message: str) -> None:
    """`message` on stderr, marked as an error; what is in it cannot steer the terminal."""
    click.echo(f"{click.style('error', fg='red', bold=True)}: {printable(message)}", err=True)


def _interrupted(group: str | None, verb: str | None) -> str:
    is_kept = group in CONTINUED or verb in CONTINUED
    continues = "; the same command continues where this one stopped" if is_kept else ""
    return f"\ninterrupted{continues}"


@contextmanager
def _usage_errors_escaped() -> Iterator[None]:
    """click repeats arguments in its messages as they are."""
    try:
        yield
    except click.ClickException as error:
        vars(error).update(message=printable(error.message))
        raise


def forget_stdout() -> None:
    """Keep the interpreter's last flush from failing on the closed pipe again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
