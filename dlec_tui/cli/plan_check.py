"""`dlec plan check`."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from dlec_tui.cli.exit_codes import HAS_ERRORS
from dlec_tui.cli.failures import say_error
from dlec_tui.cli.options import (
    ANY_PATH,
    home_option,
    json_option,
    no_load_check_option,
    patch_option,
    plan_argument,
    remote_option,
    strict_option,
)
from dlec_tui.cli.plan_file import PlanFile, opened_by_transformers, problem_as_json, read_plan, refused_for
from dlec_tui.plans.check_context import check_context
from engine.checkpoint.checkpoint import Checkpoint
from engine.checkpoint.find import opener
from engine.errors import escaped, shown
from engine.plan.check import apply_fixes
from engine.plan.cost import cost_of
from engine.plan.plan_file import plan_text_of
from engine.plan.problems import Problem, Severity
from engine.units import byte_size, count, plural


@click.command
@plan_argument
@patch_option
@click.option("--fix", "wants_fix", is_flag=True, help="Apply unambiguous fixes to PLAN, then check it.")
@click.option("--out", type=ANY_PATH, help="Output path; warn if its disk is too small for the result.")
@click.option(
    "--device", metavar="SLOT", help="Slot to run on, e.g. cuda:0 or cuda:0-3; warn if its memory is too small."
)
@no_load_check_option
@json_option
@strict_option
@remote_option
@home_option
@click.pass_context
def check(
    ctx: click.Context,
    plan_path: Path,
    patches: tuple[Path, ...],
    wants_fix: bool,
    out: Path | None,
    device: str | None,
    no_load_check: bool,
    wants_json: bool,
    strict: bool,
    remote: bool,
    store: Path,
) -> None:
    """Check PLAN and report its problems.

    Only the headers of the checkpoints are read. If transformers is installed, dlec also tests whether it can open the
    sources and the result, which takes a few seconds, once for each checkpoint and depth.
    """
    open_checkpoint = opener(remote=remote)
    fixed = _fixed(plan_path, open_checkpoint, store) if wants_fix else None
    opened = None if no_load_check else opened_by_transformers(store)
    plan = read_plan(plan_path, open_checkpoint, store, out, device, opened, patches)
    ok = not plan.refusals(strict=strict)
    click.echo(json.dumps(_as_json(plan, fixed, ok=ok)) if wants_json else _as_text(plan, fixed or ()))
    if plan.checked.ok and not ok:
        say_error(f"{shown(plan.path)} is refused: {refused_for(plan.refusals(strict=strict), strict=strict)}")
    ctx.exit(0 if ok else HAS_ERRORS)


def _fixed(path: Path, open_checkpoint: Callable[[str], Checkpoint], store: Path) -> tuple[Problem, ...]:
    """Apply the safe fixes to the file at `path` and return the fixed problems."""
    from dlec_tui.plans.files import write_plan_file  # late: most checks write nothing

    text = plan_text_of(path)
    result = apply_fixes(text, open_checkpoint, check_context(store))
    if result.checked.text != text:
        write_plan_file(path, result.checked.text)
    return result.fixed


def _as_json(plan: PlanFile, fixed: tuple[Problem, ...] | None, *, ok: bool) -> dict[str, object]:
    """Return the JSON result. fixed: problems that --fix fixed; None omits the key."""
    cost = cost_of(plan.checked.stack) if plan.checked.stack and plan.checked.ok else None
    report: dict[str, object] = {
        "ok": ok,
        "layers": cost and cost.layers,
        "parameters": cost and cost.parameters,
        "bytes": cost and cost.nbytes,
        "problems": [problem_as_json(problem) for problem in plan.checked.problems],
    }
    if fixed is not None:
        report["fixed"] = [problem_as_json(problem) for problem in fixed]
    return report


def _as_text(plan: PlanFile, fixed: tuple[Problem, ...]) -> str:
    lines = (
        f"{shown(plan.path)}:{_line(problem)} fixed {problem.rule} {escaped(problem.message)}" for problem in fixed
    )
    return "\n".join(part for part in (*lines, plan.findings(), _verdict(plan)) if part)


def _line(problem: Problem) -> int:
    return problem.place.line if problem.place else 1


def _verdict(plan: PlanFile) -> str:
    stack = plan.checked.stack
    if stack is not None and plan.checked.ok:
        cost = cost_of(stack)
        return f"{plural(cost.layers, 'layer')}, {count(cost.parameters)} parameters, {byte_size(cost.nbytes)}"
    errors = [problem for problem in plan.checked.problems if problem.severity is Severity.ERROR]
    return plural(len(errors), "error")
