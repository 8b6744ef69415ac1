"""What keys do to jobs and to the batch list."""

from dlec_tui.actions.action import Action

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
