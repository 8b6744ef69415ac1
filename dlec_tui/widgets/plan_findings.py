"""What was found out about the plan: its problems, what was measured of it, and what it costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widgets import Static

from dlec_tui.plans.cost import cost_parts, is_too_large, merge_rate
from dlec_tui.plans.results import jobs_about, result_lines
from dlec_tui.plans.verdict import Verdict, counts_text
from dlec_tui.widgets.facts_view import FactsView
from dlec_tui.widgets.part import Part
from dlec_tui.widgets.problem_list import ProblemList
from engine.store.results import PreviewResult

if TYPE_CHECKING:
    from dlec_tui.jobs.stored import StoredJob, StoredJobs


class PlanFindings(Vertical):
    """Below the plan; what there is nothing to say of takes no room."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    PlanFindings { height: auto; }
    PlanFindings #plan-found { height: auto; }
    PlanFindings #problems-part, PlanFindings #results-part { height: auto; width: 1fr; display: none; }
    PlanFindings #plan-results { height: auto; max-height: 4; }
    PlanFindings #plan-cost { height: 1; padding: 0 1; color: $text-muted; display: none; }
    .-narrow PlanFindings #plan-cost { height: 2; }
    PlanFindings #plan-cost.-too-large { color: $error; }
    .-high PlanFindings #plan-results { max-height: 10; }
    .-wide PlanFindings #plan-found { layout: horizontal; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.problems = ProblemList(id="plan-problems")
        self.results = FactsView(id="plan-results")
        self._verdict: Verdict | None = None
        self._previews: tuple[PreviewResult, ...] = ()
        self._previews_of = ""
        """The text that they are of."""
        self.about: Sequence[StoredJob] = ()
        """Jobs that are about the very text that was looked over."""

    def compose(self) -> ComposeResult:
        with Container(id="plan-found"):
            with Part("problems", id="problems-part"):
                yield self.problems
            with Part("this very plan", id="results-part"):
                yield self.results
        yield Static(id="plan-cost", markup=False)

    def show(self, verdict: Verdict, jobs: "StoredJobs | None") -> None:
        """What was found in the text that stands there."""
        self._verdict = verdict
        self.problems.show(verdict.problems)
        part = self.query_one("#problems-part", Part)
        part.entitle(counts_text(verdict.problems))
        part.display = bool(verdict.problems) and bool(verdict.text.strip())
        self.show_jobs(jobs)

    def show_previews(self, text: str, previews: tuple[PreviewResult, ...], jobs: "StoredJobs | None") -> None:
        """What the store knows of a text."""
        self._previews, self._previews_of = previews, text
        self.show_jobs(jobs)

    def show_jobs(self, jobs: "StoredJobs | None") -> None:
        """Cost and results depend on what jobs have done."""
        if self._verdict is not None:
            self._show_cost(self._verdict, jobs)
            self._show_results(self._verdict.text, jobs)

    @property
    def parts(self) -> list[ProblemList | FactsView]:
        """Those that can have the focus."""
        shown = (self.problems, "#problems-part"), (self.results, "#results-part")
        return [widget for widget, part in shown if self.query_one(part).display]

    def _show_cost(self, verdict: Verdict, jobs: "StoredJobs | None") -> None:
        rate = merge_rate(stored.job for stored in jobs.jobs) if jobs else None
        line, text = self.query_one("#plan-cost", Static), ", ".join(cost_parts(verdict, rate))
        if str(line.content) != text:
            line.update(text, layout=False)  # with every key: its height stays
        line.display = bool(text)
        line.set_class(is_too_large(verdict), "-too-large")

    def _show_results(self, text: str, jobs: "StoredJobs | None") -> None:
        self.about = jobs_about(jobs, text)
        lines = result_lines(self._previews if self._previews_of == text else (), self.about, jobs)
        self.query_one("#results-part").display = bool(lines)
        self.results.show(lines)
