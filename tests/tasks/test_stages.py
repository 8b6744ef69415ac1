"""A task of several stages says which one it is in, so that counting anew is no step back."""

from dlec_tui.jobs.progress import advance_of, running_text
from engine.store.job_states import Progress, Running
from engine.tasks.stages import ANNOUNCED, Stages, stage_of
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


def test_an_announcement_is_passed_on_as_it_is() -> None:
    said: list[str] = []
    Stages(lambda _done, _total, what: said.append(what), 2).next()(0, 1, f"{ANNOUNCED}11 plans")
    assert said == [f"{ANNOUNCED}11 plans"]


def test_the_rest_of_a_stage_is_foretold_from_its_own_rate() -> None:
    running = Running(1, ago(seconds=600), Progress(1, 4, "stage 2 of 3: plans", per_second=0.5))
    advance = advance_of(stored(1, running, "sweep", "sweep"), NOW)
    assert advance is not None
    assert (advance.stage, advance.left) == ("stage 2 of 3", "6.0 s left")


def test_the_screen_says_the_stage_and_foretells_no_end_without_a_rate() -> None:
    running = Running(1, ago(seconds=600), Progress(1, 4, "stage 2 of 3: plans"))
    job = stored(1, running, "propose", "propose")
    advance = advance_of(job, NOW)
    assert advance is not None
    assert advance.short == "stage 2 of 3, 25 %"
    assert running_text(job, NOW) == "stage 2 of 3: plans: 25 %, 1 of 4"
