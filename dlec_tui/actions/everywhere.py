"""What keys do wherever the focus is."""

from dlec_tui.actions.action import Action

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
