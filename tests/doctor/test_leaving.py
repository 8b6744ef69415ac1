"""What is said about logging out, and that the fix fits what the processes belong to."""

import pytest

from dlec_tui.doctor.logout import leaving_finding
from dlec_tui.doctor.result import State
from engine.machine.logout import Keeper, Logout

OUTSIDE, LINGER = "systemd-run --user --scope tmux new", "loginctl enable-linger"


def test_a_session_that_is_killed_needs_both_a_scope_of_its_own_and_lingering():
    found = leaving_finding(Logout(Keeper.SESSION, ends_us=True))
    assert found.state is State.PROBLEM
    assert LINGER in found.fix
    assert OUTSIDE in found.fix
    assert not found.stops_dlec


def test_a_service_manager_that_leaves_needs_lingering_alone():
    found = leaving_finding(Logout(Keeper.USER_MANAGER, ends_us=True))
    assert found.state is State.PROBLEM
    assert LINGER in found.fix
    assert OUTSIDE not in found.fix


@pytest.mark.parametrize("keeper", [Keeper.SESSION, Keeper.USER_MANAGER])
def test_what_cannot_be_told_is_a_note_with_the_remedy(keeper):
    found = leaving_finding(Logout(keeper, ends_us=None))
    assert found.state is State.NOTE
    assert LINGER in found.fix


@pytest.mark.parametrize("keeper", Keeper)
def test_what_goes_on_needs_nothing(keeper):
    found = leaving_finding(Logout(keeper, ends_us=False))
    assert (found.state, found.fix) == (State.FINE, "")
