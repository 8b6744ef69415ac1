"""`dlec store merge`."""

import json
from pathlib import Path

import pytest

from tests.store.filled import contents, jobs_in_every_state, measure

RUN, OTHER_RUN = Path("runs") / "1" / "dlec.sqlite", Path("runs") / "2" / "dlec.sqlite"


@pytest.fixture
def runs(dlec) -> None:  # noqa: ARG001  it changes the directory
    """Two homes below `runs`: one with jobs, the other with a measurement that the first has too."""
    jobs_in_every_state(measure(RUN, [1, 2]))
    measure(OTHER_RUN, [2])
    Path("runs", "notes").mkdir()


def stored() -> dict[str, list[tuple[object, ...]]]:
    """What the user's own store holds."""
    return contents(Path("store") / "dlec.sqlite")


@pytest.mark.usefixtures("runs")
def test_a_directory_of_stores_is_merged_and_each_is_reported(dlec) -> None:
    done = dlec("store", "merge", "runs")
    assert done.exit_code == 0
    assert done.stdout == (
        "runs/1: new: 2 models, 2 profiles, 2 scores, 2 previews, 2 swept plans, 2 probed plans, 2 sweeps, "
        "2 comparisons, 2 plans, 3 jobs; not copied: 3 unfinished jobs\n"
        "runs/2: nothing new; known: 1 model, 1 profile, 1 score, 1 preview, 1 swept plan, 1 probed plan, 1 sweep, "
        "1 comparison, 1 plan\n"
    )
    assert len(stored()["profiles"]) == 2


@pytest.mark.usefixtures("runs")
def test_a_store_directory_and_its_file_are_one_store(dlec) -> None:
    Path("link").symlink_to("runs/2")
    found = json.loads(dlec("store", "merge", OTHER_RUN.parent, OTHER_RUN, "link", "--home", "all", "--json").stdout)
    one = {"new": 1, "known": 0}
    measured = dict.fromkeys(
        ("models", "profiles", "scores", "previews", "swept_plans", "probed_plans", "sweeps", "comparisons", "plans"),
        one,
    )
    assert found == [{"store": str(OTHER_RUN), **measured, "jobs": {"new": 0, "known": 0}, "unfinished_jobs": 0}]
    assert len(contents(Path("all") / "dlec.sqlite")["profiles"]) == 1


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("sources", "code", "words"),
    [
        (["gone"], 2, "does not exist"),
        ([], 2, "Missing argument"),
        (["runs/notes"], 2, "there is no store in runs/notes"),
        (["copy.sqlite"], 2, "Rename it to dlec.sqlite in a directory of its own"),
        (["runs", "store"], 2, "cannot be merged into itself"),
        (["runs", "text"], 3, "text/dlec.sqlite is damaged"),
    ],
)
def test_what_cannot_be_united_is_refused_before_anything_is_written(dlec, sources, code, words) -> None:
    measure(Path("store") / "dlec.sqlite", [5])
    Path("copy.sqlite").write_bytes(RUN.read_bytes())
    Path("text").mkdir()
    Path("text", "dlec.sqlite").write_text("no database at all" * 400)
    before = stored()
    done = dlec("store", "merge", *sources)
    assert (done.exit_code, done.stdout) == (code, "")
    assert words in done.stderr
    assert stored() == before
