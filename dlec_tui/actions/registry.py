"""All actions of the workbench: names, keys, labels and descriptions.

Key bindings, key line, palette, help and documentation are generated from them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user can do."""

    area: str
    """Pane in which the action works; "app" for all panes."""
    name: str
    """Method `action_NAME` of pane or app. Only the palette lists names with arguments: "new_by('repeat')"."""
    keys: str
    """Keys as Textual names them, separated by commas. Each of them works in tmux and in any terminal."""
    label: str
    """Label in the key line: one or two words."""
    what: str
    """Description in help and palette: imperative."""
    in_footer: bool = False
    """Whether the key line shows the action: at most seven actions of a pane, including those of the app."""
    writes: bool = False
    """Whether the action changes files, the store or jobs, which --read-only forbids."""

    @property
    def id(self) -> str:
        """Name in keymap.toml: "plan.duplicate"."""
        return f"{self.area}.{self.name}"


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """Bindings for the actions of a widget."""
    return [
        Binding(action.keys, action.name, action.label, show=action.in_footer, id=action.id, tooltip=action.what)
        for action in actions
        if action.keys
    ]


EVERYWHERE_AREA = "app"

QUIT = Action(EVERYWHERE_AREA, "quit", "q,ctrl+q,ctrl+c", "quit", "quit; jobs keep running", in_footer=True)
EVERYWHERE = (
    Action(EVERYWHERE_AREA, "help", "f1,question_mark", "help", "help", in_footer=True),
    Action(EVERYWHERE_AREA, "show_models", "f2,1", "models", "show models"),
    Action(EVERYWHERE_AREA, "show_activations", "f3,2", "activations", "show activations"),
    Action(EVERYWHERE_AREA, "show_plan", "f4,3", "plan", "show plan"),
    Action(EVERYWHERE_AREA, "show_runs", "f5,4", "runs", "show runs"),
    Action(EVERYWHERE_AREA, "next_part", "f6", "next part", "go to the next part"),
    Action(EVERYWHERE_AREA, "zoom", "f10,z", "zoom", "zoom this part / unzoom"),
    Action(*(EVERYWHERE_AREA, "command_palette", "ctrl+p,colon", "palette", "run an action by name"), in_footer=True),
    Action(EVERYWHERE_AREA, "jump", "ctrl+o", "jump", "jump to a part by letter"),
    Action(EVERYWHERE_AREA, "copy_value", "y", "copy", "copy the selected value"),
    Action(EVERYWHERE_AREA, "copy_command", "Y", "copy command", "copy the equivalent shell command"),
    QUIT,
)


MODELS = (
    Action("models", "open_model", "enter", "open", "open this model", in_footer=True),
    Action("models", "profile", "p", "profile", "profile this model (job)", in_footer=True, writes=True),
    Action("models", "add_path", "a", "add", "add a directory or hub id", in_footer=True),
    Action("models", "download", "d", "download", "download from the hub (job)", in_footer=True, writes=True),
    Action("models", "forget_path", "x", "forget", "remove an added path from the list (deletes no files)"),
    Action("models", "filter", "slash", "filter", "filter the models"),
    Action("models", "look_again", "r", "look again", "search the disk again"),
)


ACTIVATIONS = (
    Action(
        "activations",
        "next_view",
        "v",
        "view",
        "next view: curve, map, histogram, neurons, changes",
        in_footer=True,
    ),
    Action("activations", "mark", "space", "mark", "mark / unmark the layer or block under the cursor", in_footer=True),
    Action(
        "activations",
        "add_marked",
        "a",
        "into plan",
        "add the marked blocks to the plan; graft the marked cells",
        in_footer=True,
    ),
    Action("activations", "next_metric", "c", "metric", "next metric", in_footer=True),
    Action("activations", "next_overlay", "o", "overlay", "overlay the next metric or profile"),
    Action("activations", "next_text", "t", "text", "next measured text or comparison"),
    Action("activations", "unmark_all", "U", "unmark", "clear all marks"),
    Action("activations", "sort", "s", "sort", "sort the neurons by the next column"),
    Action("activations", "reverse", "S", "reverse", "reverse the sort"),
    Action("activations", "filter", "slash", "filter", "filter the neurons"),
    Action("activations", "go_to_layer", "L", "layer", "go to a layer"),
    Action("activations", "profile", "p", "profile", "profile the model (job)", writes=True),
    Action("activations", "compare", "d", "diff", "compare the weights with another checkpoint (job)", writes=True),
    Action("activations", "score", "m", "measure", "score layers or blocks by a metric (job)", writes=True),
)


