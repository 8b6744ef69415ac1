"""What keys do to a plan. In the text itself letters are typed: there F4, ctrl and the palette reach them."""

from dlec_tui.actions.action import Action

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
