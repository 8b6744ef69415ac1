"""`dlec jobs show`."""

import json
import re
from datetime import timedelta

import pytest

from engine.jobs.liveness import held
from engine.store.job_states import Done, Progress, now
from tests.jobs.states import failed, put, run_by, spec
from tests.jobs.workplace import Workplace


@pytest.fixture
def place(tmp_path):
    """The home that `dlec` uses."""
    place = Workplace(tmp_path / "store")
    yield place
    place.end()


def ago(**time):
    return now() - timedelta(**time)


def test_show_says_what_failed_why_and_what_to_do(dlec, place):
    job_id = place.submit(spec("merge plan.yaml into out", task="merge", batch="tonight"))
    put(place, job_id, failed())
    shown_text = dlec("jobs", "show", job_id).stdout
    assert shown_text.startswith(f"job {job_id}: merge plan.yaml into out\nstate      failed 0 s ago")
    assert "error      out cannot be written: the disk is full\n           Make room.\n" in shown_text
    assert "batch      tonight" in shown_text
    assert "/models/m (f00dcafe)" in shown_text


SETTING = {"tokens": 512, "text": ["my notes.txt"], "split": "heldout"}


@pytest.mark.parametrize(
    ("task", "request_", "command"),
    [
        ("profile", {"model": "/m", "reference": "org/m"}, "dlec profile org/m"),
        ("profile", {"model": "/m", **SETTING}, "dlec profile /m --text 'my notes.txt' --split heldout --tokens 512"),
        (
            "score",
            {"model": "/m", "metric": "ablation", "width": [1, 4]},
            "dlec score /m --metric ablation --width 1,4",
        ),
        (
            "score",
            {"model": "/m", "metric": "ablation", "blocks": [[1, 3]]},
            "dlec score /m --metric ablation --blocks 1:3",
        ),
        ("verify", {"directory": "out", "load_check": False}, "dlec verify out --no-load-check"),
        ("merge", {"plan": "slices: ..."}, None),
    ],
)
def test_show_gives_the_command_that_does_the_same(dlec, place, task, request_, command):
    job_id = place.submit(spec(task=task, request=request_))
    text = dlec("jobs", "show", job_id).stdout
    assert re.findall("^command +(.*)$", text, flags=re.MULTILINE) == ([command] if command else [])


@pytest.mark.parametrize("task", ["profile", "score", "verify", "preview", "sweep", "merge", "a task of the future"])
def test_of_a_job_of_another_version_is_shown_what_can_be(dlec, place, task):
    job_id = place.submit(spec("something", task=task, request={"new_key": 1, "text": 5}))
    put(place, job_id, Done(now(), now(), {"new_answer": 7}))
    result, data = dlec("jobs", "show", job_id), dlec("jobs", "show", job_id, "--json")
    assert (result.exit_code, data.exit_code) == (0, 0)
    assert result.stdout.startswith(f"job {job_id}: something\nstate      done")
    assert "command " not in result.stdout
    assert json.loads(data.stdout)["result"] == {"new_answer": 7}


LOADCHECK = {
    "ok": True,
    "architecture": "LlamaForCausalLM",
    "unavailable": "",
    "seconds": 3.2,
    "peak_bytes": 361_230_336,
    **{name: [] for name in ("missing", "unexpected", "mismatched", "differences")},
}
SCORES = {
    "metric": "ablation",
    "scores": [{"start": 1, "end": 2, "value": 0.25, "se": None}],
    "stored": True,
    "corpus": "notes.txt",
    "key": {"tokens": 64, "seq_len": 16, "dtype": "float32", "split": "selection", "text_sha256": "0" * 64},
}


@pytest.mark.parametrize(
    ("task", "result", "words"),
    [
        (
            "merge",
            {"bytes": 304466592, "seconds": 4.2, "loadcheck": LOADCHECK},
            ["304 MB", "LlamaForCausalLM, nothing"],
        ),
        ("merge", {"bytes": 1, "loadcheck": None}, ["load check: skipped"]),
        ("score", SCORES, ["ablation of 1 block", "0.2500", "notes.txt"]),
        ("generate", {"base": "a\x1b[2J", "plan": "b"}, [r"base: a\x1b[2J", "plan: b"]),
        ("another", {"text": "c\x07", "many": list(range(1000))}, [r"c\x07", "1,000 entries"]),
    ],
)
def test_show_puts_a_result_into_words(dlec, place, task, result, words):
    job_id = place.submit(spec(task=task, request={"model": "m", "metric": "ablation", "width": [1]}))
    put(place, job_id, Done(ago(minutes=2), ago(minutes=1), result))
    text = dlec("jobs", "show", job_id).stdout
    assert not [word for word in words if word not in text]
    assert json.loads(dlec("jobs", "show", job_id, "--json").stdout)["result"] == result


def test_show_of_a_running_job_names_its_worker(dlec, place, tmp_path):
    job_id = place.submit(spec())
    with held(tmp_path / "lock") as lock:
        run_by(place, job_id, lock.path, started_at=ago(minutes=3), progress=Progress(1, 2, "halves"), stop="keep")
        text = dlec("jobs", "show", job_id).stdout
    assert "running for 3 min on cpu, process 4711" in text
    assert "reason     being cancelled" in text


@pytest.mark.parametrize("verb", [["show"], ["logs"], ["logs", "-f"], ["wait"]])
def test_a_job_that_does_not_exist_is_an_error_with_a_remedy(dlec, verb):
    result = dlec("jobs", *verb, 7)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: there is no job 7\nTo list all jobs: dlec jobs list --all\n"


@pytest.mark.parametrize("job_id", ["0", "-1", "x", str(2**63)])
def test_what_can_be_no_id_is_no_traceback(dlec, job_id):
    assert dlec("jobs", "show", "--", job_id).exit_code == 2
