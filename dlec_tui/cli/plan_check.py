"""`dlec plan check`: every problem of a plan, each at its place."""

import json
from pathlib import Path

import click

from dlec_tui.cli import problems
from dlec_tui.cli.exit_codes import HAS_ERRORS
from dlec_tui.cli.options import json_option, plan_argument, remote_option, strict_option
from dlec_tui.cli.plan_file import PlanFile, read_plan
from dlec_tui.wording import byte_size, count, plural
from engine.checkpoint.find import opener
from engine.plan.cost import cost_of
from engine.plan.problems import Severity


@click.command
@plan_argument
@json_option
@strict_option
@remote_option
@click.pass_context
def check(ctx: click.Context, plan_path: Path, wants_json: bool, strict: bool, remote: bool) -> None:
    """Check PLAN against the headers of its checkpoints; nothing is loaded."""
    plan = read_plan(plan_path, opener(remote=remote))
    ok = not plan.refusals(strict=strict)
    click.echo(json.dumps(_as_json(plan, ok=ok)) if wants_json else _as_text(plan))
    ctx.exit(0 if ok else HAS_ERRORS)


def _as_json(plan: PlanFile, *, ok: bool) -> dict[str, object]:
    cost = cost_of(plan.checked.stack) if plan.checked.stack and plan.checked.ok else None
    return {
        "ok": ok,
        "layers": cost and cost.layers,
        "parameters": cost and cost.parameters,
        "bytes": cost and cost.nbytes,
        "problems": [problems.as_json(problem) for problem in plan.checked.problems],
    }


def _as_text(plan: PlanFile) -> str:
    return "\n".join(part for part in (plan.findings(), _verdict(plan)) if part)


def _verdict(plan: PlanFile) -> str:
    stack = plan.checked.stack
    if stack is not None and plan.checked.ok:
        cost = cost_of(stack)
        return f"{plural(cost.layers, 'layer')}, {count(cost.parameters)} parameters, {byte_size(cost.nbytes)}"
    errors = [problem for problem in plan.checked.problems if problem.severity is Severity.ERROR]
    return plural(len(errors), "error")
