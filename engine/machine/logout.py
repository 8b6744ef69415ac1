"""Fate of our processes when their user logs out.

They, and the workers that they start, belong to a login session or to the user's service manager. logind may kill a
session's processes at logout; the service manager ends with the last login unless the user lingers.
"""

import getpass
import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.errors import MachineError
from engine.machine.logind import asked_policy, configured_policy, lingers

_MEMBERSHIP = Path("/proc/self/cgroup")


class Keeper(Enum):
    """Owner of this process in systemd's terms."""

    SESSION = "a login session"
    USER_MANAGER = "the user's service manager"
    NEITHER = "neither"
    """A container, a service of the system, a batch job, or no systemd at all."""


@dataclass(frozen=True, slots=True)
class Logout:
    """Effect of a logout on this process."""

    keeper: Keeper
    ends_us: bool | None
    """True if this process and its children are killed at the last logout; None if that is unknown."""


def logout() -> Logout:
    """Return the effect of a logout. Raises OSError if our control group is unknown."""
    keeper = keeper_in(_MEMBERSHIP.read_text())
    if keeper is Keeper.SESSION:
        return Logout(keeper, _is_reached(getpass.getuser()))
    if keeper is Keeper.USER_MANAGER:
        return Logout(keeper, _leaves(getpass.getuser()))
    return Logout(keeper, ends_us=False)


def keeper_in(membership: str) -> Keeper:
    """Parse the format of /proc/self/cgroup."""
    if re.search(r"/session-[^/\n]*\.scope", membership):
        return Keeper.SESSION
    return Keeper.USER_MANAGER if re.search(r"/user@\d+\.service", membership) else Keeper.NEITHER


def _is_reached(user: str) -> bool | None:
    """Return True if logind kills the sessions of `user`, lingering or not; None if that is unknown."""
    try:
        return asked_policy().reaches(user)
    except MachineError:  # no bus, as in many containers
        policy = configured_policy()
        return policy.reaches(user) if policy else None


def _leaves(user: str) -> bool | None:
    """Return True if the service manager of `user` ends with the last login; None if that is unknown."""
    try:
        return not lingers(user)
    except MachineError:
        return None
