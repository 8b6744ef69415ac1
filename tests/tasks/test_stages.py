"""A task of several stages says which one it is in, so that counting anew is no step back."""

from dlec_tui.jobs.progress import advance_of, running_text
from engine.store.job_states import Progress, Running
from engine.tasks.stages import Stages, stage_of
from tests.tui.seen_jobs import NOW, ago, stored


def test_each_stage_reports_with_its_number() -> None:
    said: list[tuple[int, int, str]] = []
    stages = Stages(lambda *each: said.append(each), 3)
    first, second = stages.next(), stages.next()
    first(1, 2, "layers")
    second(0, 4, "plans")
    assert said == [(1, 2, "stage 1 of 3: layers"), (0, 4, "stage 2 of 3: plans")]
    assert [stage_of(what) for *_, what in said] == ["stage 1 of 3", "stage 2 of 3"]
    assert stage_of("copying") == ""


def test_the_screen_says_the_stage_and_foretells_no_end() -> None:
    running = Running(1, ago(seconds=600), Progress(1, 4, "stage 2 of 3: plans"))
    job = stored(1, running, "propose", "propose")
    advance = advance_of(job, NOW)
    assert advance is not None
    assert advance.short == "stage 2 of 3, 25 %"
    assert running_text(job, NOW) == "stage 2 of 3: plans: 25 %, 1 of 4"
