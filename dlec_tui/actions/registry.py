"""All actions of the workbench: names, keys, labels and descriptions.

Key bindings, key line, palette, help and documentation are generated from them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does."""

    area: str
    """Where it works: "app" for everywhere, else the pane's name."""
    name: str
    """`action_NAME` of the pane or the app does it. With an argument, "new_by('repeat')", only the palette has it."""
    keys: str
    """As Textual names them, separated by commas; every one survives tmux and any terminal."""
    label: str
    """For the footer: a word or two."""
    what: str
    """For help and palette: what it does, beginning with a verb."""
    in_footer: bool = False
    """At most seven of an area are, those of the app included."""
    writes: bool = False
    """Whether it changes files, the store or jobs: not with --read-only."""

    @property
    def id(self) -> str:
        """Its name in the user's keymap: "plan.duplicate"."""
        return f"{self.area}.{self.name}"


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """The actions of one area for a widget's BINDINGS."""
    return [
        Binding(action.keys, action.name, action.label, show=action.in_footer, id=action.id, tooltip=action.what)
        for action in actions
        if action.keys
    ]


EVERYWHERE_AREA = "app"

QUIT = Action(EVERYWHERE_AREA, "quit", "q,ctrl+q,ctrl+c", "quit", "leave; jobs keep running", in_footer=True)
EVERYWHERE = (
    Action(EVERYWHERE_AREA, "help", "f1,question_mark", "help", "tell what the keys do here", in_footer=True),
    Action(EVERYWHERE_AREA, "show_models", "f2,1", "models", "go to the models"),
    Action(EVERYWHERE_AREA, "show_activations", "f3,2", "activations", "go to the activations"),
    Action(EVERYWHERE_AREA, "show_plan", "f4,3", "plan", "go to the plan"),
    Action(EVERYWHERE_AREA, "show_runs", "f5,4", "runs", "go to the runs"),
    Action(EVERYWHERE_AREA, "next_part", "f6", "next part", "go to the next part of the pane"),
    Action(EVERYWHERE_AREA, "zoom", "f10,z", "zoom", "give the pane's room to the part with the focus, and back"),
    Action(
        *(EVERYWHERE_AREA, "command_palette", "ctrl+p,colon", "palette", "find any action by its name"), in_footer=True
    ),
    Action(EVERYWHERE_AREA, "jump", "ctrl+o", "jump", "put a letter on every part; typing it goes there"),
    Action(EVERYWHERE_AREA, "copy_value", "y", "copy", "copy what is under the cursor"),
    Action(EVERYWHERE_AREA, "copy_command", "Y", "copy command", "copy the command line that shows the same"),
    QUIT,
)


MODELS = (
    Action(
        "models", "open_model", "enter", "open", "make this the model that the other panes are about", in_footer=True
    ),
    Action("models", "profile", "p", "profile", "profile it, as a job", in_footer=True, writes=True),
    Action("models", "add_path", "a", "add", "add a directory, or a hub id whose headers are read", in_footer=True),
    Action("models", "download", "d", "download", "download a model of the hub, as a job", in_footer=True, writes=True),
    Action("models", "forget_path", "x", "forget", "take an added path off the list; nothing is deleted"),
    Action("models", "filter", "slash", "filter", "show only what contains some text"),
    Action("models", "look_again", "r", "look again", "search the disk again"),
)


ACTIVATIONS = (
    Action("activations", "next_view", "v", "view", "curve, heat map, histogram, neurons in turn", in_footer=True),
    Action("activations", "mark", "space", "mark", "mark the layer or block under the cursor", in_footer=True),
    Action("activations", "add_marked", "a", "into plan", "put what is marked into the plan as slices", in_footer=True),
    Action("activations", "next_metric", "c", "metric", "the next metric", in_footer=True),
    Action("activations", "next_overlay", "o", "overlay", "the next metric or profile laid over it"),
    Action("activations", "next_text", "t", "text", "the next of the texts and splits that were measured"),
    Action("activations", "unmark_all", "U", "unmark", "take all marks away"),
    Action("activations", "sort", "s", "sort", "sort the neurons by the next column; again at the last one: by layer"),
    Action("activations", "reverse", "S", "reverse", "turn the order of the neurons round"),
    Action("activations", "filter", "slash", "filter", "show only the neurons of some layers, or of large peaks"),
    Action("activations", "go_to_layer", "L", "to layer", "go to a layer"),
    Action("activations", "profile", "p", "profile", "profile the model, as a job", writes=True),
    Action("activations", "score", "m", "measure", "score layers or blocks by a metric, as a job", writes=True),
)


