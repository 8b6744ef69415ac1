"""What becomes of our processes when their user logs out of this machine.

They are in the group of whatever started them, and so are the workers that they start: a login session ends with its
processes where logind is told so, a user's service manager ends with the last login unless the user lingers.
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
    """What systemd counts this process to."""

    SESSION = "a login session"
    USER_MANAGER = "the user's service manager"
    NEITHER = "neither"
    """A container, a service of the system, a batch job, or no systemd at all."""


@dataclass(frozen=True, slots=True)
class Logout:
    """What will happen, and by whose rule."""

    keeper: Keeper
    ends_us: bool | None
    """Whether this process, and what it starts, is ended at the last logout; None where nobody can tell."""


def logout() -> Logout:
    """Raises OSError where the system does not say which group we are in."""
    keeper = keeper_in(_MEMBERSHIP.read_text())
    if keeper is Keeper.SESSION:
        return Logout(keeper, _is_reached(getpass.getuser()))
    if keeper is Keeper.USER_MANAGER:
        return Logout(keeper, _leaves(getpass.getuser()))
    return Logout(keeper, ends_us=False)


def keeper_in(membership: str) -> Keeper:
    """From a text in the format of /proc/self/cgroup."""
    if re.search(r"/session-[^/\n]*\.scope", membership):
        return Keeper.SESSION
    return Keeper.USER_MANAGER if re.search(r"/user@\d+\.service", membership) else Keeper.NEITHER


def _is_reached(user: str) -> bool | None:
    """Whether logind ends the sessions of `user` with all that is in them, lingering or not."""
    try:
        return asked_policy().reaches(user)
    except MachineError:  # no bus to ask on, as in many containers
        policy = configured_policy()
        return policy.reaches(user) if policy else None


def _leaves(user: str) -> bool | None:
    """Whether the service manager of `user` ends with the last login."""
    try:
        return not lingers(user)
    except MachineError:
        return None
