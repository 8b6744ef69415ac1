"""Whether systemd's logind ends what a user leaves running, by its own word or else by its configuration.

Source: logind.conf(5) for the keys, systemd.syntax(7) for which file counts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.machine.commands import answer_of

CONFIGURATION = tuple(Path(root, "systemd") for root in ("/etc", "/run", "/usr/local/lib", "/usr/lib"))
"""Where systemd is configured; the first one overrides the others."""

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
    """Whose processes logind ends at logout."""

    kills: bool
    only: tuple[str, ...] = ()
    """Nobody but these users, if there are any."""
    spared: tuple[str, ...] = ("root",)

    def reaches(self, user: str) -> bool:
        return self.kills and user not in self.spared and (not self.only or user in self.only)


def asked_policy() -> KillPolicy:
    """What the running logind says. Raises MachineError where it cannot be asked."""
    return policy_from_bus(answer_of([*_BUS, *_KEYS]))


def configured_policy() -> KillPolicy | None:
    """What its files say; None where they leave it open. Raises OSError for a file that may not be read."""
    return policy_from_files([file.read_text(errors="replace") for file in configuration_files(CONFIGURATION)])


def lingers(user: str) -> bool:
    """Whether the user's service manager goes on after the last logout. Raises MachineError where nobody can say."""
    return answer_of(["loginctl", "show-user", user, "--property=Linger"]).strip() == "Linger=yes"


def policy_from_bus(answer: str) -> KillPolicy:
    """A line for each property: `b true`, `as 0`, `as 1 "root"`."""
    kills, only, spared = answer.splitlines()
    return KillPolicy(kills == "b true", _strings(only), _strings(spared))


def policy_from_files(texts: Sequence[str]) -> KillPolicy | None:
    """texts: of the files in the order in which they are read. Where no file decides, the main file's comments do:
    distributions differ in their default, and write it there.
    """
    default = next((match[1] for text in texts if (match := _DEFAULT.search(text))), None)
    found = {key: value for text in texts for key, value in _ASSIGNMENT.findall(text)}
    kills = found.get("KillUserProcesses", default)
    if not kills:
        return None
    lists = {"only": found.get("KillOnlyUsers", ""), "spared": found.get("KillExcludeUsers", "root")}
    return KillPolicy(kills.lower() in _TRUE, **{name: tuple(users.split()) for name, users in lists.items()})


def configuration_files(roots: Sequence[Path]) -> Iterator[Path]:
    """The main file, then the fragments by name; of two of the same name only the one in the earlier root counts."""
    yield from [file for root in roots if (file := root / "logind.conf").is_file()][:1]
    fragments = {file.name: file for root in reversed(roots) for file in (root / "logind.conf.d").glob("*.conf")}
    yield from (fragments[name] for name in sorted(fragments))


def _strings(line: str) -> tuple[str, ...]:
    return tuple(re.findall(r'"([^"]*)"', line))
