"""The models that the store knows: their curves, and the plans that were tried on them."""

from collections.abc import Iterator, Sequence
from itertools import cycle, islice

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable

from dlec_tui.charts import MOST_CURVES, Curve
from dlec_tui.stored import StoredModel, StoredResult
from dlec_tui.widgets.layer_chart import LayerChart
from dlec_tui.widgets.part import Part
from dlec_tui.widgets.plan_text import PlanText
from dlec_tui.widgets.rows import Cells, Rows, number
from dlec_tui.wording import byte_size, count, harm
from engine.errors import shown

NOT_PROFILED = "Not profiled yet. Leave with q, then type\n\n  dlec profile {reference}"


class ModelsPane(Vertical):
    """The list of models, and of the one under the cursor its curves, its layers and its plans."""

    SCOPED_CSS = False  # the breakpoints' classes are the screen's
    DEFAULT_CSS = """
    ModelsPane > #models-part { height: auto; max-height: 30%; }
    ModelsPane #curve-part { height: 1fr; }
    ModelsPane #plans-part { height: auto; max-height: 7; }
    ModelsPane #models, ModelsPane #plans { height: auto; max-height: 100%; }
    ModelsPane #layers-part { display: none; width: 62; }
    .-wide ModelsPane #plans-part { max-height: 12; }
    .-wide ModelsPane #layers-part { display: block; }
    """

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._models: tuple[StoredModel, ...] = ()
        self._chosen = 0
        self._first_curve = 0

    def compose(self) -> ComposeResult:
        with Part("models", id="models-part"):
            yield Rows("model", *map(number, ("layers", "parameters", "size", "profiled on", "plans")), id="models")
        with Horizontal():
            with Vertical():
                with Part("layers", id="curve-part"):
                    yield LayerChart(id="curve")
                with Part("plans", id="plans-part"):
                    yield Rows("perplexity, 95 %", "on text for", "plan", id="plans")
            with Part("layer by layer", id="layers-part"):
                columns = ("layer", "influence", "rel. update", "second pass", "repeated")
                yield Rows(*map(number, columns), id="layers")

    def show(self, models: Sequence[StoredModel]) -> None:
        """Show what was read from the store; the cursor stays where it was."""
        self._models = tuple(models)
        rows = self.query_one("#models", Rows)
        rows.refill(map(_model_cells, models))
        self._show_model(rows.cursor_row)

    def next_curves(self) -> None:
        """Draw the next two metrics."""
        self._first_curve += 1
        self._draw_curves(self._models[self._chosen])

    @on(DataTable.RowHighlighted, "#models")
    def _model_chosen(self, event: DataTable.RowHighlighted) -> None:
        self._show_model(event.cursor_row)

    @on(DataTable.RowSelected, "#plans")
    def _plan_opened(self, event: DataTable.RowSelected) -> None:
        self.app.push_screen(PlanText(self._models[self._chosen].results[event.cursor_row]))

    def _show_model(self, place: int) -> None:
        self._chosen, self._first_curve = place, 0
        model = self._models[place]
        self._draw_curves(model)
        self.query_one("#layers", Rows).refill(_layer_cells(model))
        self.query_one("#plans", Rows).refill(map(_result_cells, model.results))
        plans = self.query_one("#plans-part", Part)
        plans.border_title = "plans" if model.results else "plans: none was tried yet (dlec preview PLAN)"

    def _draw_curves(self, model: StoredModel) -> None:
        self.query_one("#curve-part", Part).border_title = f"layers of {shown(model.name)}"
        otherwise = NOT_PROFILED.format(reference=shown(model.row.reference))
        self.query_one("#curve", LayerChart).draw(_from(model.curves, self._first_curve), model.row.layers, otherwise)


def _from(curves: Sequence[Curve], first: int) -> list[Curve]:
    """Two neighbours, beginning anew after the last."""
    first %= max(len(curves), 1)
    return list(islice(cycle(curves), first, first + min(MOST_CURVES, len(curves))))


def _model_cells(model: StoredModel) -> Cells:
    profiled = f"{model.profile.tokens:,} tokens" if model.profile else "not yet"
    figures = (str(model.row.layers), count(model.row.parameters), byte_size(model.row.nbytes), profiled)
    return (shown(model.name), *map(number, figures), number(str(len(model.results) or "")))


def _layer_cells(model: StoredModel) -> Iterator[Cells]:
    for each in model.layers:
        scores = (model.score_of(metric, each.layer) for metric in ("second_pass", "duplication"))
        figures = (each.block_influence, each.relative_update, *scores)
        yield (number(str(each.layer)), *(number("" if value is None else f"{value:.3f}") for value in figures))


def _result_cells(tried: StoredResult) -> Cells:
    result = tried.result
    return (harm(result.delta_nll, result.low, result.high), result.half, shown(tried.title))
