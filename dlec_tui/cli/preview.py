"""`dlec preview`: what a plan does to its base, measured on both without writing a model."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from dlec_tui.cli.measuring import measured_on, measuring_options, setting_of
from dlec_tui.cli.options import plan_argument, strict_option
from dlec_tui.cli.plan_file import PlanFile, read_plan
from dlec_tui.cli.screen import task_progress
from dlec_tui.wording import harm
from engine.checkpoint.find import opener
from engine.tasks.child import run_task
from engine.tasks.setting import Setting, as_request
from engine.text.corpus import Half

PUBLISHED = (
    *("tokens", "sequences", "base", "plan", "delta_nll", "delta_nll_se", "interval95"),
    *("kl", "top1_agreement", "half"),
)
"""What --json prints of a preview."""
ON_HALF = {Half.JUDGING: "on text not used to choose it", Half.CHOOSING: "on the half that is for choosing"}


@click.command
@plan_argument
@measuring_options(Half.JUDGING)
@strict_option
def preview(plan_path: Path, strict: bool, wants_json: bool, **options: Any) -> None:
    """Run PLAN beside its base on the same text, and say how much worse or better it predicts."""
    plan = read_plan(plan_path, opener())
    if findings := plan.findings():
        click.echo(findings, err=True)
    found = preview_plan(plan, setting_of(options), strict=strict)
    click.echo(json.dumps(published(found)) if wants_json else "\n".join(preview_lines(found)))


def preview_plan(plan: PlanFile, setting: Setting, *, strict: bool = False) -> dict[str, Any]:
    """The preview task's answer. Raises PlanError for a plan that was refused, and whatever the task raises."""
    plan.stack(strict=strict)
    with task_progress("opening the model") as progress:
        return run_task("preview", as_request(setting) | {"plan": plan.checked.text}, progress)


def published(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in PUBLISHED}


def preview_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Both models, the difference in words, and what it was measured on."""
    yield "          NLL   perplexity"
    for name in ("base", "plan"):
        yield f"{name}   {found[name]['nll']:.4f}   {found[name]['perplexity']:10.2f}"
    yield click.style(verdict(found), bold=True)
    yield f"KL {found['kl']:.4f} nats a token; the same first choice for {found['top1_agreement']:.1%} of the tokens"
    yield measured_on(found)


def verdict(found: Mapping[str, Any]) -> str:
    """In perplexity, with the 95 % interval: "worse by 9.6 %, between 8.9 and 10.3, on text not used to choose it"."""
    return f"{harm(found['delta_nll'], *found['interval95'])}, {ON_HALF[Half(found['half'])]}"
