"""A new task needs its module, a row in engine.tasks.specs and a view: queue, worker and screen take it from there."""

from dlec_tui.jobs.task_views import VIEWS, TaskView, headline
from engine.store.job_states import Done
from engine.store.jobs import JobSpec
from engine.tasks.specs import TASKS, TaskSpec

TOY = """
def run(request, report):
    report(1, 2, "counting")
    return {"sum": sum(request["numbers"])}
"""
REGISTERED = """
from engine.tasks.specs import TASKS, TaskSpec
TASKS["toy"] = TaskSpec("toy", "toy_task", needs_device=False)
"""
"""A sitecustomize.py: stands for the row in the table, in the worker and in its processes."""


def test_a_toy_task_runs_through_queue_and_worker_and_is_shown(place, tmp_path, monkeypatch):
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "toy_task.py").write_text(TOY)
    (stubs / "sitecustomize.py").write_text(REGISTERED)
    monkeypatch.setitem(TASKS, "toy", TaskSpec("toy", "toy_task", needs_device=False))
    monkeypatch.setattr("dlec_tui.jobs.task_views.VIEWS", {**VIEWS, "toy": TaskView(lambda answer: str(answer["sum"]))})
    job_id = place.submit(JobSpec("toy", {"numbers": [1, 2, 4]}, "add numbers", {}))
    place.worker(environment={"PYTHONPATH": str(stubs)})
    place.ended(job_id, seconds=60)
    state = place.job(job_id).state
    assert isinstance(state, Done)
    assert headline("toy", state.result) == "7"
