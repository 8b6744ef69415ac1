"""Whether processes outlive a logout depends on what they belong to."""

from pathlib import Path

import pytest

from engine.errors import MachineError
from engine.machine import logout as room
from engine.machine.logind import KillPolicy
from engine.machine.logout import Keeper, Logout, keeper_in, logout

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
def test_the_control_group_says_what_a_process_belongs_to(membership, keeper):
    assert keeper_in(membership) is keeper


@pytest.fixture
def belongs_to(tmp_path, monkeypatch):
    """Makes this a process of ada's, on a machine where nothing can be asked."""
    monkeypatch.setattr(room, "_MEMBERSHIP", tmp_path / "cgroup")
    monkeypatch.setattr(room.getpass, "getuser", lambda: "ada")
    monkeypatch.setattr(room, "asked_policy", refuse)
    monkeypatch.setattr(room, "configured_policy", lambda: None)
    monkeypatch.setattr(room, "lingers", refuse)
    return (tmp_path / "cgroup").write_text


def refuse(*_arguments: str) -> KillPolicy:
    raise MachineError("busctl failed")


@pytest.mark.parametrize(("membership", "keeper"), [(SESSION, Keeper.SESSION), (MANAGED, Keeper.USER_MANAGER)])
def test_what_nobody_can_tell_stays_unknown(belongs_to, membership, keeper):
    belongs_to(membership)
    assert logout() == Logout(keeper, ends_us=None)


def test_outside_of_logins_nothing_ends_and_nobody_is_asked(belongs_to, monkeypatch):
    belongs_to("0::/system.slice/docker-f00.scope\n")
    monkeypatch.delattr(room, "asked_policy")
    assert logout() == Logout(Keeper.NEITHER, ends_us=False)


@pytest.mark.parametrize("kills", [True, False])
def test_the_files_are_read_where_logind_cannot_be_asked(belongs_to, monkeypatch, kills):
    belongs_to(SESSION)
    monkeypatch.setattr(room, "configured_policy", lambda: KillPolicy(kills))
    assert logout() == Logout(Keeper.SESSION, ends_us=kills)


def test_what_logind_says_itself_counts_first(belongs_to, monkeypatch):
    belongs_to(SESSION)
    monkeypatch.setattr(room, "asked_policy", lambda: KillPolicy(kills=False))
    monkeypatch.setattr(room, "configured_policy", lambda: KillPolicy(kills=True))
    assert logout() == Logout(Keeper.SESSION, ends_us=False)


def test_lingering_keeps_no_session_from_being_killed(belongs_to, monkeypatch):
    belongs_to(SESSION)
    monkeypatch.setattr(room, "asked_policy", lambda: KillPolicy(kills=True))
    monkeypatch.setattr(room, "lingers", lambda _user: True)
    assert logout() == Logout(Keeper.SESSION, ends_us=True)


@pytest.mark.parametrize("stays", [True, False])
def test_lingering_keeps_the_service_manager(belongs_to, monkeypatch, stays):
    belongs_to(MANAGED)
    monkeypatch.setattr(room, "lingers", lambda _user: stays)
    assert logout() == Logout(Keeper.USER_MANAGER, ends_us=not stays)


def test_this_very_process_is_asked_about():
    assert logout().keeper is keeper_in(Path("/proc/self/cgroup").read_text())
