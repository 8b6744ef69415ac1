"""Jobs as they were seen at one moment, whatever the clock says."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dlec_tui.jobs.job_view import SeenWorker, StoredJob, StoredJobs
from engine.jobs.liveness import Liveness
from engine.store.job_states import Cancelled, Done, Failed, Held, Progress, Running, State, Waiting
from engine.store.jobs import Job, JobSpec
from engine.store.workers import Worker

NOW = datetime(2026, 4, 1, 22, 30, tzinfo=UTC)
LOADS = {
    "architecture": "LlamaForCausalLM",
    "unavailable": "",
    "seconds": 3.2,
    "peak_bytes": 361_230_336,
    **dict.fromkeys(("missing", "unexpected", "mismatched", "differences"), ()),
}
MERGED = {
    "out": "night/six",
    "bytes": 304_466_592,
    "seconds": 4.2,
    "shards": 1,
    "tensors_copied": 326,
    "tensors_computed": 0,
    "loadcheck": {"ok": True, **LOADS},
}
PREVIEWED = {
    "base": {"nll": 2.9117, "perplexity": 18.39},
    "plan": {"nll": 3.0035, "perplexity": 20.16},
    "delta_nll": 0.0918,
    "interval95": [0.0853, 0.0983],
    "kl": 0.1312,
    "top1_agreement": 0.832,
    "split": "heldout",
    "tokens": 4080,
    "sequences": 16,
    "base_check": {"ok": True, "findings": []},
    "corpus": "built-in",
    "key": {"tokens": 4096, "seq_len": 256, "dtype": "bfloat16", "split": "heldout", "text_sha256": "7e47" * 16},
    "stored": False,
}
FULL = {"kind": "DiskFullError", "what": "the disk is too full for night/two", "why": "304.5 MB more are needed"}


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def worker(liveness: Liveness = Liveness.ALIVE) -> SeenWorker:
    return SeenWorker(Worker(1, "cpu", "here", "boot", "lock", 4711, ago(hours=1), NOW), liveness, 0.0)


def stored(job_id: int, state: State, title: str, task: str = "merge", reason: str = "", **spec: Any) -> StoredJob:
    """One that runs is run by a worker that lives."""
    seen = worker() if isinstance(state, Running) else None
    needs_worker = spec.pop("needs_worker", False)
    asked = JobSpec(
        task,
        spec.pop("request", {"model": "/m", "metric": "ablation", "width": [1]}),
        title,
        spec.pop("inputs", {}),
        **spec,
    )
    attempts = 0 if isinstance(state, Waiting | Held) else 1
    return StoredJob(Job(job_id, f"uuid-{job_id}", ago(hours=2), attempts, asked, state), seen, reason, needs_worker)


def running(done: int = 1_200_000_000, total: int = 2_800_000_000, what: str = "copying") -> Running:
    return Running(1, ago(seconds=12), Progress(done, total, what))


def done(result: dict[str, Any], **when: float) -> Done:
    return Done(ago(minutes=10, **when), ago(minutes=9, **when), result)


def failed(fix: str = "Make space, then run the same merge again.") -> Failed:
    return Failed(ago(hours=1), ago(minutes=55), {**FULL, "fix": fix})


EVENING = StoredJobs(
    (
        stored(7, running(), "merge six.yaml into night/six", inputs={"/models/Tiny-135M": "f00dcafe1234"}),
        stored(8, Waiting(), "merge eight.yaml into night/eight", reason="next", batch="20260401-220000-9f3a"),
        stored(9, Waiting(), "profile org/Model-8B", "profile", "1 job ahead", slot="cuda"),
        stored(10, Held("on request"), "merge nine.yaml into night/nine", reason="on request"),
        stored(6, done(PREVIEWED), "preview six.yaml", "preview"),
        stored(5, done(MERGED, hours=1), "merge five.yaml into night/five"),
        stored(4, failed(), "merge two.yaml into night/two"),
        stored(3, Cancelled(ago(days=2)), "score org/Model-8B by ablation", "score"),
    ),
    NOW,
)