PLAN = (
    Action("plan", "switch_view", "v", "text/list", "go from the list of slices to the text, and back", in_footer=True),
    Action("plan", "add", "a", "add", "add a slice behind this one", in_footer=True),
    Action("plan", "duplicate", "d", "duplicate", "put a copy of the slice behind it"),
    Action("plan", "delete", "x,delete", "delete", "delete the slice"),
    Action("plan", "move_up", "K,shift+up", "up", "move the slice one place up"),
    Action("plan", "move_down", "J,shift+down", "down", "move the slice one place down"),
    Action("plan", "start_down", "left_square_bracket", "start -1", "begin the slice one layer earlier"),
    Action("plan", "start_up", "right_square_bracket", "start +1", "begin the slice one layer later"),
    Action("plan", "end_down", "minus", "end -1", "end the slice one layer earlier"),
    Action("plan", "end_up", "plus,equals_sign", "end +1", "end the slice one layer later"),
    Action("plan", "scale", "s", "scale", "scale what the slice writes into the residual stream"),
    Action("plan", "zero", "0", "zero", "make the slice inert: what it writes is scaled to zero; again: no scale"),
    Action("plan", "split", "t", "split", "split the slice in two"),
    Action("plan", "repeat", "r", "repeat", "visit the slice again, any number of times"),
    Action("plan", "undo", "u", "undo", "take the last edit back, of the list or of the text"),
    Action("plan", "redo", "ctrl+r", "redo", "do it again"),
    Action("plan", "next_problem", "f7,n", "problem", "go to the next problem"),
    Action("plan", "fix", "f", "fix", "apply the fix of the problem under the cursor"),
    Action("plan", "new", "N", "new", "make a plan with a recipe"),
    Action("plan", "open", "o", "open", "open a plan from a file"),
    Action("plan", "save", "ctrl+s", "save", "save the plan", in_footer=True, writes=True),
    Action("plan", "save_as", "S", "save as", "save the plan under another name", writes=True),
    Action("plan", "edit_outside", "e", "$EDITOR", "open the text in $EDITOR", writes=True),
    Action("plan", "compare", "c", "compare", "show the strip of another plan beside this one"),
    Action(
        "plan",
        "preview",
        "p",
        "preview",
        "run it beside its base and see the difference, as a job",
        in_footer=True,
        writes=True,
    ),
    Action("plan", "generate", "w", "generate", "let it and its base continue a text, as a job", writes=True),
    Action("plan", "merge", "m", "merge", "write the checkpoint, as a job", writes=True),
    Action("plan", "add_to_batch", "b", "batch", "save it and put it on the batch list", writes=True),
)


def recipe_action(name: str, summary: str, *, is_measured: bool) -> Action:
    """Only the palette has it. name: of a recipe; is_measured: whether it takes a job."""
    what = f"new plan by {name}{', as a job' if is_measured else ''}: {summary}"
    return Action("plan", f"new_by('{name}')", "", "", what, writes=is_measured)


RUNS = (
    Action("runs", "open_job", "enter", "details", "read all about the job, and its log", in_footer=True),
    Action(
        "runs",
        "cancel",
        "x",
        "cancel",
        "cancel the job; on the batch list: take the plan off",
        in_footer=True,
        writes=True,
    ),
    Action("runs", "retry", "r", "retry", "queue a failed or cancelled job again", in_footer=True, writes=True),
    Action("runs", "hold", "h", "hold", "hold a waiting job, or release a held one", in_footer=True, writes=True),
    Action("runs", "move_up", "K,shift+up", "up", "let the job or the plan go before the one above it", writes=True),
    Action("runs", "move_down", "J,shift+down", "down", "let it go behind the one below it", writes=True),
    Action("runs", "clear", "D,delete", "delete", "delete an ended job and its log, never what it wrote", writes=True),
    Action("runs", "follow", "l", "log", "show the end of its log, and follow it"),
    Action("runs", "open_card", "c", "card", "read the model card of what it made"),
    Action("runs", "open_plan", "o", "plan", "open the plan of the job; on the batch list: choose where outputs go"),
    Action("runs", "start_workers", "w", "workers", "start the background workers", writes=True),
    Action("runs", "add_plans", "a", "add plans", "put saved plans on the batch list", writes=True),
    Action("runs", "choose_output", "O", "output", "choose the directory that the batch goes to", writes=True),
    Action("runs", "run_batch", "b", "run batch", "queue the plans on the batch list as merges", writes=True),
    Action("runs", "filter", "slash", "filter", "show only the jobs that contain some words"),
)
RUNS_OFFERED = (
    Action("runs", "retry_failed", "", "", "queue every failed job again", writes=True),
    Action("runs", "clear_ended", "", "", "delete all jobs that are done or cancelled, and their logs", writes=True),
)
"""Only the palette has them."""


ACTIONS: tuple[Action, ...] = (*EVERYWHERE, *MODELS, *ACTIVATIONS, *PLAN, *RUNS)


def actions_of(area: str) -> tuple[Action, ...]:
    """Those of "app" or of one pane."""
    return tuple(action for action in ACTIONS if action.area == area)
