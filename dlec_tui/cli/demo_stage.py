"""Where the demo happens, and how it is told."""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dlec_tui.cli.plan_show import cost_lines
from engine.errors import shown
from engine.plan.cost import cost_of
from engine.plan.picture import picture
from engine.plan.stack import Stack
from engine.tasks.setting import DEFAULT, Setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


@dataclass(frozen=True)
class Stage:
    """Where the demo happens and who is told about it."""

    directory: Path
    store: Path
    console: "Console"

    @property
    def setting(self) -> Setting:
        """How the demo measures: as usual, into its store."""
        return replace(DEFAULT, home=str(self.store.parent))

    def heading(self, text: str) -> None:
        self.console.print(f"\n[bold cyan]{text}[/]")

    def say(self, *lines: str) -> None:
        """Plain text: what looks like markup in a file name is not, and colours for click's own echo are left out."""
        for line in lines:
            self.console.print(click.unstyle(line), markup=False, soft_wrap=True)

    def say_coloured(self, text: str) -> None:
        """Text with ANSI colours, such as a chart."""
        from rich.text import Text

        self.console.print(Text.from_ansi(text), soft_wrap=True)

    def say_dim(self, lines: "Iterable[str]") -> None:
        self.console.print("\n".join(lines), style="dim", markup=False, soft_wrap=True)

    def headline(self, text: str) -> None:
        self.console.print(f"[bold]{text}[/]")

    def show_stack(self, stack: Stack) -> None:
        self.console.print(re.sub("X+", r"[bold yellow]\g<0>[/]", picture(stack)))
        self.say(*cost_lines(cost_of(stack)))


@dataclass(frozen=True)
class Made:
    """A file or directory of the demo."""

    path: Path
    found: bool
    """True when an earlier run had made it."""

    def __str__(self) -> str:
        return f"{'reused' if self.found else 'wrote'} {shown(self.path)}"
