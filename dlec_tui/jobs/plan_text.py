"""The plan that a job is about, or has proposed."""

from engine.store.job_states import Done
from engine.store.jobs import Job

PROPOSING = ("propose", "search", "classic")
"""Tasks whose answer is a plan."""


def plan_text_of_job(job: Job) -> str:
    """Its text: what was proposed, the best of a sweep, or what was asked for; "" for a job without a plan."""
    result = job.state.result if isinstance(job.state, Done) else {}
    if job.spec.task in PROPOSING:
        return str(result.get("plan") or "")
    winner = (result.get("winner") or {}).get("name")
    swept = {plan.get("name"): plan.get("text") for plan in job.spec.request.get("plans") or ()}
    return str(swept.get(winner) or job.spec.request.get("plan") or "")
