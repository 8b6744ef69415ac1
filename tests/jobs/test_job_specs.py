"""What is submitted for each task."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.checkpoint.checkpoint import Checkpoint, open_checkpoint
from engine.checkpoint.find import opener
from engine.checkpoint.fingerprint import fingerprint
from engine.errors import UsageError
from engine.jobs.job_specs import NamedPlan, checkpoint_spec, download_spec, merge_spec, plan_spec, verify_spec
from engine.jobs.settings import JobSettings
from engine.jobs.slots import Slot
from engine.merge.draft import MergeOptions
from engine.plan.check import check_plan
from tests.cli.conftest import write_plan
from tests.tiny import write_llama

CPU, WITH_GPU = JobSettings((Slot(),)), JobSettings((Slot(), Slot((0,))))
ON_ANY = {"device": "auto"}


@pytest.fixture
def model(tmp_path: Path) -> Checkpoint:
    return open_checkpoint(write_llama(tmp_path / "model"))


@pytest.fixture
def plan(tmp_path: Path, model: Checkpoint) -> NamedPlan:
    file = write_plan(tmp_path / "plan.yaml", model.directory, (0, 4), (2, 6))
    checked = check_plan(file.read_text(), opener())
    assert checked.stack is not None
    return NamedPlan("plan.yaml", checked.text, checked.stack, tmp_path)


def with_donor(plan: NamedPlan, donor: Checkpoint) -> NamedPlan:
    return replace(plan, stack=replace(plan.stack, config_donor=donor))


def test_each_order_is_called_what_a_person_calls_it(plan, model) -> None:
    specs = [
        checkpoint_spec("profile", model, ON_ANY, CPU),
        checkpoint_spec("profile", replace(model, reference="org/name"), ON_ANY, CPU),
        checkpoint_spec("score", model, {"device": "auto", "metric": "second-pass"}, CPU),
        plan_spec("preview", plan, ON_ANY, CPU),
        plan_spec("generate", plan, ON_ANY, CPU),
        merge_spec(plan, Path("merged/big"), MergeOptions()),
        verify_spec(Path("merged/big"), load_check=True),
        download_spec("org/name"),
    ]
    assert [(spec.task, spec.title) for spec in specs] == [
        ("profile", "profile model"),
        ("profile", "profile org/name"),
        ("score", "score model by second-pass"),
        ("preview", "preview plan.yaml"),
        ("generate", "generate with plan.yaml"),
        ("merge", "merge plan.yaml into merged/big"),
        ("verify", "verify merged/big"),
        ("download", "download org/name"),
    ]


def test_an_order_names_every_checkpoint_that_is_read_by_what_it_is_now(plan, model, tmp_path) -> None:
    donor = open_checkpoint(write_llama(tmp_path / "donor", seed=1))
    expected = {str(model.directory): fingerprint(model), str(donor.directory): fingerprint(donor)}
    assert plan_spec("preview", with_donor(plan, donor), ON_ANY, CPU).inputs == expected
    assert merge_spec(with_donor(plan, donor), Path("out"), MergeOptions()).inputs == expected
    assert checkpoint_spec("profile", model, ON_ANY, CPU).inputs == {str(model.directory): fingerprint(model)}


def test_a_relative_checkpoint_is_an_input_by_its_absolute_path(model, monkeypatch) -> None:
    monkeypatch.chdir(model.directory.parent)
    assert [*checkpoint_spec("profile", open_checkpoint(Path("model")), ON_ANY, CPU).inputs] == [str(model.directory)]


def test_what_is_yet_to_be_downloaded_is_no_input(plan, tmp_path) -> None:
    remote = replace(open_checkpoint(write_llama(tmp_path / "donor", seed=1)), is_local=False)
    spec = merge_spec(with_donor(plan, remote), Path("out"), MergeOptions(), downloads=True)
    assert (list(spec.inputs), spec.request["downloads"]) == ([str(tmp_path / "model")], True)


def test_what_is_verified_is_looked_at_as_it_is_then() -> None:
    assert verify_spec(Path("/models/m"), load_check=False).inputs == {}


@pytest.mark.parametrize(
    ("device", "settings", "slot"),
    [("auto", CPU, "cpu"), ("auto", WITH_GPU, "cuda"), ("cpu", WITH_GPU, "cpu"), ("cuda:3", CPU, "cuda:3")],
)
def test_the_device_says_which_slot_is_wanted(plan, device: str, settings: JobSettings, slot: str) -> None:
    assert plan_spec("preview", plan, {"device": device}, settings).slot == slot


def test_a_device_that_is_none_is_refused(plan) -> None:
    with pytest.raises(UsageError, match="gpu is not a valid slot"):
        plan_spec("preview", plan, {"device": "gpu"}, CPU)


def test_what_only_moves_bytes_wants_the_cpu(plan) -> None:
    specs = merge_spec(plan, Path("out"), MergeOptions()), download_spec("org/name")
    assert [spec.slot for spec in specs] == ["cpu", "cpu"]


def test_a_merge_is_asked_for_so_that_it_holds_in_any_directory(plan, tmp_path) -> None:
    spec = merge_spec(plan, Path("out"), MergeOptions(max_shard_size=7, load_check=False))
    assert spec.request == {
        "plan": plan.text,
        "out": str(tmp_path / "out"),
        "options": {
            "max_shard_size": 7,
            "reflink": True,
            "hash_sums": False,
            "overwrite": False,
            "load_check": False,
        },
        "downloads": False,
        "working_directory": str(tmp_path),
    }


def test_what_reads_a_plan_is_told_where_its_relative_references_are(plan, tmp_path) -> None:
    for spec in (plan_spec("preview", plan, ON_ANY, CPU), plan_spec("generate", plan, ON_ANY, CPU)):
        assert spec.request == {"device": "auto", "working_directory": str(tmp_path)}
