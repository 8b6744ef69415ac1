"""The effect of a logout: logind's policy by its answer and by its files, and the owner of a process."""

from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.machine import logout as room
from engine.machine.logout import (
    Keeper,
    KillPolicy,
    Logout,
    configuration_files,
    keeper_in,
    lingers,
    logout,
    policy_from_bus,
    policy_from_files,
    running_policy,
)

DEBIAN = "[Login]\n#NAutoVTs=6\n#KillUserProcesses=no\n#KillOnlyUsers=\n#KillExcludeUsers=root\n#IdleAction=ignore\n"


def test_the_bus_answers_with_typed_lines():
    assert policy_from_bus('b true\nas 0\nas 1 "root"\n') == KillPolicy(kills=True)
    assert policy_from_bus('b false\nas 2 "ada" "bob"\nas 0\n') == KillPolicy(False, ("ada", "bob"), ())


def test_the_default_of_a_distribution_is_read_from_a_comment():
    assert policy_from_files([DEBIAN]) == KillPolicy(kills=False)
    assert policy_from_files([DEBIAN.replace("=no", "=yes")]) == KillPolicy(kills=True)


def test_an_assignment_overrides_the_comment_and_a_later_file_an_earlier_one():
    assert policy_from_files([f"{DEBIAN}KillUserProcesses = yes \n"]) == KillPolicy(kills=True)
    later = "[Login]\nKillUserProcesses=off\nKillExcludeUsers=root ada\n"
    assert policy_from_files(["KillUserProcesses=1", later]) == KillPolicy(False, (), ("root", "ada"))


@pytest.mark.parametrize("texts", [[], ["[Login]\n#KillUserProcesses=\n"], ["[Login]\nKillExcludeUsers=\n"]])
def test_files_without_a_value_decide_nothing(texts):
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
def test_users_that_a_policy_reaches(policy, is_reached):
    assert policy.reaches("ada") is is_reached


def test_root_is_spared_by_default():
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


def test_a_system_without_the_files_has_no_configuration(tmp_path):
    assert list(configuration_files([tmp_path / "etc", tmp_path / "lib"])) == []


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd runs here")
def test_a_machine_without_systemd_gives_an_error():
    with pytest.raises(MachineError, match="busctl (failed|cannot be run)"):
        running_policy()
    with pytest.raises(MachineError, match="loginctl (failed|cannot be run)"):
        lingers("root")


SESSION = "0::/user.slice/user-1000.slice/session-3.scope\n"
MANAGED = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-u3.scope\n"


@pytest.mark.parametrize(
    ("membership", "keeper"),
    [
        (SESSION, Keeper.SESSION),
        (MANAGED, Keeper.USER_MANAGER),
        ("9:name=systemd:/user.slice/user-0.slice/session-c1.scope\n4:memory:/user.slice\n", Keeper.SESSION),
        ("0::/\n", Keeper.NEITHER),
        ("0::/system.slice/docker-f00.scope\n", Keeper.NEITHER),
        ("0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0\n", Keeper.NEITHER),
    ],
)
def test_the_control_group_determines_the_keeper_of_a_process(membership, keeper):
    assert keeper_in(membership) is keeper


@pytest.fixture
def belongs_to(tmp_path, monkeypatch):
    """Makes this a process of ada's, on a machine where nothing can be asked."""
    monkeypatch.setattr(room, "_MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(room.getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(room, "running_policy", refuse)
    monkeypatch.setattr(room, "configured_policy", lambda: None)
    monkeypatch.setattr(room, "lingers", refuse)
    return (tmp_path / "cgroup").write_text


def refuse(*_arguments: str) -> KillPolicy:
    raise MachineError("busctl failed")


@pytest.mark.parametrize(("membership", "keeper"), [(SESSION, Keeper.SESSION), (MANAGED, Keeper.USER_MANAGER)])
def test_the_effect_is_unknown_without_bus_and_files(belongs_to, membership, keeper):
    belongs_to(membership)
    assert logout() == Logout(keeper, ends_us=None)


def test_outside_of_logins_no_process_ends_and_logind_is_not_queried(belongs_to, monkeypatch):
    belongs_to("0::/system.slice/docker-f00.scope\n")
    monkeypatch.delattr(room, "running_policy")
    assert logout() == Logout(Keeper.NEITHER, ends_us=False)


@pytest.mark.parametrize("kills", [True, False])
def test_the_files_are_read_if_logind_does_not_answer(belongs_to, monkeypatch, kills):
    belongs_to(SESSION)
    monkeypatch.setattr(room, "configured_policy", lambda: KillPolicy(kills))
    assert logout() == Logout(Keeper.SESSION, ends_us=kills)


def test_the_answer_of_logind_takes_precedence(belongs_to, monkeypatch):
    belongs_to(SESSION)
    monkeypatch.setattr(room, "running_policy", lambda: KillPolicy(kills=False))
    monkeypatch.setattr(room, "configured_policy", lambda: KillPolicy(kills=True))
    assert logout() == Logout(Keeper.SESSION, ends_us=False)


def test_lingering_keeps_no_session_from_being_killed(belongs_to, monkeypatch):
    belongs_to(SESSION)
    monkeypatch.setattr(room, "running_policy", lambda: KillPolicy(kills=True))
    monkeypatch.setattr(room, "lingers", lambda _user: True)
    assert logout() == Logout(Keeper.SESSION, ends_us=True)


@pytest.mark.parametrize("stays", [True, False])
def test_lingering_keeps_the_service_manager(belongs_to, monkeypatch, stays):
    belongs_to(MANAGED)
    monkeypatch.setattr(room, "lingers", lambda _user: stays)
    assert logout() == Logout(Keeper.USER_MANAGER, ends_us=not stays)


def test_the_keeper_of_this_process_is_detected():
    assert logout().keeper is keeper_in(Path("/proc/self/cgroup").read_text())
