"""What keys do in the list of models."""

from dlec_tui.actions.action import Action

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
