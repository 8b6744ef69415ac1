"""What logind does at logout, by its own word and by its files."""

from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.machine.logind import (
    KillPolicy,
    asked_policy,
    configuration_files,
    lingers,
    policy_from_bus,
    policy_from_files,
)

DEBIAN = "[Login]\n#NAutoVTs=6\n#KillUserProcesses=no\n#KillOnlyUsers=\n#KillExcludeUsers=root\n#IdleAction=ignore\n"


def test_the_bus_answers_with_typed_lines():
    assert policy_from_bus('b true\nas 0\nas 1 "root"\n') == KillPolicy(kills=True)
    assert policy_from_bus('b false\nas 2 "ada" "bob"\nas 0\n') == KillPolicy(False, ("ada", "bob"), ())


def test_what_a_distribution_ships_says_its_default_in_a_comment():
    assert policy_from_files([DEBIAN]) == KillPolicy(kills=False)
    assert policy_from_files([DEBIAN.replace("=no", "=yes")]) == KillPolicy(kills=True)


def test_an_assignment_beats_the_comment_and_a_later_file_an_earlier():
    assert policy_from_files([f"{DEBIAN}KillUserProcesses = yes \n"]) == KillPolicy(kills=True)
    later = "[Login]\nKillUserProcesses=off\nKillExcludeUsers=root ada\n"
    assert policy_from_files(["KillUserProcesses=1", later]) == KillPolicy(False, (), ("root", "ada"))


@pytest.mark.parametrize("texts", [[], ["[Login]\n#KillUserProcesses=\n"], ["[Login]\nKillExcludeUsers=\n"]])
def test_files_that_leave_it_open_decide_nothing(texts):
    assert policy_from_files(texts) is None


@pytest.mark.parametrize(
    ("policy", "is_reached"),
    [
        (KillPolicy(kills=False), False),
        (KillPolicy(kills=True), True),
        (KillPolicy(kills=True, only=("bob",)), False),
        (KillPolicy(kills=True, only=("ada",)), True),
        (KillPolicy(kills=True, spared=("ada",)), False),
        (KillPolicy(kills=True, only=("ada",), spared=("ada",)), False),
    ],
)
def test_whom_a_policy_reaches(policy, is_reached):
    assert policy.reaches("ada") is is_reached


def test_root_is_spared_unless_somebody_says_otherwise():
    assert not KillPolicy(kills=True).reaches("root")


def test_fragments_are_read_after_the_one_main_file_and_override_each_other_by_name(tmp_path: Path):
    etc, lib = tmp_path / "etc", tmp_path / "lib"
    named = (
        etc / "logind.conf",
        lib / "logind.conf",
        etc / "logind.conf.d" / "50-site.conf",
        lib / "logind.conf.d" / "10-early.conf",
        lib / "logind.conf.d" / "50-site.conf",
    )
    for file in named:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    expected = [etc / "logind.conf", lib / "logind.conf.d/10-early.conf", etc / "logind.conf.d/50-site.conf"]
    assert list(configuration_files([etc, lib])) == expected


def test_a_system_without_the_files_has_none(tmp_path):
    assert list(configuration_files([tmp_path / "etc", tmp_path / "lib"])) == []


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here")
def test_a_machine_without_systemd_cannot_be_asked_and_says_so():
    with pytest.raises(MachineError, match="busctl (failed|cannot be run)"):
        asked_policy()
    with pytest.raises(MachineError, match="loginctl (failed|cannot be run)"):
        lingers("root")