PLAN = (
    Action("plan", "switch_view", "v", "text/list", "switch between slice list and text", in_footer=True),
    Action("plan", "add", "a", "add", "add a slice below", in_footer=True),
    Action("plan", "duplicate", "d", "duplicate", "duplicate the slice"),
    Action("plan", "delete", "x,delete", "delete", "delete the slice"),
    Action("plan", "move_up", "K,shift+up", "up", "move the slice up"),
    Action("plan", "move_down", "J,shift+down", "down", "move the slice down"),
    Action("plan", "start_down", "left_square_bracket", "start -1", "start the slice one layer earlier"),
    Action("plan", "start_up", "right_square_bracket", "start +1", "start the slice one layer later"),
    Action("plan", "end_down", "minus", "end -1", "end the slice one layer earlier"),
    Action("plan", "end_up", "plus,equals_sign", "end +1", "end the slice one layer later"),
    Action("plan", "scale", "s", "scale", "scale the output of the slice"),
    Action("plan", "zero", "0", "zero", "make the slice inert (scale 0) / remove the scale"),
    Action("plan", "split", "t", "split", "split the slice in two"),
    Action("plan", "repeat", "r", "repeat", "repeat the slice"),
    Action("plan", "undo", "u", "undo", "undo"),
    Action("plan", "redo", "ctrl+r", "redo", "redo"),
    Action("plan", "next_problem", "f7,n", "problem", "go to the next problem"),
    Action("plan", "fix", "f", "fix", "apply the fix for this problem"),
    Action("plan", "new", "N", "new", "new plan from a recipe"),
    Action("plan", "open", "o", "open", "open a plan file"),
    Action("plan", "save", "ctrl+s", "save", "save the plan", in_footer=True, writes=True),
    Action("plan", "save_as", "S", "save as", "save the plan under another name", writes=True),
    Action("plan", "edit_outside", "e", "$EDITOR", "edit the text in $EDITOR", writes=True),
    Action("plan", "compare", "c", "compare", "compare with another plan"),
    Action(
        "plan",
        "preview",
        "p",
        "preview",
        "preview: compare with the base model (job)",
        in_footer=True,
        writes=True,
    ),
    Action("plan", "generate", "w", "generate", "generate: continue a prompt with plan and base (job)", writes=True),
    Action("plan", "merge", "m", "merge", "merge: write the checkpoint (job)", writes=True),
    Action("plan", "add_to_batch", "b", "batch", "save, and add to the batch list", writes=True),
)


def recipe_action(name: str, summary: str, *, is_measured: bool) -> Action:
    """Action that starts a recipe; only the palette lists it. is_measured: whether the recipe runs as a job."""
    what = f"new plan with {name}{' (job)' if is_measured else ''}: {summary}"
    return Action("plan", f"new_by('{name}')", "", "", what, writes=is_measured)


RUNS = (
    Action("runs", "open_job", "enter", "details", "show details and log", in_footer=True),
    Action(
        "runs",
        "cancel",
        "x",
        "cancel",
        "cancel the job (batch list: remove the plan)",
        in_footer=True,
        writes=True,
    ),
    Action("runs", "retry", "r", "retry", "retry a failed or cancelled job", in_footer=True, writes=True),
    Action("runs", "hold", "h", "hold", "hold a waiting job / release a held job", in_footer=True, writes=True),
    Action("runs", "move_up", "K,shift+up", "up", "move the job or plan up", writes=True),
    Action("runs", "move_down", "J,shift+down", "down", "move the job or plan down", writes=True),
    Action("runs", "clear", "D,delete", "delete", "delete a finished job and its log (keeps its output)", writes=True),
    Action("runs", "follow", "l", "log", "follow the log"),
    Action("runs", "open_card", "c", "card", "show the model card of the output"),
    Action("runs", "open_plan", "o", "plan", "open the plan of the job (batch list: choose the output directory)"),
    Action("runs", "start_workers", "w", "workers", "start workers", writes=True),
    Action("runs", "add_plans", "a", "add plans", "add plan files to the batch list", writes=True),
    Action("runs", "choose_output", "O", "output", "choose the output directory of the batch", writes=True),
    Action("runs", "run_batch", "b", "run batch", "queue all plans of the batch list as merges", writes=True),
    Action("runs", "filter", "slash", "filter", "filter the jobs"),
)
RUNS_OFFERED = (
    Action("runs", "retry_failed", "", "", "retry all failed jobs", writes=True),
    Action("runs", "clear_ended", "", "", "delete all done and cancelled jobs and their logs", writes=True),
)
"""Actions that only the palette lists."""


ACTIONS: tuple[Action, ...] = (*EVERYWHERE, *MODELS, *ACTIVATIONS, *PLAN, *RUNS)


def actions_of(area: str) -> tuple[Action, ...]:
    """Actions of a pane; of all panes for "app"."""
    return tuple(action for action in ACTIONS if action.area == area)
