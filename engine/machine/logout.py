"""Fate of our processes when their user logs out.

They, and the workers that they start, belong to a login session or to the user's service manager. systemd's logind may
kill a session's processes at logout, according to its running policy or its configuration; the service manager ends
with the last login unless the user lingers.

Source: logind.conf(5) for the keys, systemd.syntax(7) for the precedence of files.
"""

import getpass
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.errors import MachineError
from engine.machine.commands import output_of

CONFIGURATION = tuple(Path(root, "systemd") for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib"))
"""Directories of systemd's configuration; the first one overrides the others."""

_BUS = (
    "busctl",
    "get-property",
    "org.freedesktop.login1",
    "/org/freedesktop/login1",
    "org.freedesktop.login1.Manager",
)
_KEYS = ("KillUserProcesses", "KillOnlyUsers", "KillExcludeUsers")
_TRUE = frozenset({"1", "yes", "y", "true", "t", "on"})
_ASSIGNMENT = re.compile(rf"^[ \t]*({'|'.join(_KEYS)})[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_DEFAULT = re.compile(r"^#[ \t]*KillUserProcesses[ \t]*=[ \t]*(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KillPolicy:
    """Users whose processes logind kills at logout."""

    kills: bool
    only: tuple[str, ...] = ()
    """Only these users, if any are listed."""
    spared: tuple[str, ...] = ("root",)

    def reaches(self, user: str) -> bool:
        return self.kills and user not in self.spared and (not self.only or user in self.only)


def running_policy() -> KillPolicy:
    """Query the policy of the running logind. Raises MachineError if that fails."""
    return policy_from_bus(output_of([*_BUS, *_KEYS]))


def configured_policy() -> KillPolicy | None:
    """Read the policy from logind's files; None if they do not set it. Raises OSError for an unreadable file."""
    return policy_from_files([file.read_text(errors="replace") for file in configuration_files(CONFIGURATION)])


def lingers(user: str) -> bool:
    """Return True if the user's service manager outlives the last logout. Raises MachineError if that is unknown."""
    return output_of(["loginctl", "show-user", user, "--property=Linger"]).strip() == "Linger=yes"


def policy_from_bus(answer: str) -> KillPolicy:
    """Parse busctl's output, one line per property: `b true`, `as 0`, `as 1 "root"`."""
    kills, only, spared = answer.splitlines()
    return KillPolicy(kills == "b true", _strings(only), _strings(spared))


def policy_from_files(texts: Sequence[str]) -> KillPolicy | None:
    """Parse the configuration. texts: of the files in the order in which logind reads them.

    If no file sets the policy, the main file's comments do: distributions document their default there.
    """
    default = next((match[1] for text in texts if (match := _DEFAULT.search(text))), None)
    settings = {key: value for text in texts for key, value in _ASSIGNMENT.findall(text)}
    kills = settings.get("KillUserProcesses", default)
    if not kills:
        return None
    lists = {"only": settings.get("KillOnlyUsers", ""), "spared": settings.get("KillExcludeUsers", "root")}
    return KillPolicy(kills.lower() in _TRUE, **{name: tuple(users.split()) for name, users in lists.items()})


def configuration_files(roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the main file, then fragments by name; a fragment hides those of the same name in later roots."""
    yield from [file for root in roots if (file := root / "logind.conf").is_file()][:1]
    fragments = {file.name: file for root in reversed(roots) for file in (root / "logind.conf.d").glob("*.conf")}
    yield from (fragments[name] for name in sorted(fragments))


def _strings(line: str) -> tuple[str, ...]:
    return tuple(re.findall(r'"([^"]*)"', line))


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
        return running_policy().reaches(user)
    except MachineError:  # no bus, as in many containers
        policy = configured_policy()
        return policy.reaches(user) if policy else None


def _leaves(user: str) -> bool | None:
    """Return True if the service manager of `user` ends with the last login; None if that is unknown."""
    try:
        return not lingers(user)
    except MachineError:
        return None
