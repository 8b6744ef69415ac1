"""`dlec doctor`."""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import ENVIRONMENT
from dlec_tui.cli.options import home_option, json_option
from dlec_tui.cli.progress import waiting
from dlec_tui.doctor.checks import checks
from dlec_tui.doctor.report import page
from dlec_tui.doctor.result import Finding, is_usable
from dlec_tui.doctor.runner import Check, examined

_WIDEST = 100
"""Maximum line length in columns."""

Findings = Mapping[str, Mapping[str, Finding]]
"""Findings by heading and name."""


@click.command
@home_option
@json_option
@click.pass_context
def doctor(ctx: click.Context, store: Path, wants_json: bool) -> None:
    """Diagnose the environment and suggest fixes.

    Checks terminal, tmux, clipboard, libraries, GPUs, memory, disk and store. Nothing is changed. The exit code is 3
    only if dlec cannot run at all.
    """
    with waiting("checking the environment"):
        findings = _looked_at(checks(store))
    text = json.dumps(_as_json(findings)) if wants_json else "\n".join(page(findings, _width()))
    click.echo(_writable(text))
    ctx.exit(0 if is_usable(_all(findings)) else ENVIRONMENT)


def _looked_at(groups: Mapping[str, tuple[Check, ...]]) -> Findings:
    results = examined([check for group in groups.values() for check in group])
    return {heading: {check.name: results[check.name] for check in group} for heading, group in groups.items()}


def _all(findings: Findings) -> list[Finding]:
    return [finding for group in findings.values() for finding in group.values()]


def _as_json(findings: Findings) -> dict[str, object]:
    rows = [
        {"name": name, **asdict(finding), "state": finding.state.value}
        for group in findings.values()
        for name, finding in group.items()
    ]
    return {"ok": is_usable(_all(findings)), "findings": rows}


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)


def _writable(text: str) -> str:
    """Escape characters that the locale cannot encode: a locale without UTF-8 is a finding, not a failure."""
    return text.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding)
