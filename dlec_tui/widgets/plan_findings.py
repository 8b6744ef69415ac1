"""Findings about the plan: problems, results and cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget

from dlec_tui.plans.plan_status import Verdict, cost_parts, counts_text, is_too_large, merge_rate
from dlec_tui.plans.results import jobs_about, result_lines
from dlec_tui.widgets.parts import Part
from dlec_tui.widgets.plan_lists import ProblemList
from dlec_tui.widgets.text_views import PackedLine, ResultsView
from engine.store.previews import PreviewResult

if TYPE_CHECKING:
    from dlec_tui.jobs.job_view import StoredJob, StoredJobs

NO_RESULTS = "not previewed"


class PlanFindings(Vertical):
    """Below the plan, always as high, so that nothing moves while one types: a line for the problems and one for the
    results where room is short, of which the one that has the focus is a frame."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    PlanFindings { height: auto; }
    PlanFindings.-nothing { visibility: hidden; }
    PlanFindings #plan-found { height: auto; layout: vertical; }
    PlanFindings #problems-part, PlanFindings #results-part { width: 1fr; height: 1; border: none; }
    PlanFindings Part > * { overflow-y: hidden; }
    PlanFindings Part:focus-within > *, .-high PlanFindings #problems-part > * { overflow-y: auto; }
    .-high PlanFindings.-at-results #problems-part > * { overflow-y: hidden; }
    PlanFindings #plan-cost { height: 1; padding: 0 1; color: $text-muted; }
    .-narrow PlanFindings #plan-cost { height: 2; }
    .-narrow.-low PlanView.-at-findings #plan-cost { height: 1; }
    PlanFindings #plan-cost.-too-large { color: $error; }

    .-high PlanFindings #problems-part { height: 8; border: round $foreground 30%; }
    .-high PlanFindings.-at-results #problems-part { height: 1; border: none; }
    PlanFindings #problems-part:focus-within, PlanFindings #results-part:focus-within {
        height: 25vh; border: round $accent;
    }
    .-high PlanFindings #problems-part:focus-within, .-high PlanFindings #results-part:focus-within { height: 8; }

    .-wide.-high PlanFindings #plan-found { layout: horizontal; }
    .-wide.-high PlanFindings #problems-part, .-wide.-high PlanFindings.-at-results #problems-part,
    .-wide.-high PlanFindings #results-part {
        height: 10; border: round $foreground 30%;
    }
    .-wide.-high PlanFindings #problems-part:focus-within, .-wide.-high PlanFindings #results-part:focus-within {
        border: round $accent;
    }
    .-wide.-high PlanFindings Part > *, .-wide.-high PlanFindings.-at-results #problems-part > * { overflow-y: auto; }
    """

    def __init__(self) -> None:
        super().__init__(classes="-nothing")
        self.problems = ProblemList(id="plan-problems")
        self.results = ResultsView(id="plan-results")
        self._verdict: Verdict | None = None
        self._previews: tuple[PreviewResult, ...] = ()
        self._previews_of = ""
        """Text of the previews."""
        self.plan_jobs: Sequence[StoredJob] = ()
        """Jobs for the checked text."""

    def compose(self) -> ComposeResult:
        with Container(id="plan-found"):
            with Part("problems", id="problems-part"):
                yield self.problems
            with Part("results of this plan", id="results-part"):
                yield self.results
        yield PackedLine(id="plan-cost")

    def on_descendant_focus(self) -> None:
        self.set_class(self.results.has_focus, "-at-results")

    def on_descendant_blur(self) -> None:
        self.set_class(self.results.has_focus, "-at-results")
        self.results.scroll_home(animate=False)

    def show(self, verdict: Verdict, jobs: "StoredJobs | None") -> None:
        """Show the status of the text."""
        self._verdict = verdict
        self.set_class(not verdict.text.strip(), "-nothing")
        self.problems.show(verdict.problems)
        self.query_one("#problems-part", Part).entitle(counts_text(verdict.problems) or "no problems")
        self.show_jobs(jobs)

    def show_previews(self, text: str, previews: tuple[PreviewResult, ...], jobs: "StoredJobs | None") -> None:
        """Show the previews in the store for a text."""
        self._previews, self._previews_of = previews, text
        self.show_jobs(jobs)

    def show_jobs(self, jobs: "StoredJobs | None") -> None:
        """Update cost and results, which depend on jobs."""
        if self._verdict is not None:
            self._show_cost(self._verdict, jobs)
            self._show_results(self._verdict.text, jobs)

    @property
    def parts(self) -> list[Widget]:
        """Parts with content, which can have the focus; none while the plan is empty and both are hidden."""
        if self.has_class("-nothing"):
            return []
        return [widget for widget in (self.problems, self.results) if widget.can_focus]

    def _show_cost(self, verdict: Verdict, jobs: "StoredJobs | None") -> None:
        rate = merge_rate(stored.job for stored in jobs.jobs) if jobs else None
        line = self.query_one("#plan-cost", PackedLine)
        line.show(tuple(cost_parts(verdict, rate)))
        line.set_class(is_too_large(verdict), "-too-large")

    def _show_results(self, text: str, jobs: "StoredJobs | None") -> None:
        self.plan_jobs = jobs_about(jobs, text)
        lines = result_lines(self._previews if self._previews_of == text else (), self.plan_jobs, jobs)
        self.results.can_focus = bool(lines)
        self.results.show(lines or [(NO_RESULTS, "dim")])
